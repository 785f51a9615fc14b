// Package left_out declares the names that Traefik's sources use from lego, its ACME client, without the functions. lego
// depends on the clients of 150 DNS providers; some of these are not available as Go modules, so that Traefik does not
// build with lego. In the lab cert-manager gets the certificates.
package left_out
