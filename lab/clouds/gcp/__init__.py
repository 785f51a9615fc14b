"""The simulated Google Cloud, accessed through the plugin `gcp`."""
