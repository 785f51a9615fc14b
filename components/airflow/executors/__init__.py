"""What runs tasks: Celery's workers with their broker, and a pod for each task."""
