package api

import (
	"strings"

	"github.com/valyala/fasthttp"
)

// corsMethods is the Python server's list, sorted.
const corsMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

// cors lets browsers of the configured origins read the answer. Credentials are allowed, so an answer to a request with
// cookies names the origin instead of "*".
func (set *settings) cors(ctx *fasthttp.RequestCtx) {
	origin := ctx.Request.Header.Peek(fasthttp.HeaderOrigin)
	if len(origin) == 0 || len(set.CORS) == 0 {
		return
	}
	h := &ctx.Response.Header
	switch {
	case set.anyOrigin && len(ctx.Request.Header.Peek(fasthttp.HeaderCookie)) == 0:
		h.Set(fasthttp.HeaderAccessControlAllowOrigin, "*")
	case set.allows(string(origin)):
		h.SetBytesV(fasthttp.HeaderAccessControlAllowOrigin, origin)
		h.Add(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	}
	h.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
}

func (set *settings) allows(origin string) bool { return set.anyOrigin || set.origins[origin] }

// preflight answers the question that browsers ask before a request of another origin; false: it was not one.
func (set *settings) preflight(ctx *fasthttp.RequestCtx) bool {
	in := &ctx.Request.Header
	origin, method := in.Peek(fasthttp.HeaderOrigin), in.Peek(fasthttp.HeaderAccessControlRequestMethod)
	if !ctx.IsOptions() || len(origin) == 0 || len(method) == 0 || len(set.CORS) == 0 {
		return false
	}
	out := &ctx.Response.Header
	out.Set(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	out.Set(fasthttp.HeaderAccessControlAllowMethods, corsMethods)
	out.Set(fasthttp.HeaderAccessControlMaxAge, "600")
	out.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
	if asked := in.Peek(fasthttp.HeaderAccessControlRequestHeaders); len(asked) > 0 {
		out.SetBytesV(fasthttp.HeaderAccessControlAllowHeaders, asked)
	}
	var refused []string
	if set.allows(string(origin)) {
		out.SetBytesV(fasthttp.HeaderAccessControlAllowOrigin, origin)
	} else {
		refused = append(refused, "origin")
	}
	if !strings.Contains(corsMethods+",", string(method)+",") {
		refused = append(refused, "method")
	}
	if len(refused) > 0 {
		writeText(ctx, fasthttp.StatusBadRequest, "Disallowed CORS "+strings.Join(refused, ", "))
		return true
	}
	writeText(ctx, fasthttp.StatusOK, "OK")
	return true
}
