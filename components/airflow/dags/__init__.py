"""How DAG files reach the pods."""
