package api

import (
	"bytes"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/valyala/fasthttp"
)

// drainLimit is how much of a body that no handler wanted is read and thrown away, so that the client meets our answer
// and not a reset connection. What is longer costs the client its connection.
const drainLimit = 32 << 20

// serve is every request's way in and out.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	defer s.recovered(ctx)
	set := s.settings.Load()
	switch {
	case set.preflight(ctx):
	default:
		s.dispatch(ctx, set)
		set.cors(ctx)
	}
	s.stamp(ctx)
	leaveBody(ctx)
}

// dispatch finds the route of a path, bare or under the root path.
func (s *Server) dispatch(ctx *fasthttp.RequestCtx, set *settings) {
	path := set.strip(string(ctx.URI().PathOriginal()))
	if set.MetricsPath != metricsRoute {
		path = set.moveMetrics(path)
	}
	handler, _ := s.router.Lookup(string(ctx.Method()), path, ctx)
	if handler == nil {
		s.miss(ctx, path)
		return
	}
	handler(ctx)
}

// strip takes the root path off, once.
func (set *settings) strip(path string) string {
	n := len(set.RootPath)
	if n > 0 && len(path) > n && path[n] == '/' && path[:n] == set.RootPath {
		return path[n:]
	}
	return path
}

// moveMetrics gives the path of Settings.MetricsPath to the metrics, and takes their usual one away.
func (set *settings) moveMetrics(path string) string {
	switch path {
	case set.MetricsPath:
		return metricsRoute
	case metricsRoute:
		return ""
	}
	return path
}

// miss answers what no route takes: another method, a trailing slash, or nothing there.
func (s *Server) miss(ctx *fasthttp.RequestCtx, path string) {
	if rt := s.routeAt(path); rt != nil {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, rt.method)
		writeDetail(ctx, fasthttp.StatusMethodNotAllowed, "Method Not Allowed")
		s.metrics.missed(fasthttp.StatusMethodNotAllowed)
		return
	}
	if n := len(path); n > 1 && path[n-1] == '/' && s.routeAt(path[:n-1]) != nil {
		s.redirect(ctx)
		s.metrics.missed(fasthttp.StatusTemporaryRedirect)
		return
	}
	writeDetail(ctx, fasthttp.StatusNotFound, "Not Found")
	s.metrics.missed(fasthttp.StatusNotFound)
}

// redirect sends a request with a trailing slash to the path without it, on the host that the client named.
func (s *Server) redirect(ctx *fasthttp.RequestCtx) {
	scheme := "http"
	if ctx.IsTLS() || s.settings.Load().TLS {
		scheme = "https"
	}
	path := ctx.URI().PathOriginal()
	to := scheme + "://" + string(ctx.Host()) + string(path[:len(path)-1])
	if q := ctx.URI().QueryString(); len(q) > 0 {
		to += "?" + string(q)
	}
	ctx.SetStatusCode(fasthttp.StatusTemporaryRedirect)
	ctx.Response.Header.Set(fasthttp.HeaderLocation, to)
}

// stamp says on every handled answer which build gave it.
func (s *Server) stamp(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("X-Vcon-Server-Version", s.build.Version)
	ctx.Response.Header.Set("X-Vcon-Server-Commit", s.build.Commit)
}

// leaveBody makes sure that what the handler did not read of the body is not taken for the next request.
func leaveBody(ctx *fasthttp.RequestCtx) {
	if !ctx.Request.IsBodyStream() {
		return
	}
	var one [1]byte
	n, err := ctx.Request.BodyStream().Read(one[:])
	if n == 0 && err == io.EOF {
		return // the usual case: it was read to its end
	}
	if err == nil {
		_, err = io.CopyN(io.Discard, ctx.Request.BodyStream(), drainLimit)
	}
	if !errors.Is(err, io.EOF) {
		ctx.SetConnectionClose()
	}
}

// recovered turns a panic of a handler into the plain 500 of the Python server; fasthttp would end the process.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	r := recover()
	if r == nil {
		return
	}
	s.metrics.panics.Inc()
	s.log.Error("handler panicked", "method", string(ctx.Method()), "panic", panicKind(r), "stack", string(debug.Stack()))
	ctx.Response.Reset()
	writeText(ctx, fasthttp.StatusInternalServerError, "Internal Server Error")
	ctx.SetConnectionClose()
}

// panicKind is what may be logged of a panic: a runtime error's text has no content, other values might.
func panicKind(r any) string {
	if err, ok := r.(interface{ RuntimeError() }); ok {
		return err.(error).Error()
	}
	return "not a runtime error"
}

// expect refuses a body that is announced too big before it is sent. Everything else is asked to come.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	set := s.settings.Load()
	if int64(ctx.Request.Header.ContentLength()) <= set.BodyLimit {
		return fasthttp.StatusContinue
	}
	tooLarge(ctx, set.BodyLimit)
	set.cors(ctx)
	s.stamp(ctx)
	return fasthttp.StatusRequestEntityTooLarge
}

// malformed answers what is no HTTP request, too large a header, or one that did not arrive in time.
func (s *Server) malformed(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var slow timeout
	switch {
	case errors.As(err, &small):
		writeDetail(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, "Request header fields too large")
	case errors.As(err, &slow) && slow.Timeout():
		writeDetail(ctx, fasthttp.StatusRequestTimeout, "Request Timeout")
	default:
		writeDetail(ctx, fasthttp.StatusBadRequest, "Invalid HTTP request received.")
	}
	s.stamp(ctx)
	s.metrics.missed(ctx.Response.StatusCode())
}

// run is a request's way through its route.
func (s *Server) run(ctx *fasthttp.RequestCtx, rt *route) {
	began := time.Now()
	c := &call{ctx: ctx, s: s, set: s.settings.Load()}
	end := c.begin(rt)
	defer func() {
		end(ctx.Response.StatusCode())
		s.inflight.Add(-c.held)
		rt.meter.observe(ctx.Response.StatusCode(), time.Since(began))
	}()
	if c.admit(rt) {
		rt.handle(c)
	}
}

// admit reads the body and checks the key, in the Python server's order: a body that is no JSON is told before a wrong
// key is. A caller without a fitting key is not read beyond strangerLimit, one that comes too often not at all.
func (c *call) admit(rt *route) bool {
	denial := c.authorize(rt)
	if c.who.wait > 0 {
		c.tooMany(refusedRate, "Rate limit exceeded", c.who.wait)
		return false
	}
	if rt.body != bodyNone && !c.take(rt, denial) {
		return false
	}
	if denial != "" && rt.auth != authIngress {
		c.detail(fasthttp.StatusForbidden, denial)
		return false
	}
	c.who.denial = denial
	return true
}

// take reads the body and checks its syntax.
func (c *call) take(rt *route, denial string) bool {
	limit := c.set.BodyLimit
	if denial != "" {
		limit = min(limit, strangerLimit)
	}
	body, err := c.readBody(limit)
	if err != nil {
		if denial != "" && (errors.Is(err, errTooLarge) || errors.Is(err, errRatio)) {
			c.detail(fasthttp.StatusForbidden, denial)
			return false
		}
		c.bodyFailed(err)
		return false
	}
	c.body = body
	if rt.body == bodyJSON {
		return c.checkJSON()
	}
	return c.parseVCon()
}

func isSpace(b []byte) bool { return len(bytes.TrimLeft(b, " \t\r\n")) == 0 }
