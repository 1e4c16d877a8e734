package vcon

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// timeForm says how a date is written; the smaller, the nearer to the draft.
type timeForm uint8

const (
	timeBad   timeForm = iota // no date that we know
	timeExact                 // RFC 3339
	timeLocal                 // RFC 3339 but for the missing offset: read as UTC
	timeISO                   // other spellings that the Python server takes: date only, no seconds, +0100, epoch
	timeLoose                 // what older libraries wrote: RFC 2822, "+00+00:00"
)

// instantOf reads a date value of any form: text, or a number of seconds or milliseconds since 1970.
func instantOf(v Value) (time.Time, timeForm) {
	switch v.Kind() {
	case Number:
		return parseEpoch(string(v))
	case String:
		s, _ := v.Text()
		return parseTime(s)
	}
	return time.Time{}, timeBad
}

func parseTime(s string) (time.Time, timeForm) {
	if len(s) > 64 {
		return time.Time{}, timeBad
	}
	if t, form := parseISO(s); form != timeBad {
		return t, form
	}
	if t, form := parseEpoch(strings.TrimSpace(s)); form != timeBad {
		return t, form
	}
	if cut, ok := strings.CutSuffix(s, "+00+00:00"); ok { // Python's isoformat with the offset written twice
		t, form := parseISO(cut + "Z")
		return t, min(form, 1) * timeLoose
	}
	for _, layout := range [...]string{"Mon, _2 Jan 2006 15:04:05 -0700", "Mon, _2 Jan 2006 15:04:05 MST", "_2 Jan 2006 15:04:05 -0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, timeLoose
		}
	}
	return time.Time{}, timeBad
}

// Seconds of the years 1 and 9999, the range that RFC 3339 can write.
const (
	minEpoch = -62135596800
	maxEpoch = 253402300799
)

// parseEpoch reads a number since 1970: beyond 2e10 it is in milliseconds. Fractions are cut to microseconds.
func parseEpoch(s string) (time.Time, timeForm) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return time.Time{}, timeBad
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, timeBad
	}
	if math.Abs(f) > 2e10 {
		f /= 1000
	}
	if f < minEpoch || f > maxEpoch {
		return time.Time{}, timeBad
	}
	return time.UnixMicro(int64(math.Floor(f * 1e6))).UTC(), timeISO
}

// parseISO reads date, time of day and offset of ISO 8601; the date alone is its midnight in UTC.
func parseISO(s string) (time.Time, timeForm) {
	c := isoCursor{rest: s, form: timeExact}
	year, month, day := c.digits(4), c.after('-').digits(2), c.after('-').digits(2)
	if c.bad || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, timeBad
	}
	if c.rest == "" {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), timeISO
	}
	c.separator()
	hour, minute := c.digits(2), c.after(':').digits(2)
	second, nano := c.seconds()
	zone := c.zone()
	if c.bad || c.rest != "" || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, timeBad
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nano, zone), c.form
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// isoCursor reads a date from left to right; form grows as the spelling moves away from RFC 3339.
type isoCursor struct {
	rest string
	form timeForm
	bad  bool
}

func (c *isoCursor) digits(n int) int {
	if len(c.rest) < n {
		c.bad = true
		return 0
	}
	v := 0
	for i := range n {
		d := c.rest[i] - '0'
		if d > 9 {
			c.bad = true
			return 0
		}
		v = v*10 + int(d)
	}
	c.rest = c.rest[n:]
	return v
}

func (c *isoCursor) take(b byte) bool {
	if c.rest == "" || c.rest[0] != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// after demands b.
func (c *isoCursor) after(b byte) *isoCursor {
	c.bad = !c.take(b) || c.bad
	return c
}

func (c *isoCursor) separator() {
	switch {
	case c.take('T'), c.take('t'):
	case c.take(' '), c.take('_'):
		c.form = timeISO
	default:
		c.bad = true
	}
}

func (c *isoCursor) seconds() (second, nano int) {
	if !c.take(':') {
		c.form = timeISO
		return 0, 0
	}
	second = c.digits(2)
	if !c.take('.') && !c.take(',') {
		return second, 0
	}
	digits := 0
	for ; c.rest != "" && c.rest[0]-'0' <= 9; digits++ {
		if digits < 9 {
			nano = nano*10 + int(c.rest[0]-'0')
		}
		c.rest = c.rest[1:]
	}
	c.bad = c.bad || digits == 0
	for ; digits < 9; digits++ {
		nano *= 10
	}
	return second, nano
}

func (c *isoCursor) zone() *time.Location {
	if c.take('Z') || c.take('z') {
		return time.UTC
	}
	sign := 1
	switch {
	case c.rest == "":
		c.form = max(c.form, timeLocal)
		return time.UTC
	case c.take('-'):
		sign = -1
	default:
		c.after('+')
	}
	hours := c.digits(2)
	if !c.take(':') {
		c.form = timeISO
	}
	minutes := c.digits(2)
	c.bad = c.bad || hours > 23 || minutes > 59
	if hours+minutes == 0 {
		return time.UTC
	}
	return time.FixedZone("", sign*(hours*3600+minutes*60))
}
