// Package lego has the client.
package lego

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/challenge/dns01"
	"github.com/go-acme/lego/v5/challenge/http01"
	"github.com/go-acme/lego/v5/challenge/tlsalpn01"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is empty, so that no server is ever contacted.
const DirectoryURLLetsEncrypt = ""

// Config has the options of the client.
type Config struct {
	CADirURL, UserAgent string
	Certificate         struct{ Timeout time.Duration }
	HTTPClient          *http.Client
}

// Client would get certificates.
type Client struct {
	Challenge    refused
	Certificate  refused
	Registration refused
}

type refused struct{}

// NewConfig makes a configuration.
func NewConfig(any) *Config { return &Config{} }

// NewClient refuses.
func NewClient(*Config) (*Client, error) { return nil, errors.ErrUnsupported }

// CreateCertPool refuses.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, errors.ErrUnsupported }

func (refused) SetDNS01Provider(challenge.Provider, ...dns01.Option) error {
	return errors.ErrUnsupported
}

func (refused) SetHTTP01Provider(challenge.Provider, ...http01.Option) error {
	return errors.ErrUnsupported
}

func (refused) SetTLSALPN01Provider(challenge.Provider, ...tlsalpn01.Option) error {
	return errors.ErrUnsupported
}

func (refused) Obtain(context.Context, certificate.ObtainRequest) (*certificate.Resource, error) {
	return nil, errors.ErrUnsupported
}

func (refused) Renew(
	context.Context, certificate.Resource, *certificate.RenewOptions,
) (*certificate.Resource, error) {
	return nil, errors.ErrUnsupported
}

func (refused) Register(context.Context, registration.RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, errors.ErrUnsupported
}

func (refused) RegisterWithExternalAccountBinding(
	context.Context, registration.RegisterEABOptions,
) (*acme.ExtendedAccount, error) {
	return nil, errors.ErrUnsupported
}
