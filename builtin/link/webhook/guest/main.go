// Command guest is the link webhook as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/webhook"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(webhook.Run) }

func main() {}
