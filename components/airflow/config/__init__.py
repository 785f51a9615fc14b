"""Airflow's configuration beyond what its components need."""
