// Command guest is the link sampler as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/sampler"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(sampler.Run) }

func main() {}
