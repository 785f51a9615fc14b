//go:build tools

// Package tools pins what `go build` makes from this module: the object storage of simulated buckets.
package tools

import _ "github.com/fsouza/fake-gcs-server"
