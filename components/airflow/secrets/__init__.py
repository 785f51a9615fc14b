"""Secrets, and which workload may hold which."""
