package hostabi

import "slices"

// maxHandles is how many handles of all kinds may be open at once, handle 1 included.
const maxHandles = 256

// docHandle is a fixed absolute pointer; it is resolved at each call.
type docHandle string

// handles is the one table of open documents, streams and responses. Handle n is entry n-1; a closed entry is nil and
// used again.
type handles struct {
	open []any // docHandle | *stream | *response
}

// put stores v under a free handle; 0 when all are taken.
func (t *handles) put(v any) int32 {
	for i, have := range t.open {
		if have == nil {
			t.open[i] = v
			return int32(i + 1)
		}
	}
	if len(t.open) == maxHandles {
		return 0
	}
	t.open = append(t.open, v)
	return int32(len(t.open))
}

// get is the entry of h, nil when it is not open.
func (t *handles) get(h int32) any {
	if h < 1 || int(h) > len(t.open) {
		return nil
	}
	return t.open[h-1]
}

func (t *handles) close(h int32) {
	if s, ok := t.open[h-1].(*stream); ok {
		s.close()
	}
	t.open[h-1] = nil
}

func (t *handles) closeAll() {
	for i := range t.open {
		t.close(int32(i + 1))
	}
	t.open = nil
}

// room refuses what would end in a handle when none is free, before anything is done for it.
func (c *Call) room() *callError {
	if len(c.handles.open) == maxHandles && !slices.Contains(c.handles.open, nil) {
		return failure(OverQuota, "%d handles are open", maxHandles)
	}
	return nil
}

// newHandle gives v a handle, or -6 when 256 are open.
func (c *Call) newHandle(v any) int32 {
	h := c.handles.put(v)
	if h == 0 {
		return int32(c.failf(OverQuota, "%d handles are open", maxHandles))
	}
	return h
}

// handle finds an open handle of kind T.
func handle[T any](c *Call, h int32, kind string) (T, *callError) {
	v, ok := c.handles.get(h).(T)
	if !ok {
		return v, failure(Invalid, "handle %d is no open %s", h, kind)
	}
	return v, nil
}

// closeHandle is doc_close and stream_close: either takes a handle of any kind but the document's own.
func (c *Call) closeHandle(name string, h int32) int32 {
	if e := c.enter(name); e != 0 {
		return int32(e)
	}
	if h == 1 || c.handles.get(h) == nil {
		return int32(c.failf(Invalid, "%s: handle %d cannot be closed", name, h))
	}
	c.handles.close(h)
	return 0
}

// DocClose closes a handle of any kind: 0, or -11 for handle 1 and for one that is not open.
func (c *Call) DocClose(h int32) int32 { return c.closeHandle("doc_close", h) }

// StreamClose closes a handle of any kind, as DocClose.
func (c *Call) StreamClose(h int32) int32 { return c.closeHandle("stream_close", h) }
