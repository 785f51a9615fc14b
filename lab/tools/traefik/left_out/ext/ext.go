// Package ext lets builds of Traefik add fields to its configuration. The original is a module in Traefik's repository
// that the module proxy does not serve.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}
