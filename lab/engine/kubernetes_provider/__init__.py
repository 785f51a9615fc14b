"""The stand-in for the official kubernetes plugin: users run the official one, and every difference is a defect.

Where a behaviour is documented or to be seen in the official sources stands in tests/engine, in a table.
"""
