package vcon

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// inner is what stands between the quotes of a string value, escapes and all.
func (v Value) inner() []byte {
	if len(v) < 2 {
		return nil
	}
	return v[1 : len(v)-1]
}

// textReader decodes the inside of a JSON string as it is read. A lone surrogate becomes U+FFFD.
type textReader struct {
	rest    []byte // not read yet
	pending []byte // decoded from an escape, not given out yet
	buf     [utf8.UTFMax]byte
}

func (r *textReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.pending) > 0 {
			m := copy(p[n:], r.pending)
			r.pending = r.pending[m:]
			n += m
			continue
		}
		if len(r.rest) == 0 {
			break
		}
		if r.rest[0] == '\\' {
			r.escape()
			continue
		}
		n += r.plain(p[n:])
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// plain copies what comes before the next escape.
func (r *textReader) plain(p []byte) int {
	run := r.rest[:min(len(p), len(r.rest))]
	if i := bytes.IndexByte(run, '\\'); i >= 0 {
		run = run[:i]
	}
	r.rest = r.rest[len(run):]
	return copy(p, run)
}

func (r *textReader) escape() {
	var n int
	r.pending, n = unescape(r.buf[:0], r.rest)
	r.rest = r.rest[n:]
}
