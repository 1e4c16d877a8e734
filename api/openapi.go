package api

// operation is what GET /openapi.json says about a route.
type operation struct {
	summary string
	tag     string
}
