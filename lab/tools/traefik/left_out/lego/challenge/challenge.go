// Package challenge has the type of providers that solve challenges.
package challenge

import "context"

// Provider presents the response to a challenge, and removes it.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}
