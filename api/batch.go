package api

import (
	"encoding/json"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/vcon"
)

// outcome is what became of one document of POST /vcons.
type outcome struct {
	UUID   *string `json:"uuid"`   // null when the document has none that can be read
	Status int     `json:"status"` // as POST /vcon would have answered: 201, 422, 503, 500
	Detail any     `json:"detail"` // null, a text, or a list of problems
}

// postVCons answers POST /vcons: an array of documents, each stored and queued on its own, all or nothing. The answer
// is 200 with one outcome per document, in order: a client repeats those that are not 201.
func postVCons(c *call) {
	q := c.query()
	lists := c.checkLists(q, q.lists("ingress_list", "ingress_lists"))
	var texts []json.RawMessage
	if problems := append(q.problems, c.decode(&texts, vcon.Array)...); len(problems) > 0 {
		c.reject(problems)
		return
	}
	out := make([]outcome, 0, len(texts))
	for i, text := range texts {
		out = append(out, c.one(text, i, lists))
		texts[i] = nil
	}
	c.json(fasthttp.StatusOK, out)
}

// one stores one document of a batch. Its text is its own copy: the store may keep it long after the batch is gone.
func (c *call) one(text []byte, i int, lists []string) outcome {
	doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: c.set.BodyLimit})
	if err != nil {
		return outcome{Status: fasthttp.StatusUnprocessableEntity, Detail: c.unfitItem(text, err, i)}
	}
	id := doc.ID().String()
	if problems := c.validate(doc, "body", i); len(problems) > 0 {
		return outcome{&id, fasthttp.StatusUnprocessableEntity, problems}
	}
	if err := c.submit(doc, lists, 0, sourceNew); err != nil {
		status, problems := storeStatus(err)
		if problems != nil {
			return outcome{&id, status, problems}
		}
		c.s.log.Error("document of a batch not stored", "vcon", id, "error", err)
		return outcome{&id, status, failedToStore}
	}
	return outcome{UUID: &id, Status: fasthttp.StatusCreated}
}

func (c *call) unfitItem(text []byte, err error, i int) []problem {
	var why *vcon.ParseError
	if !errors.As(err, &why) {
		return []problem{refusal(err.Error(), "body", i)}
	}
	return c.unfitProblems(text, why, "body", i)
}
