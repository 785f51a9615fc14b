"""Delivery of DAG files to the pods."""
