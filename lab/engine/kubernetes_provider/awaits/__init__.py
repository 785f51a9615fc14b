"""When an object counts as ready: one module for each group of kinds, and the loop that waits."""
