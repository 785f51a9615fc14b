"""What Airflow takes on the lab's node: seconds to start, memory at rest, seconds for a burst of tasks."""
