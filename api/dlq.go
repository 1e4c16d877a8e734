package api

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
)

const failedToReadDLQ = "Failed to read DLQ"

// deadList is the required list whose dead letters are meant: an own list, "storage:<name>", or the list of deletions,
// where those stand that a storage refused for too long.
func (q *query) deadList() string {
	name := q.required("ingress_list")
	if name == queue.DeleteList {
		return name
	}
	q.checkName("ingress_list", strings.TrimPrefix(name, queue.StoragePrefix))
	return name
}

// getDLQ answers GET /dlq: all ids, the oldest failure first.
func getDLQ(c *call) {
	q := c.query()
	list := q.deadList()
	dead, ok := c.dead(q, list, queue.Page{})
	if !ok {
		return
	}
	ids := make([]string, 0, len(dead))
	for _, d := range dead {
		ids = append(ids, d.ID.String())
	}
	c.json(fasthttp.StatusOK, ids)
}

// getDLQEntries answers GET /dlq/entries: dead letters with their reasons, of one list or of all.
func getDLQEntries(c *call) {
	q := c.query()
	var list string
	if q.text("ingress_list") != "" {
		list = q.deadList()
	}
	page := queue.Page{Offset: q.between("offset", 0, 0, 1<<31), Limit: q.between("limit", 100, 1, 10_000)}
	filter := q.filter()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	c.answerLetters(list, "", filter, page)
}

// answerLetters answers with a page of the dead letters of a list; "" = of all lists whose name begins with prefix.
func (c *call) answerLetters(list, prefix string, f queue.Filter, page queue.Page) {
	out, err := c.letters(list, prefix, f, page)
	if err != nil {
		c.storeFailed(err, failedToReadDLQ)
		return
	}
	c.json(fasthttp.StatusOK, out)
}

// letters walks through the dead letters of a list, or of all lists by name whose name begins with prefix, and cuts the
// page out of those that fit.
func (c *call) letters(list, prefix string, f queue.Filter, page queue.Page) ([]deadLetter, error) {
	lists := []string{list}
	if list == "" {
		names, err := c.s.store.Names(c.s.base)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, prefix) })
		lists = slices.Sorted(slices.Values(names))
	}
	out, skip := []deadLetter{}, page.Offset
	for _, list := range lists {
		const step = 1000
		for at := 0; ; at += step {
			dead, err := c.s.store.Dead(c.s.base, list, queue.Page{Offset: at, Limit: step})
			if err != nil {
				return nil, err
			}
			for _, d := range dead {
				switch {
				case !selects(f, d):
				case skip > 0:
					skip--
				default:
					out = append(out, letter(d))
				}
				if len(out) == page.Limit {
					return out, nil
				}
			}
			if len(dead) < step {
				break
			}
		}
	}
	return out, nil
}

// selects is the filter that Reprocess and Purge apply in the store.
func selects(f queue.Filter, d queue.DeadLetter) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, d.ID)) && (f.Link == "" || f.Link == d.Link) &&
		(f.Reason == "" || f.Reason == d.Reason) && !d.At.Before(f.Since)
}

// dead reads the dead letters, or answers why not.
func (c *call) dead(q *query, list string, page queue.Page) ([]queue.DeadLetter, bool) {
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return nil, false
	}
	dead, err := c.s.store.Dead(c.s.base, list, page)
	if err != nil {
		c.storeFailed(err, failedToReadDLQ)
		return nil, false
	}
	return dead, true
}

// deadLetter is queue.DeadLetter for clients.
type deadLetter struct {
	UUID    string       `json:"uuid"`
	List    string       `json:"ingress_list"`
	At      *time.Time   `json:"at"` // null: another program put the id there
	Count   int          `json:"count"`
	Reason  string       `json:"reason"`
	Link    string       `json:"link"`
	Storage string       `json:"storage"`
	Detail  string       `json:"detail"`
	Attempt int          `json:"attempt"`
	Run     string       `json:"run"`
	Done    []queue.Step `json:"done"`
	Stage   string       `json:"stage"`
}

func letter(d queue.DeadLetter) deadLetter {
	out := deadLetter{
		UUID: d.ID.String(), List: d.List, Count: d.Count, Reason: d.Reason, Link: d.Link, Storage: d.Storage,
		Detail: d.Detail, Attempt: d.Attempt, Run: hex.EncodeToString(d.Run[:]), Done: d.Done, Stage: stageName(d.Stage),
	}
	if !d.At.IsZero() {
		at := d.At.UTC()
		out.At = &at
	}
	if out.Done == nil {
		out.Done = []queue.Step{}
	}
	return out
}

func stageName(s queue.Stage) string {
	switch s {
	case queue.StageStorages:
		return "storages"
	case queue.StageDelete:
		return "delete"
	case queue.StageResave:
		return "resave"
	}
	return "links"
}

// filter is what the query selects of a dead-letter list; nothing given selects all.
func (q *query) filter() queue.Filter {
	return queue.Filter{
		IDs: q.ids("vcon_uuid"), Link: q.text("link"), Reason: q.text("reason"), Since: q.moment("since"),
	}
}

// postReprocess answers POST /dlq/reprocess with how many dead letters went back to their list.
func postReprocess(c *call) {
	q := c.query()
	list := q.deadList()
	from := queue.FromFailed
	if q.choice("from", "failed", "start") == "start" {
		from = queue.FromStart
	}
	c.reprocess(q, list, from)
}

// reprocess puts the dead letters of a list back that the query selects, in one transaction, and answers how many.
func (c *call) reprocess(q *query, list string, from queue.From) {
	count := q.between("count", 1000, 1, 100_000)
	filter := q.filter()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	n, err := c.s.store.Reprocess(c.s.base, list, filter, from, count)
	if n > 0 {
		c.queued(list, sourceDLQ, n)
	}
	if err != nil {
		c.storeFailed(err, "Failed to reprocess DLQ")
		return
	}
	c.json(fasthttp.StatusOK, n)
}

// postPurge answers POST /dlq/purge with how many dead letters were dropped for good.
func postPurge(c *call) {
	q := c.query()
	list := q.deadList()
	filter := q.filter()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	n, err := c.s.store.Purge(c.s.base, list, filter)
	if err != nil {
		c.storeFailed(err, "Failed to purge DLQ")
		return
	}
	c.json(fasthttp.StatusOK, n)
}
