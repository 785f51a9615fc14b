// Package tlsalpn01 has the options of TLS-ALPN-01 challenges.
package tlsalpn01

import (
	"errors"
	"time"
)

// ACMETLS1Protocol is the protocol's name in RFC 8737, https://www.rfc-editor.org/rfc/rfc8737#section-6.2.
const ACMETLS1Protocol = "acme-tls/1"

// Option changes how a response is checked.
type Option struct{}

// SetDelay has no effect.
func SetDelay(time.Duration) Option { return Option{} }

// ChallengeBlocks refuses.
func ChallengeBlocks(string, string) ([]byte, []byte, error) { return nil, nil, errors.ErrUnsupported }
