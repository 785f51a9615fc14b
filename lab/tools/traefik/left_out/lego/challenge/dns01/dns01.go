// Package dns01 has the options of DNS-01 challenges.
package dns01

import (
	"strings"
	"time"
)

// Options names the DNS servers for look-ups.
type Options struct{ RecursiveNameservers []string }

// Option changes how a response is checked.
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

// UnFqdn is a name without the dot at its end. Traefik applies it to the names of every certificate.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
