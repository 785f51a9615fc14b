"""The pods of workloads: the template that builds them, the options they read, the scripts they run."""
