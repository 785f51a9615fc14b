// Package ext is the place where builds of Traefik may add fields to its configuration. Its own lies in Traefik's
// repository as a module that is not served.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}
