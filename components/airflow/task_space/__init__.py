"""The namespace for tasks: defaults of its pods, quota, and the policy that keeps them from the instance."""
