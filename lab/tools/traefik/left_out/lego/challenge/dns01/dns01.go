// Package dns01 has the options of proofs by DNS.
package dns01

import (
	"strings"
	"time"
)

// Options says where names are looked up.
type Options struct{ RecursiveNameservers []string }

// Option changes how a proof is looked for.
type Option struct{}

// Client looks names up.
type Client struct{}

// NewClient makes a client.
func NewClient(*Options) *Client { return nil }

// SetDefaultClient has no effect.
func SetDefaultClient(*Client) {}

// CondOptions has no effect.
func CondOptions(bool, ...Option) Option { return Option{} }

// DisableAuthoritativeNssPropagationRequirement has no effect.
func DisableAuthoritativeNssPropagationRequirement() Option { return Option{} }

// DisableRecursiveNSsPropagationRequirement has no effect.
func DisableRecursiveNSsPropagationRequirement() Option { return Option{} }

// PropagationWait has no effect.
func PropagationWait(time.Duration, bool) Option { return Option{} }

// UnFqdn is a name without the dot at its end. Traefik takes it for the names of every certificate.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
