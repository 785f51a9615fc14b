"""The simulated Azure: rules in one module for each group of resource types, and the plugin `azure-native`."""
