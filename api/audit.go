package api

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// Audit reads the audit log.
type Audit interface {
	// Of gives what the log says of a vCon as a JSON object with its uuid ("vcon"), "records", oldest first, and
	// "problems", the places where they are not what was written. Errors: queue.ErrNotFound when it says nothing.
	Of(ctx context.Context, id vcon.ID) (json []byte, err error)
}

// getAudit answers GET /audit/{uuid}. A record that was changed is told in the answer, not by its status.
func getAudit(c *call) {
	q := c.query()
	id := q.id()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	text, err := []byte(nil), queue.ErrNotFound
	if c.s.audit != nil {
		text, err = c.s.audit.Of(c.s.base, id)
	}
	switch {
	case errors.Is(err, queue.ErrNotFound):
		c.detail(fasthttp.StatusNotFound, "No audit records")
	case err != nil:
		c.s.log.Error("read the audit log for the api", "error", err)
		c.detail(fasthttp.StatusInternalServerError, "Failed to read the audit log")
	default:
		c.raw(fasthttp.StatusOK, text)
	}
}
