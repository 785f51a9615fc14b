// Command pulumi-resource-kubernetes is the official plugin, built from its module.
//
// The module's own command embeds two files that the release process generates. They are the module's schema.json with
// its version, and its terraform-mapping.json; the build puts both beside this file.
package main

import (
	_ "embed"
	"slices"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	// The schema is a JSON object without a version.
	versioned := slices.Concat([]byte(`{"version":"`+version.Version+`",`), schema[1:])
	provider.Serve("kubernetes", version.Version, versioned, terraformMapping)
}
