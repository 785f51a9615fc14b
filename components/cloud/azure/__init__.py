"""The cloud layer of a stack on Azure."""
