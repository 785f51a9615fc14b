"""What only the cloud can say before a stack is created: rights, quotas, APIs and registrations. Read-only."""
