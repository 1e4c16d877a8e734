package api

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// maxPop is the most ids that one GET /vcon/egress takes.
const maxPop = 100_000

// readable is a required list name for reading: an own list, or a dead-letter list as "DLQ:<list>".
func (q *query) readable(param string) string {
	name := q.required(param)
	q.checkName(param, strings.TrimPrefix(name, queue.DLQ("")))
	return name
}

func (q *query) checkName(param, name string) {
	if name == "" {
		return
	}
	if err := queue.CheckListName(name); err != nil {
		q.add(refusal(strings.TrimPrefix(err.Error(), "queue: "), "query", param))
	}
}

// getDepth answers GET /stats/queue: how many ids wait. Open, because audio adapters hold back by it.
func getDepth(c *call) {
	q := c.query()
	list := q.required("list_name")
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	n, err := c.depth(list)
	if err != nil {
		c.storeFailed(err, "Failed to get queue depth")
		return
	}
	c.json(fasthttp.StatusOK, struct {
		List  string `json:"list_name"`
		Depth int64  `json:"depth"`
	}{list, n})
}

// getCount answers GET /vcon/count with a bare number.
func getCount(c *call) {
	q := c.query()
	list := q.readable("egress_list")
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	n, err := c.depth(list)
	if err != nil {
		c.storeFailed(err, "Failed to count egress list")
		return
	}
	c.json(fasthttp.StatusOK, n)
}

// depth is what the Python server calls the length of a list: the ids that can be taken now.
func (c *call) depth(list string) (int64, error) {
	name, dead := strings.CutPrefix(list, queue.DLQ(""))
	d, err := c.s.store.Depth(c.s.base, name)
	if dead {
		return d.Dead, err
	}
	return d.Ready, err
}

// postIngress answers POST /vcon/ingress: documents that exist are queued again, unknown ids are skipped.
func postIngress(c *call) {
	q := c.query()
	list := q.required("ingress_list")
	if list != "" {
		c.checkLists(q, []string{list})
	}
	ids, problems := c.bodyIDs()
	if problems = append(q.problems, problems...); len(problems) > 0 {
		c.reject(problems)
		return
	}
	n, err := c.enqueue(list, ids)
	if n > 0 {
		c.queued(list, sourceReingress, n)
	}
	if err != nil {
		c.storeFailed(err, "Failed to add to ingress list")
		return
	}
	c.empty()
}

// enqueue queues ids in order; those that only a storage has come after the others.
func (c *call) enqueue(list string, ids []vcon.ID) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	missing, err := c.s.store.Enqueue(c.s.base, list, ids)
	if err != nil {
		return 0, err
	}
	n := len(ids) - len(missing)
	if c.s.archive == nil || len(missing) == 0 {
		return n, nil
	}
	var back []vcon.ID
	for _, id := range missing {
		if _, err := c.fetch(id); err == nil {
			back = append(back, id)
		}
	}
	if len(back) == 0 {
		return n, nil
	}
	missing, err = c.s.store.Enqueue(c.s.base, list, back)
	return n + len(back) - len(missing), err
}

// bodyIDs reads the body as an array of uuids.
func (c *call) bodyIDs() ([]vcon.ID, []problem) {
	var items []json.RawMessage
	if p := c.decode(&items, vcon.Array); p != nil {
		return nil, p
	}
	var problems []problem
	ids := make([]vcon.ID, 0, len(items))
	for i, item := range items {
		id, kind := uuidOf(item)
		if kind != "" {
			problems = append(problems, fault(kind, "body", i))
		}
		ids = append(ids, id)
	}
	return ids, problems
}

// uuidOf reads a JSON value as a uuid; kind is what is wrong with it, "" = nothing.
func uuidOf(value json.RawMessage) (id vcon.ID, kind string) {
	if vcon.Value(value).Kind() == vcon.Null {
		return id, typeNull
	}
	text, ok := vcon.Value(value).Text()
	if !ok {
		return id, typeUUID
	}
	id, err := vcon.ParseID(text)
	if err != nil {
		return id, typeUUID
	}
	return id, ""
}

