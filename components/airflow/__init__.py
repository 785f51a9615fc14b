"""Airflow on Kubernetes. Nothing in this package knows which cloud it runs on."""
