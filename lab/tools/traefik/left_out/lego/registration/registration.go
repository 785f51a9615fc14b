// Package registration has the options of a registration.
package registration

// RegisterOptions goes with a registration.
type RegisterOptions struct{ TermsOfServiceAgreed bool }

// RegisterEABOptions goes with a registration for an account that exists elsewhere.
type RegisterEABOptions struct {
	TermsOfServiceAgreed bool
	Kid, HmacEncoded     string
}