// decode reads a JSON body of the given kind into v.
func (c *call) decode(v any, kind vcon.Kind) []problem {
	wrong := map[vcon.Kind]string{vcon.Array: typeList, vcon.Object: typeDict}[kind]
	switch {
	case isSpace(c.body), c.null():
		return []problem{fault(typeMissing, "body")}
	case topKind(c.body) != kind, !isJSONType(c.ctx.Request.Header.ContentType()), json.Unmarshal(c.body, v) != nil:
		return []problem{fault(wrong, "body")}
	}
	return nil
}

// held is an id of GET /vcon/egress?ack=true, and what POST /vcon/egress/ack takes back.
type held struct {
	UUID  string `json:"uuid"`
	Token string `json:"token"`
}

// getEgress answers GET /vcon/egress: ids from the head of a list. Without ack they are gone, delivered or not; with
// ack=true they come back unless POST /vcon/egress/ack names them in time.
func getEgress(c *call) {
	q := c.query()
	list := q.readable("egress_list")
	limit := q.integer("limit", 1)
	ack := q.flag("ack")
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	limit = min(limit, maxPop)
	switch {
	case limit <= 0:
		c.json(fasthttp.StatusOK, []string{})
	case ack:
		c.popAck(list, limit)
	default:
		c.pop(list, limit)
	}
}

const failedToPop = "Failed to pop from egress list"

func (c *call) pop(list string, n int) {
	ids, err := c.s.store.Pop(c.s.base, list, n)
	if err != nil {
		c.storeFailed(err, failedToPop)
		return
	}
	c.json(fasthttp.StatusOK, idTexts(ids))
}

func (c *call) popAck(list string, n int) {
	taken, err := c.s.store.PopAck(c.s.base, list, n, c.set.EgressAck)
	if err != nil {
		c.storeFailed(err, failedToPop)
		return
	}
	out := make([]held, 0, len(taken))
	for _, h := range taken {
		out = append(out, held{h.ID.String(), hex.EncodeToString(h.Token[:])})
	}
	c.json(fasthttp.StatusOK, out)
}

// postAck answers POST /vcon/egress/ack with how many of the ids were still held.
func postAck(c *call) {
	q := c.query()
	list := q.readable("egress_list")
	taken, problems := c.bodyHeld(list)
	if problems = append(q.problems, problems...); len(problems) > 0 {
		c.reject(problems)
		return
	}
	n, err := c.s.store.Ack(c.s.base, taken)
	if err != nil {
		c.storeFailed(err, "Failed to acknowledge")
		return
	}
	c.json(fasthttp.StatusOK, n)
}

func (c *call) bodyHeld(list string) ([]queue.Held, []problem) {
	var items []json.RawMessage
	if p := c.decode(&items, vcon.Array); p != nil {
		return nil, p
	}
	var problems []problem
	taken := make([]queue.Held, 0, len(items))
	for i, item := range items {
		var in held
		if vcon.Value(item).Kind() != vcon.Object || json.Unmarshal(item, &in) != nil {
			problems = append(problems, fault(typeDict, "body", i))
			continue
		}
		h := queue.Held{List: list}
		var err error
		if h.ID, err = vcon.ParseID(in.UUID); err != nil {
			problems = append(problems, fault(typeUUID, "body", i, "uuid"))
		}
		if n, err := hex.Decode(h.Token[:], []byte(in.Token[:min(len(in.Token), 32)])); err != nil || n != 16 || len(in.Token) != 32 {
			problems = append(problems, refusal("not a token of GET /vcon/egress?ack=true", "body", i, "token"))
		}
		taken = append(taken, h)
	}
	return taken, problems
}

// idTexts never is null in JSON.
func idTexts(ids []vcon.ID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}
