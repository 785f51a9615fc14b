// Package auth declares the names that Traefik's password middlewares use from a fork of go-http-auth that is not
// available as a Go module. It rejects all requests; routes of the lab have no such middleware.
package auth

import "net/http"

// BasicAuth would ask for a password.
type BasicAuth struct {
	Realm   string
	Secrets func(user, realm string) string
}

// RequireAuth refuses.
func (*BasicAuth) RequireAuth(answer http.ResponseWriter, _ *http.Request) {
	answer.WriteHeader(http.StatusUnauthorized)
}

// CheckSecret refuses.
func CheckSecret(string, string) bool { return false }

// DigestAuth would ask for a password.
type DigestAuth struct{}

// NewDigestAuthenticator makes one that refuses.
func NewDigestAuthenticator(string, func(user, realm string) string) *DigestAuth { return &DigestAuth{} }

// CheckAuth refuses.
func (*DigestAuth) CheckAuth(*http.Request) (string, *string) { return "", nil }

// DigestAuthParams finds nothing.
func DigestAuthParams(string) map[string]string { return nil }

// RequireAuth refuses.
func (*DigestAuth) RequireAuth(answer http.ResponseWriter, _ *http.Request) {
	answer.WriteHeader(http.StatusUnauthorized)
}

// RequireAuthStale refuses.
func (*DigestAuth) RequireAuthStale(answer http.ResponseWriter, _ *http.Request) {
	answer.WriteHeader(http.StatusUnauthorized)
}
