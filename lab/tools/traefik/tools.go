//go:build tools

// Package tools pins what `go build` makes from this module: a controller for the Gateway API, with its proxy.
package tools

import _ "github.com/traefik/traefik/v3/cmd/traefik"
