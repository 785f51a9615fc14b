"""The workloads of the executors: Celery's workers with their broker, and a pod for each task."""
