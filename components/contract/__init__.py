"""The values that the cloud layer and the Airflow layer exchange. Imports no SDK but Pulumi's own and Kubernetes's."""
