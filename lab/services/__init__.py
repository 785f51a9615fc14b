"""What stands behind the simulated clouds on the lab's node: real databases, volumes, blob stores, identities.

All of it runs in the node's namespaces and ends with the node. Nothing here starts for a stack without a simulated
cloud.
"""
