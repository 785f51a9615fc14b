"""People and programs that use Airflow: accounts, roles, login."""
