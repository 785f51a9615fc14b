// Package http01 has the options of HTTP-01 challenges.
package http01

import "time"

// PathPrefix is the path of challenge responses in RFC 8555, https://www.rfc-editor.org/rfc/rfc8555#section-8.3.
const PathPrefix = "/.well-known/acme-challenge/"

// Option changes how a response is checked.
type Option struct{}

// SetDelay has no effect.
func SetDelay(time.Duration) Option { return Option{} }
