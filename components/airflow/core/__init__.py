"""Airflow's own services."""
