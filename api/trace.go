package api

import (
	"bytes"
	"encoding/hex"
)

// begin begins the span of a request that may queue something; what it gives ends it.
func (c *call) begin(rt *route) (end func(status int)) {
	if rt.method != post {
		return func(int) {}
	}
	queued, end := c.s.span(rt.method, rt.path, string(c.ctx.Request.Header.Peek("Traceparent")))
	c.trace = traceContext([]byte(queued))
	return end
}

// noSpan keeps the caller's trace context and makes no span.
func noSpan(_, _, traceparent string) (string, func(int)) { return traceparent, func(int) {} }

// traceContext is what the caller's trace leaves with a submission, in the form that the Python server keeps beside its
// lists; nil when the header is no W3C traceparent, version-traceid-spanid-flags.
func traceContext(header []byte) []byte {
	if len(header) < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return nil
	}
	trace, span, flags := header[3:35], header[36:52], header[53:55]
	var f [1]byte
	if !lowerHex(trace) || !lowerHex(span) || zeros(trace) || zeros(span) {
		return nil
	}
	if _, err := hex.Decode(f[:], flags); err != nil {
		return nil
	}
	out := make([]byte, 0, 128)
	out = append(append(out, `{"trace_id":"`...), trace...)
	out = append(append(out, `","span_id":"`...), span...)
	if f[0]&1 == 1 {
		return append(out, `","trace_flags":1,"is_sampled":true}`...)
	}
	return append(out, `","trace_flags":0,"is_sampled":false}`...)
}

func lowerHex(b []byte) bool { return len(bytes.Trim(b, "0123456789abcdef")) == 0 }

func zeros(b []byte) bool { return len(bytes.Trim(b, "0")) == 0 }
