"""Stand-ins for the parts of Pulumi that exist only as downloads: the Python language host and the random plugin.

The lab uses them on machines that cannot download the official ones, and imports nothing of this package elsewhere.
`stand_ins` is the only module that the rest of the lab may import.
"""
