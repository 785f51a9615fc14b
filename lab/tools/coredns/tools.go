//go:build tools

// Package tools pins what `go build` makes from this module: the cluster's DNS server.
package tools

import _ "github.com/coredns/coredns"
