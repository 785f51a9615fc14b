"""Programs that the lab builds from Go modules, one folder with go.mod and go.sum for each."""
