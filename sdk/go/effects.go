package link

import (
	"encoding/json"
	"time"
)

// Route has the vCon put on another list when the chain ends, also when it halts. The list must stand in queues of the
// link's config.
//
//	err := c.Route("needs_review")
func (c *Call) Route(list string) error { return c.done("route", c.Host.Route([]byte(list))) }

// Expire sets how long the vCon lives in the server after the chain; 0 ends it with the chain, parts of a second count as one. Needs ttl: true.
//
//	err := c.Expire(24 * time.Hour)
func (c *Call) Expire(life time.Duration) error {
	return c.done("expire", c.Host.Expire(wholeSeconds(life)))
}

// wholeSeconds rounds away from zero: less than a second must not become 0, which means something else.
func wholeSeconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	switch part := d % time.Second; {
	case part > 0:
		n++
	case part < 0:
		n--
	}
	return n
}

// Create makes a new vCon beside this one, puts it on lists (none: it is only stored), and gives its uuid. Without a
// member uuid it gets one, which is the same when this run is repeated. Needs create: true. Errors: Conflict when the
// uuid exists.
//
//	uuid, err := c.Create(text, "redacted")
func (c *Call) Create(vcon []byte, lists ...string) (uuid string, err error) {
	return c.create(0, vcon, lists)
}

// Replace makes a new vCon that takes the place of this one: storages and egress lists get it.
//
//	uuid, err := c.Replace(redacted)
func (c *Call) Replace(vcon []byte, lists ...string) (uuid string, err error) {
	return c.create(1, vcon, lists)
}

func (c *Call) create(flags int32, vcon []byte, lists []string) (string, error) {
	var names []byte
	if len(lists) > 0 {
		var err error
		if names, err = json.Marshal(lists); err != nil {
			return "", err
		}
	}
	out, err := c.sized("vcon_create", func(out []byte) int64 { return c.Host.VconCreate(flags, names, vcon, out) })
	return string(out), err
}
