package api

import (
	"bytes"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/vcon"
)

// call is one request on its way through one route.
type call struct {
	ctx   *fasthttp.RequestCtx
	s     *Server
	set   *settings // one snapshot for the whole request
	who   caller
	trace []byte // trace context of what is queued; nil = none
	held  int64  // bytes reserved of Settings.BodyInflight
	body  []byte
	doc   *vcon.VCon       // routes with bodyVCon
	unfit *vcon.ParseError // why doc is nil, when the body is JSON nevertheless
}

var (
	typeJSON = []byte("application/json")
	typeText = []byte("text/plain; charset=utf-8")
	typeHTML = []byte("text/html; charset=utf-8")
)

// raw answers with a JSON text. It keeps body until the answer is written, without copying it.
func (c *call) raw(status int, body []byte) {
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.SetContentTypeBytes(typeJSON)
	c.ctx.Response.SetBodyRaw(body)
}

// json answers with v as the Python server writes JSON: compact, nothing but JSON's own characters escaped.
func (c *call) json(status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		c.s.log.Error("answer cannot be written as json", "error", err)
		c.detail(fasthttp.StatusInternalServerError, "Internal Server Error")
		return
	}
	c.raw(status, bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

// empty answers 204, with the content type that the Python server sends along.
func (c *call) empty() {
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	c.ctx.Response.Header.SetContentTypeBytes(typeJSON)
}

// detail answers {"detail": text}.
func (c *call) detail(status int, text string) { writeDetail(c.ctx, status, text) }

func writeDetail(ctx *fasthttp.RequestCtx, status int, text string) {
	body := append([]byte(`{"detail":`), quoteJSON(text)...)
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentTypeBytes(typeJSON)
	ctx.Response.SetBodyRaw(append(body, '}'))
}

func quoteJSON(text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

func writeText(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentTypeBytes(typeText)
	ctx.Response.SetBodyString(text)
}
