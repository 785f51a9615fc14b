//go:build tools

// Package tools pins what `go build` makes from this module: the Pulumi command line.
package tools

import (
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
	_ "github.com/pulumi/pulumi/sdk/v3/go/common/version"
)
