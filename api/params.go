package api

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// query reads the query string and collects what is wrong with it. Unknown parameters are ignored; of a parameter that
// is given several times and is no list, the last one counts.
type query struct {
	c        *call
	problems []problem
}

func (c *call) query() *query { return &query{c: c} }

func (q *query) add(p problem) { q.problems = append(q.problems, p) }

// last is the value of a scalar parameter.
func (q *query) last(name string) (string, bool) {
	var last []byte
	found := false
	for key, value := range q.c.ctx.QueryArgs().All() {
		if string(key) == name {
			last, found = value, true
		}
	}
	return string(last), found
}

// text is an optional string.
func (q *query) text(name string) string {
	v, _ := q.last(name)
	return v
}

// required is a string that must be there and not be empty.
func (q *query) required(name string) string {
	v, _ := q.last(name)
	if v == "" {
		q.add(fault(typeMissing, "query", name))
	}
	return v
}

// integer is an optional number.
func (q *query) integer(name string, absent int) int {
	v, ok := q.last(name)
	if !ok {
		return absent
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil {
		q.add(fault(typeInteger, "query", name))
	}
	return n
}

// between is integer within bounds.
func (q *query) between(name string, absent, low, high int) int {
	before := len(q.problems)
	n := q.integer(name, absent)
	switch {
	case len(q.problems) > before:
	case n < low:
		q.add(outside(typeNotGe, "greater", low, "query", name))
	case n > high:
		q.add(outside(typeNotLe, "less", high, "query", name))
	}
	return n
}

func outside(kind, side string, limit int, loc ...any) problem {
	return problem{
		Loc: loc, Type: kind, Ctx: &bound{float64(limit)},
		Msg: "ensure this value is " + side + " than or equal to " + strconv.Itoa(limit),
	}
}

// flag is an optional boolean in the spellings that pydantic takes.
func (q *query) flag(name string) bool {
	v, ok := q.last(name)
	if !ok {
		return false
	}
	switch strings.ToLower(v) {
	case "1", "true", "t", "yes", "y", "on":
		return true
	case "0", "false", "f", "no", "n", "off":
		return false
	}
	q.add(fault(typeBool, "query", name))
	return false
}

// choice is an optional word out of a few; the first one is the default.
func (q *query) choice(name string, words ...string) string {
	v, ok := q.last(name)
	if !ok || v == "" {
		return words[0]
	}
	for _, w := range words {
		if v == w {
			return v
		}
	}
	q.add(refusal("value is not one of "+strings.Join(words, ", "), "query", name))
	return words[0]
}

// ids is a repeated uuid parameter.
func (q *query) ids(name string) []vcon.ID {
	var ids []vcon.ID
	for i, v := range q.c.ctx.QueryArgs().PeekMulti(name) {
		id, err := vcon.ParseID(string(v))
		if err != nil {
			q.add(fault(typeUUID, "query", name, i))
		}
		ids = append(ids, id)
	}
	return ids
}

// id is the uuid in the path.
func (q *query) id() vcon.ID {
	v, _ := q.c.ctx.UserValue("vcon_uuid").(string)
	id, err := vcon.ParseID(unescape(v))
	if err != nil {
		q.add(fault(typeUUID, "path", "vcon_uuid"))
	}
	return id
}

// unescape undoes percent signs in a path segment: braces of a uuid are sent as %7B.
func unescape(segment string) string {
	if !strings.Contains(segment, "%") {
		return segment
	}
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		if segment[i] == '%' && i+2 < len(segment) {
			if n, err := strconv.ParseUint(segment[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(segment[i])
	}
	return b.String()
}

// lists are the names of repeated parameters, each a name or several joined by commas. Empty ones count as not given,
// the same one twice counts once.
func (q *query) lists(params ...string) []string {
	var names []string
	for _, param := range params {
		for _, v := range q.c.ctx.QueryArgs().PeekMulti(param) {
			for part := range bytes.SplitSeq(v, []byte{','}) {
				names = appendNew(names, bytes.TrimSpace(part))
			}
		}
	}
	return names
}

func appendNew(names []string, name []byte) []string {
	if len(name) == 0 {
		return names
	}
	for _, have := range names {
		if have == string(name) {
			return names
		}
	}
	return append(names, string(name))
}

// moment is an optional time: ISO 8601 with or without offset (without: the server's zone), a date, or Unix seconds or
// milliseconds.
func (q *query) moment(name string) time.Time {
	v, ok := q.last(name)
	if !ok || v == "" {
		return time.Time{}
	}
	t, ok := parseMoment(v)
	if !ok {
		q.add(fault(typeDatetime, "query", name))
	}
	return t
}

var momentLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04-0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02",
}

// msAbove is the size from which a number means milliseconds, as pydantic has it.
const msAbove = 2e10

func parseMoment(v string) (time.Time, bool) {
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		if n > msAbove || n < -msAbove {
			n /= 1000
		}
		if n != n || n > 1e12 || n < -1e12 {
			return time.Time{}, false
		}
		return time.Unix(0, 0).Add(time.Duration(n * float64(time.Second))), n > -9e9 && n < 9e9
	}
	if len(v) > 10 && (v[10] == ' ' || v[10] == 't') {
		v = v[:10] + "T" + v[11:]
	}
	if strings.HasSuffix(v, "z") {
		v = v[:len(v)-1] + "Z"
	}
	for _, layout := range momentLayouts {
		if t, err := time.ParseInLocation(layout, v, time.Local); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
