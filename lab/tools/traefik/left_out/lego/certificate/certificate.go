// Package certificate has the types of requests for certificates.
package certificate

import "github.com/go-acme/lego/v5/certcrypto"

// ObtainRequest asks for a certificate.
type ObtainRequest struct {
	Domains                 []string
	Bundle                  bool
	EmailAddresses          []string
	Profile, PreferredChain string
	EnableCommonName        bool
	KeyType                 certcrypto.KeyType
}

// RenewOptions says how a certificate is renewed.
type RenewOptions struct {
	Bundle                  bool
	EmailAddresses          []string
	Profile, PreferredChain string
	EnableCommonName        bool
}

// Resource is a certificate with its key.
type Resource struct {
	ID                      string
	Domains                 []string
	PrivateKey, Certificate []byte
}
