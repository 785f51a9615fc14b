"""The program's parts: settings, the cloud layer, and Airflow on top of it."""
