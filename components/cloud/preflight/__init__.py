"""Checks that ask the cloud before a stack is created: permissions, quotas, APIs and registrations. Read-only."""
