"""The lab: the test environment of the program on one machine.

A real Pulumi engine, a real Kubernetes node and locally built images. The program never imports this package.
"""
