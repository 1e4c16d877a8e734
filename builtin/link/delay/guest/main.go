// Command guest is the link delay as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/delay"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(delay.Run) }

func main() {}
