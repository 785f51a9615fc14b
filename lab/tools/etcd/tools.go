//go:build tools

// Package tools pins what `go build` makes from this module: the etcd server.
package tools

import _ "go.etcd.io/etcd/server/v3"
