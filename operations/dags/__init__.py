"""Commands about the DAGs of a stack: `python -m operations dags COMMAND --stack STACK`."""
