"""The real services of simulated clouds on the lab's node: databases, volumes, blob stores, identities.

They run in the node's namespaces and end with the node. They start only for stacks with a simulated cloud.
"""
