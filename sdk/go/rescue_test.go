package link

import (
	"strings"
	"testing"
)

// reports is a host that takes log lines and the reason alone.
type reports struct {
	Host
	lines  []string
	reason string
}

func (r *reports) Log(level int32, p []byte) int32 {
	r.lines = append(r.lines, string(p))
	return 0
}

func (r *reports) ErrorSet(p []byte) int32 {
	r.reason = string(p)
	return 0
}

func TestRescue(t *testing.T) {
	t.Parallel()
	guest := func(h Host, run func()) (result int32) {
		defer rescue(h, &result)
		run()
		return 3
	}
	var h reports
	if got := guest(&h, func() {}); got != 3 || h.reason != "" || h.lines != nil {
		t.Errorf("no panic: %d, %+v", got, h)
	}
	if got := guest(&h, func() { panic("no luck") }); got != int32(VerdictFailed) || h.reason != "panic: no luck" {
		t.Errorf("panic: %d, %q", got, h.reason)
	}
	if trace := strings.Join(h.lines, "\n"); !strings.Contains(trace, "TestRescue.func") || strings.Contains(trace, "\n\n") {
		t.Errorf("trace:\n%s", trace)
	}
}
