//go:build tools

// Package tools pins what `go build` makes from this module: Let's Encrypt's own test server of the ACME protocol.
package tools

import _ "github.com/letsencrypt/pebble/v2/cmd/pebble"
