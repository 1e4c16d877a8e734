package api

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

//go:embed docs.html
var docsPage []byte

// getDocs answers GET /docs: one page without anything from elsewhere, that shows openapi.json of the same path.
func getDocs(c *call) {
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	h := &c.ctx.Response.Header
	h.SetContentTypeBytes(typeHTML)
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'")
	c.ctx.Response.SetBodyRaw(docsPage)
}
