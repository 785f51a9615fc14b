"""How users reach the UI."""
