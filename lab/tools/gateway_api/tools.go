//go:build tools

// Package tools pins the module whose folder config/crd/standard holds the Gateway API's definitions.
package tools

import _ "sigs.k8s.io/gateway-api/apis/v1"
