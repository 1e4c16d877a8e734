package api

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

const failedToReadVCon = "Failed to read vCon"

// getVCon answers GET /vcon/{vcon_uuid} with the document's own bytes, or in the format that Settings.EgressFormat says.
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
		return
	case err != nil:
		c.storeFailed(err, failedToReadVCon)
		return
	}
	text, err := c.outward(doc)
	if err != nil {
		c.storeFailed(err, failedToReadVCon)
		return
	}
	c.raw(fasthttp.StatusOK, text)
}

// find reads a document from the live store, else from the storages, which puts it back into the live store.
func (c *call) find(id vcon.ID) (*vcon.VCon, error) {
	doc, _, err := c.s.store.Get(c.s.base, id)
	if !errors.Is(err, queue.ErrNotFound) || c.s.archive == nil {
		return doc, err
	}
	return c.fetch(id)
}

// outward is a document's text for clients.
func (c *call) outward(doc *vcon.VCon) ([]byte, error) {
	if c.set.EgressFormat == "" {
		return doc.Bytes(), nil
	}
	older, err := doc.Downgrade(c.set.EgressFormat)
	if err != nil {
		return nil, fmt.Errorf("write vcon %s as %s: %w", doc.ID(), c.set.EgressFormat, err)
	}
	return older.Bytes(), nil
}

// getVCons answers GET /vcons: several documents in the order asked for, null where there is none.
func getVCons(c *call) {
	q := c.query()
	ids := q.ids("vcon_uuids")
	if len(ids) == 0 {
		q.add(fault(typeMissing, "query", "vcon_uuids"))
	}
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	texts, err := c.texts(ids)
	if err != nil {
		c.storeFailed(err, failedToReadVCon)
		return
	}
	c.array(texts)
}

func (c *call) texts(ids []vcon.ID) ([][]byte, error) {
	docs, err := c.s.store.GetMany(c.s.base, ids)
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, len(ids))
	for i, doc := range docs {
		if doc == nil && c.s.archive != nil {
			if doc, err = c.fetch(ids[i]); err != nil && !errors.Is(err, queue.ErrNotFound) {
				return nil, err
			}
		}
		if texts[i] = []byte("null"); doc != nil {
			if texts[i], err = c.outward(doc); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

// array answers a JSON array of texts without joining them in memory.
func (c *call) array(texts [][]byte) {
	parts := []io.Reader{bytes.NewReader([]byte{'['})}
	size := 2
	for i, text := range texts {
		if i > 0 {
			parts = append(parts, bytes.NewReader([]byte{','}))
			size++
		}
		parts = append(parts, bytes.NewReader(text))
		size += len(text)
	}
	parts = append(parts, bytes.NewReader([]byte{']'}))
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentTypeBytes(typeJSON)
	c.ctx.SetBodyStream(io.MultiReader(parts...), size)
}

// deleteVCon answers DELETE /vcon/{vcon_uuid}: 204, also for a uuid that nobody has. The storages follow by a job that
// is as durable as the deletion.
func deleteVCon(c *call) {
	q := c.query()
	id := q.id()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	if err := c.s.store.Delete(c.s.base, id); err != nil {
		c.storeFailed(err, "Failed to delete vCon")
		return
	}
	c.empty()
}

// listVCons answers GET /vcon: a page of uuids, newest first. A negative size is all of them, written as they are read.
func listVCons(c *call) {
	q := c.query()
	r := queue.Range{Since: q.moment("since"), Until: q.moment("until")}
	page, size := q.integer("page", 1), q.integer("size", 50)
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	if size == 0 || page < 1 || (size < 0 && page > 1) || (size > 0 && page-1 > math.MaxInt32/size) {
		c.json(fasthttp.StatusOK, []string{})
		return
	}
	if r.Limit = size; size > 0 {
		r.Offset = (page - 1) * size
		c.listPage(r)
		return
	}
	c.listAll(r)
}

const failedToList = "Failed to list vCons"

func (c *call) listPage(r queue.Range) {
	var ids []vcon.ID
	for id, err := range c.s.store.List(c.s.base, r) {
		if err != nil {
			c.storeFailed(err, failedToList)
			return
		}
		ids = append(ids, id)
	}
	c.json(fasthttp.StatusOK, idTexts(ids))
}

// listAll writes while it reads. The first id decides the status; an error after it leaves the array open, which no
// client takes for a whole answer.
func (c *call) listAll(r queue.Range) {
	next, stop := iter.Pull2(c.s.store.List(c.s.base, r))
	id, err, ok := next()
	if !ok || err != nil {
		stop()
		if err != nil {
			c.storeFailed(err, failedToList)
			return
		}
		c.json(fasthttp.StatusOK, []string{})
		return
	}
	s := c.s
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentTypeBytes(typeJSON)
	c.ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		defer s.endStream()
		defer stop()
		for sep := "[\""; ok; id, err, ok = next() {
			if err != nil {
				s.log.Error("list of vCons cut short", "error", err)
				return
			}
			if _, err := w.WriteString(sep + id.String() + `"`); err != nil {
				return // the client is gone
			}
			sep = `,"`
		}
		_ = w.WriteByte(']') // flushed, and its error met, by the caller
	})
}

