package hostabi

import (
	"crypto/rand"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxLine    = 1 << 10
	maxRandom  = 64 << 10
	maxMetrics = 32
)

// Now is the Unix time in nanoseconds, in steps of 1 ms. Not while the module starts: it would be frozen.
func (c *Call) Now() int64 {
	if e := c.enter("now"); e != 0 {
		return int64(e)
	}
	return time.Now().UnixMilli() * int64(time.Millisecond)
}

// Random fills out with secure random bytes, fresh in every run. Errors: -11 for more than 64 KiB.
func (c *Call) Random(out []byte) int32 {
	if e := c.enter("random"); e != 0 {
		return int32(e)
	}
	if len(out) > maxRandom {
		return int32(c.failf(Invalid, "random: at most %d bytes", maxRandom))
	}
	rand.Read(out)
	return 0
}

// Log writes a line: level 0 debug, 1 info, 2 warn, 3 error. Secrets are masked, then it is cut at 1 KiB, control bytes
// are escaped. The result is 1 when the line was dropped because the run's log is full. Also while the module starts.
// Errors: -11.
func (c *Call) Log(level int32, p []byte) int32 {
	c.used.HostCalls++
	if level < 0 || level > 3 {
		return int32(c.failf(Invalid, "log: level %d is unknown", level))
	}
	if !utf8.Valid(p) {
		return int32(c.failf(Invalid, "log: the line is not UTF-8"))
	}
	line := c.cutMasked(p)
	if !fits(c.used.Log, int64(len(line)), c.limits.Log) {
		return 1
	}
	c.used.Log += int64(len(line))
	if c.o.Log != nil {
		c.o.Log(int(level), escape(line, ""))
	}
	return 0
}

// cutMasked is p without the values of secrets, cut to the length of a line.
func (c *Call) cutMasked(p []byte) string {
	return cutText(c.masker.mask(p, maxLine+utf8.UTFMax), maxLine)
}

// cutText is at most n bytes of p, ending between characters.
func cutText(p []byte, n int) string {
	if len(p) > n {
		p = p[:n]
		for len(p) > 0 && !utf8.Valid(p) {
			p = p[:len(p)-1]
		}
	}
	return string(p)
}

// escape makes what a terminal or a log reader would obey visible, but for the characters in keep.
func escape(s, keep string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hidden: control and format characters, and the line separators that are neither.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
}

// metricName is what a metric may be called.
var metricName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)

// Metric records a value: kind 0 counter (added, not below 0), 1 gauge, 2 histogram. A link has 32 names, then -6.
// Errors: -11 for NaN, infinity, an unknown kind, a bad name, one that holds a secret.
func (c *Call) Metric(kind int32, name []byte, value float64) int32 {
	if e := c.enter("metric"); e != 0 {
		return int32(e)
	}
	switch {
	case kind < 0 || kind > 2:
		return int32(c.failf(Invalid, "metric: kind %d is unknown", kind))
	case !metricName.Match(name):
		return int32(c.failf(Invalid, "metric: %q is no name", name))
	case c.masker.hits(string(name)):
		return int32(c.failf(Invalid, "metric: the name holds a secret"))
	case math.IsNaN(value) || math.IsInf(value, 0) || kind == 0 && value < 0:
		return int32(c.failf(Invalid, "metric %s: %v is no value for it", name, value))
	}
	if !c.metrics[string(name)] {
		if len(c.metrics) == maxMetrics {
			return int32(c.failf(OverQuota, "metric: more than %d names", maxMetrics))
		}
		if c.metrics == nil {
			c.metrics = map[string]bool{}
		}
		c.metrics[string(name)] = true
	}
	if c.o.Metric != nil {
		c.o.Metric(int(kind), string(name), value)
	}
	return 0
}

// ErrorSet says why the run is about to fail, in at most 1 KiB; the last call wins. Secrets are masked, control characters
// but line breaks are escaped: operators read it. Also while the module starts. Errors: -11 not UTF-8.
func (c *Call) ErrorSet(p []byte) int32 {
	c.used.HostCalls++
	if !utf8.Valid(p) {
		return int32(c.failf(Invalid, "error_set: the text is not UTF-8"))
	}
	c.failText = escape(c.cutMasked(p), "\n\t")
	return 0
}

// ErrorText gives the message of the last call of this run that failed, nothing when none did. Also while the module
// starts.
func (c *Call) ErrorText(out []byte) int64 {
	c.used.HostCalls++
	return give([]byte(c.errText), out)
}
