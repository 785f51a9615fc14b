"""The simulated Google Cloud, as the plugin `gcp` shows it."""