// endStream keeps a panic below a streamed answer, which no handler is above any more, from ending the process. The
// answer stays open, as after an error.
func (s *Server) endStream() {
	if r := recover(); r != nil {
		s.metrics.panics.Inc()
		s.log.Error("streamed answer panicked", "panic", panicKind(r))
	}
}

// searchPage is how many ids a search by text gives that does not say how many.
const searchPage = 100

// searchVCons answers GET /vcons/search: uuids of vCons that match all terms, newest first.
func searchVCons(c *call) {
	args := c.ctx.QueryArgs()
	if !args.Has("tel") && !args.Has("mailto") && !args.Has("name") && !args.Has("q") {
		c.detail(fasthttp.StatusBadRequest, "At least one search parameter must be provided")
		return
	}
	q := c.query()
	terms := q.terms()
	switch {
	case len(q.problems) > 0:
		c.reject(q.problems)
		return
	case terms.Tel+terms.Mailto+terms.Name+terms.Text == "", terms.Limit == 0 && terms.Offset > 0:
		c.json(fasthttp.StatusOK, []string{})
		return
	}
	ids, err := c.s.store.Search(c.s.base, terms)
	if errors.Is(err, queue.ErrBehind) {
		c.ctx.Response.Header.Set("X-Vcon-Warning", "recent vCons are not indexed yet and may be missing")
		err = nil
	}
	if err != nil {
		c.storeFailed(err, "An error occurred during the search")
		return
	}
	c.json(fasthttp.StatusOK, idTexts(ids))
}

// terms are what the query looks for, and which page of it.
func (q *query) terms() queue.Terms {
	t := queue.Terms{
		Tel: q.text("tel"), Mailto: q.text("mailto"), Name: q.text("name"), Text: q.text("q"),
		Since: q.moment("since"), Until: q.moment("until"),
	}
	all := 0
	if t.Text != "" {
		all = searchPage
		if _, err := queue.ParseQuery(t.Text); err != nil {
			q.add(refusal(err.Error(), "query", "q"))
		}
	}
	if _, ok := q.last("limit"); ok {
		all = q.between("limit", searchPage, 1, 10_000)
	}
	t.Limit, t.Offset = all, max(all, 1)*(q.between("page", 1, 1, 1<<20)-1)
	return t
}

// getReindex answers GET /index_vcons with how many documents there are. That a GET rebuilds the indexes is the Python
// server's; it is kept for its clients.
func getReindex(c *call) {
	n, err := c.s.store.Reindex(c.s.base)
	if err != nil {
		c.storeFailed(err, "Internal Server Error")
		return
	}
	c.json(fasthttp.StatusOK, n)
}
