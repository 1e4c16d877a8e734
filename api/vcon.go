package api

import (
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// getVCon answers GET /vcon/{vcon_uuid} with the document's own bytes.
func getVCon(c *call) {
	q := c.query()
	id := q.id()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	doc, err := c.find(id)
	switch {
	case errors.Is(err, queue.ErrNotFound):
		c.detail(fasthttp.StatusNotFound, "vCon not found")
	case err != nil:
		c.storeFailed(err, "Failed to read vCon")
	default:
		c.raw(fasthttp.StatusOK, doc.Bytes())
	}
}

// find reads a document from the live store, else from the storages, which puts it back into the live store.
func (c *call) find(id vcon.ID) (*vcon.VCon, error) {
	doc, _, err := c.s.store.Get(c.s.base, id)
	if !errors.Is(err, queue.ErrNotFound) || c.s.archive == nil {
		return doc, err
	}
	return c.fetch(id)
}
