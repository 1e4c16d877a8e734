package api

import (
	"encoding/json"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/vcon"
)

const (
	failedToRead   = "Failed to read configuration"
	failedToUpdate = "Failed to update configuration"
)

// getConfig answers GET /config with the file as JSON; secrets are "***" unless ?secrets=1 is asked for and allowed.
func getConfig(c *call) {
	q := c.query()
	secrets := q.flag("secrets")
	switch {
	case len(q.problems) > 0:
		c.reject(q.problems)
		return
	case secrets && !c.who.has(scopeConfigSecrets):
		c.detail(fasthttp.StatusForbidden, lacks(scopeConfigSecrets))
		return
	case c.s.config == nil:
		c.detail(fasthttp.StatusInternalServerError, failedToRead)
		return
	}
	text, etag, err := c.s.config.View(c.s.base, secrets)
	if err != nil {
		c.s.log.Error("read configuration for the api", "error", err)
		c.detail(fasthttp.StatusInternalServerError, failedToRead)
		return
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderETag, etag)
	c.raw(fasthttp.StatusOK, text)
}

// postConfig answers POST /config: the whole file is checked and replaced, or nothing happens.
func postConfig(c *call) {
	var object map[string]json.RawMessage
	if p := c.decode(&object, vcon.Object); p != nil {
		c.reject(p)
		return
	}
	if c.s.config == nil {
		c.detail(fasthttp.StatusInternalServerError, failedToUpdate)
		return
	}
	found, err := c.s.config.Apply(c.s.base, c.body, string(c.ctx.Request.Header.Peek(fasthttp.HeaderIfMatch)))
	switch {
	case errors.Is(err, ErrConfigChanged):
		c.detail(fasthttp.StatusPreconditionFailed, "Configuration changed meanwhile")
	case err != nil:
		c.s.log.Error("replace configuration for the api", "error", err)
		c.detail(fasthttp.StatusInternalServerError, failedToUpdate)
	case len(found) > 0:
		c.reject(configProblems(found))
	default:
		if _, etag, err := c.s.config.View(c.s.base, false); err == nil {
			c.ctx.Response.Header.Set(fasthttp.HeaderETag, etag)
		}
		c.empty()
	}
}

func configProblems(found []ConfigProblem) []problem {
	problems := make([]problem, 0, len(found))
	for _, f := range found {
		problems = append(problems, refusal(f.Message, append([]any{"body"}, f.Path...)...))
	}
	return problems
}
