package api

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
)

// usageDays is how far GET /usage looks back unless it is told.
const usageDays = 30

// usage is one count as the API gives it.
type usage struct {
	Day        string `json:"day"` // UTC
	Key        string `json:"key"`
	List       string `json:"ingress_list"`
	VCons      int64  `json:"vcons"`
	Bytes      int64  `json:"bytes"`
	Duplicates int64  `json:"duplicates"`
}

// getUsage answers GET /usage: what each key submitted to each list, by day.
func getUsage(c *call) {
	q := c.query()
	f := queue.UsageFilter{From: q.day("from"), To: q.day("to"), Principal: q.text("key"), List: q.text("ingress_list")}
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	if f.From.IsZero() {
		f.From = orDefault(f.To, time.Now()).AddDate(0, 0, -usageDays)
	}
	all, err := c.s.store.Usage(c.s.base, f)
	if err != nil {
		c.storeFailed(err, "Failed to read usage")
		return
	}
	out := make([]usage, 0, len(all))
	for _, u := range all {
		out = append(out, usage{u.Day.Format(time.DateOnly), u.Principal, u.List, u.VCons, u.Bytes, u.Duplicates})
	}
	c.json(fasthttp.StatusOK, out)
}

// day is an optional UTC day: 2026-11-02.
func (q *query) day(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		q.add(refusal("want a day such as 2026-11-02", "query", name))
	}
	return day
}
