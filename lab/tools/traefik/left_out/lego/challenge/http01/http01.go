// Package http01 has the options of proofs by HTTP.
package http01

import "time"

// PathPrefix is where RFC 8555 has proofs, https://www.rfc-editor.org/rfc/rfc8555#section-8.3.
const PathPrefix = "/.well-known/acme-challenge/"

// Option changes how a proof is looked for.
type Option struct{}

// SetDelay has no effect.
func SetDelay(time.Duration) Option { return Option{} }
