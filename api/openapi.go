package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// operation is what GET /openapi.json says about a route beside its method, path and guard.
type operation struct {
	tag     string
	summary string
	params  []param
	body    schema // of the request; nil = none
	status  int    // of success; 0 = 200
	result  schema // of success; nil = no body
	media   string // of the result; "" = application/json
	also    map[int]string
}

// param is a query or header parameter.
type param struct {
	name     string
	in       string // "" = query
	required bool
	schema   schema
	about    string
}

// schema is a JSON schema, draft 2020-12 as OpenAPI 3.1 has it.
type schema map[string]any

// getOpenAPI answers GET /openapi.json, made from the table of routes.
func getOpenAPI(c *call) { c.json(fasthttp.StatusOK, c.s.openAPI(c.set)) }

func (s *Server) openAPI(set *settings) schema {
	paths := schema{}
	for _, rt := range s.routes {
		at, ok := paths[rt.path].(schema)
		if !ok {
			at = schema{}
			paths[rt.path] = at
		}
		at[strings.ToLower(rt.method)] = rt.openAPI(set)
	}
	out := schema{
		"openapi": "3.1.0",
		"info":    schema{"title": "FastAPI", "version": "0.1.0", "description": "vconduit " + s.build.Version + ", a vCon server. Title and version are those of the Python server."},
		"paths":   paths,
		"components": schema{
			"schemas": schemas(),
			"securitySchemes": schema{
				"APIKeyHeader": schema{"type": "apiKey", "in": "header", "name": set.KeyHeader},
			},
		},
	}
	if set.RootPath != "" {
		out["servers"] = []schema{{"url": set.RootPath}}
	}
	return out
}

// openAPI is the route's operation object.
func (rt *route) openAPI(set *settings) schema {
	op := schema{
		"operationId": rt.operationID(),
		"summary":     rt.doc.summary,
		"tags":        []string{rt.doc.tag},
		"responses":   rt.responses(set),
	}
	if params := rt.parameters(); len(params) > 0 {
		op["parameters"] = params
	}
	if rt.doc.body != nil {
		op["requestBody"] = schema{"required": true, "content": schema{"application/json": schema{"schema": rt.doc.body}}}
	}
	if rt.guarded(set) {
		op["security"] = []schema{{"APIKeyHeader": []string{}}}
	}
	return op
}

func (rt *route) guarded(set *settings) bool {
	return rt.auth != authOpen || rt.scope == scopeMetrics && set.MetricsClosed
}

func (rt *route) operationID() string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '/', '-', '.':
			return '_'
		case '{', '}':
			return -1
		}
		return r
	}, strings.ToLower(rt.method)+rt.path)
}

func (rt *route) parameters() []schema {
	var out []schema
	if strings.Contains(rt.path, "{vcon_uuid}") {
		out = append(out, schema{"name": "vcon_uuid", "in": "path", "required": true, "schema": schema{"type": "string", "format": "uuid"}})
	}
	for _, p := range rt.doc.params {
		s := schema{"name": p.name, "in": orDefault(p.in, "query"), "required": p.required, "schema": p.schema}
		if p.about != "" {
			s["description"] = p.about
		}
		out = append(out, s)
	}
	return out
}

// responses are the success of the operation and every failure that the route's guard, parameters and body imply.
func (rt *route) responses(set *settings) schema {
	out := schema{}
	add := func(status int, media string, result schema) {
		answer := schema{"description": http.StatusText(status)}
		if result != nil {
			answer["content"] = schema{media: schema{"schema": result}}
		}
		out[strconv.Itoa(status)] = answer
	}
	add(orDefault(rt.doc.status, fasthttp.StatusOK), orDefault(rt.doc.media, "application/json"), rt.doc.result)
	if rt.guarded(set) {
		add(fasthttp.StatusForbidden, "application/json", ref("Detail"))
	}
	if rt.body != bodyNone || len(rt.parameters()) > 0 {
		add(fasthttp.StatusUnprocessableEntity, "application/json", ref("HTTPValidationError"))
	}
	if rt.body != bodyNone {
		for _, status := range []int{fasthttp.StatusBadRequest, fasthttp.StatusRequestTimeout, fasthttp.StatusRequestEntityTooLarge, fasthttp.StatusUnsupportedMediaType} {
			add(status, "application/json", ref("Detail"))
		}
	}
	if rt.auth != authOpen || len(rt.parameters()) > 0 { // it asks the store
		add(fasthttp.StatusInternalServerError, "application/json", ref("Detail"))
		add(fasthttp.StatusServiceUnavailable, "application/json", ref("Detail"))
	}
	for status, name := range rt.doc.also {
		add(status, "application/json", ref(name))
	}
	return out
}
