"""Additions of a stack to the pods of its workloads."""
