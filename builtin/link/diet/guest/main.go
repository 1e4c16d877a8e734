// Command guest is the link diet as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/diet"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(diet.Run) }

func main() {}
