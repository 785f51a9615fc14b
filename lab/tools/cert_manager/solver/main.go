// Command cert-manager-acmesolver responds to one challenge of an ACME server, in cert-manager's solver pods.
package main

import (
	"flag"
	"log"

	"github.com/go-logr/logr"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
)

func main() {
	answer := &solver.HTTP01Solver{}
	flag.IntVar(&answer.ListenPort, "listen-port", 8089, "where to listen")
	flag.StringVar(&answer.Domain, "domain", "", "whose possession is proved")
	flag.StringVar(&answer.Token, "token", "", "the last part of the path")
	flag.StringVar(&answer.Key, "key", "", "the proof")
	flag.Parse()
	log.Fatal(answer.Listen(logr.Discard()))
}
