"""The lab: what makes the program testable on one machine.

A real Pulumi engine, a real Kubernetes node and locally built images. The program never imports this package.
"""
