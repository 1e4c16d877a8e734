// Command guest is the link expire_vcon as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/expire_vcon"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(expire_vcon.Run) }

func main() {}
