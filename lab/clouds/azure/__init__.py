"""The simulated Azure: its rules, one module per kind of thing, and the plugin `azure-native`."""
