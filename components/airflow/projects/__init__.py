"""Projects: objects in the cluster for each, and the package by which DAGs use them."""
