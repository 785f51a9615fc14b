"""The database's schema, and the certificates that connections verify."""
