// Command guest is the link tag_router as a module, for the test that both come to the same.
package main

import (
	"github.com/vconduit/vconduit/builtin/link/tag_router"
	link "github.com/vconduit/vconduit/sdk/go"
)

func init() { link.Export(tag_router.Run) }

func main() {}
