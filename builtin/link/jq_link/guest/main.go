// Command guest is the link jq_link as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/jq_link"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(jq_link.Run) }

func main() {}
