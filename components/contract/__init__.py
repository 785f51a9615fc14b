"""The values that the cloud layer and the Airflow layer exchange. Imports only the SDKs of Pulumi and Kubernetes."""
