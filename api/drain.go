package api

import (
	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
)

// postDrain answers POST /drain, once nothing is worked any more and everything waits on its list, with what the lists
// hold: no vCon is leased until the server starts again.
func postDrain(c *call) {
	if c.s.drain != nil {
		c.s.drain(c.s.base)
	}
	if err := c.s.store.ToLists(c.s.base); err != nil {
		c.storeFailed(err, "Failed to put all entries back on their lists")
		return
	}
	names, err := c.s.store.Names(c.s.base)
	if err != nil {
		c.storeFailed(err, "Failed to read the lists")
		return
	}
	lists := make(map[string]queue.Depth, len(names))
	for _, name := range names {
		if lists[name], err = c.s.store.Depth(c.s.base, name); err != nil {
			c.storeFailed(err, "Failed to read the lists")
			return
		}
	}
	c.json(fasthttp.StatusOK, lists)
}
