// Command guest is the link tag as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/tag"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(tag.Run) }

func main() {}
