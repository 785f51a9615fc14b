"""Kubernetes vocabulary below both layers: pods, probes, names, Pod Security. Knows neither Airflow nor a cloud."""
