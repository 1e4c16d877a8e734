package api

import (
	"strings"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"
)

// route is one method and path, how it is guarded and who answers it. doc is its place in GET /openapi.json.
type route struct {
	method string
	path   string // as in OpenAPI: {vcon_uuid} is the only variable
	auth   auth
	scope  string
	body   bodyKind
	handle func(*call)
	doc    operation
	meter  routeMeter
}

const (
	get  = fasthttp.MethodGet
	post = fasthttp.MethodPost
	del  = fasthttp.MethodDelete
)

// mount hands the table to the router, which only finds: redirects, 404 and 405 are miss's.
func (s *Server) mount(table []*route) {
	r := router.New()
	r.RedirectTrailingSlash = false
	r.RedirectFixedPath = false
	r.HandleMethodNotAllowed = false
	r.HandleOPTIONS = false
	for _, rt := range table {
		rt.meter = s.metrics.route(rt.method, rt.path)
		r.Handle(rt.method, rt.path, func(ctx *fasthttp.RequestCtx) { s.run(ctx, rt) })
	}
	s.router, s.routes = r, table
}

// routeAt is the first route of the table whose path fits; its method is the one that 405 names.
func (s *Server) routeAt(path string) *route {
	for _, rt := range s.routes {
		if fits(rt.path, path) {
			return rt
		}
	}
	return nil
}

func fits(pattern, path string) bool {
	before, _, variable := strings.Cut(pattern, "{")
	if !variable {
		return pattern == path
	}
	rest, ok := strings.CutPrefix(path, before)
	return ok && rest != "" && !strings.Contains(rest, "/")
}
