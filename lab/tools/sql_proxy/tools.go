//go:build tools

// Package tools pins what `go build` makes from this module: the Cloud SQL Auth Proxy, a sidecar of workloads.
package tools

import _ "github.com/GoogleCloudPlatform/cloud-sql-proxy/v2"
