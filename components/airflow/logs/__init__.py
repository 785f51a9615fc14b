"""Where task logs are kept."""
