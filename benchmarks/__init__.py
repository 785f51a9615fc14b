"""Benchmarks of Airflow on the lab's node: start, memory at rest, throughput."""
