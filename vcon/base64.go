package vcon

import (
	"encoding/base64"
	"fmt"
	"io"
)

// The kinds of bytes in base64.
const (
	b64Bad      = iota
	b64Both     // in both alphabets
	b64URL      // - and _
	b64Standard // + and /
	b64Space
	b64Pad
)

// base64Kinds sorts the bytes.
var base64Kinds = [256]uint8{
	'A': b64Both, 'B': b64Both, 'C': b64Both, 'D': b64Both, 'E': b64Both, 'F': b64Both, 'G': b64Both, 'H': b64Both, 'I': b64Both, 'J': b64Both, 'K': b64Both, 'L': b64Both, 'M': b64Both,
	'N': b64Both, 'O': b64Both, 'P': b64Both, 'Q': b64Both, 'R': b64Both, 'S': b64Both, 'T': b64Both, 'U': b64Both, 'V': b64Both, 'W': b64Both, 'X': b64Both, 'Y': b64Both, 'Z': b64Both,
	'a': b64Both, 'b': b64Both, 'c': b64Both, 'd': b64Both, 'e': b64Both, 'f': b64Both, 'g': b64Both, 'h': b64Both, 'i': b64Both, 'j': b64Both, 'k': b64Both, 'l': b64Both, 'm': b64Both,
	'n': b64Both, 'o': b64Both, 'p': b64Both, 'q': b64Both, 'r': b64Both, 's': b64Both, 't': b64Both, 'u': b64Both, 'v': b64Both, 'w': b64Both, 'x': b64Both, 'y': b64Both, 'z': b64Both,
	'0': b64Both, '1': b64Both, '2': b64Both, '3': b64Both, '4': b64Both, '5': b64Both, '6': b64Both, '7': b64Both, '8': b64Both, '9': b64Both,
	'-': b64URL, '_': b64URL, '+': b64Standard, '/': b64Standard, '=': b64Pad,
	' ': b64Space, '\t': b64Space, '\n': b64Space, '\v': b64Space, '\f': b64Space, '\r': b64Space,
}

// inspectBase64 tells whether the inside of a JSON string decodes as base64 of any kind, and whether it is plain
// base64url: without padding, white space or the standard alphabet. Nothing is decoded.
func inspectBase64(s []byte) (ok, plain bool) {
	var counts [6]int
	var one [4]byte
	for i := 0; i < len(s); i++ {
		kind := base64Kinds[s[i]]
		if s[i] == '\\' {
			decoded, n := unescape(one[:0], s[i:])
			kind = base64Kinds[decoded[0]]
			i += n - 1
		}
		counts[kind]++
		if counts[b64Pad] > 0 && kind < b64Space {
			return false, false
		}
	}
	digits := counts[b64Both] + counts[b64URL] + counts[b64Standard]
	ok = counts[b64Bad] == 0 && digits%4 != 1
	return ok, ok && digits == len(s) && counts[b64Standard] == 0
}

// base64Reader decodes the inside of a JSON string that holds base64 of any kind: either alphabet, padding or none, white
// space anywhere.
type base64Reader struct {
	text    textReader
	in      [4 << 10]byte // digits in the standard alphabet, not decoded yet
	n       int           // how many
	buf     [3 << 10]byte
	decoded []byte // of buf, not given out yet
	padded  bool   // padding was seen: nothing but padding may follow
	err     error
}

func (r *base64Reader) Read(p []byte) (int, error) {
	for len(r.decoded) == 0 {
		if r.err != nil || len(p) == 0 {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.decoded)
	r.decoded = r.decoded[n:]
	return n, nil
}

// fill decodes the next block.
func (r *base64Reader) fill() {
	m, err := r.text.Read(r.in[r.n:])
	if !r.clean(m) {
		r.fail(base64.CorruptInputError(r.n))
		return
	}
	whole := r.n &^ 3
	if err == io.EOF {
		whole, r.err = r.n, io.EOF
	}
	k, err := base64.RawStdEncoding.Decode(r.buf[:], r.in[:whole])
	if err != nil {
		r.fail(err)
		return
	}
	r.decoded = r.buf[:k]
	r.n = copy(r.in[:], r.in[whole:r.n])
}

func (r *base64Reader) fail(cause error) {
	r.err = fmt.Errorf("vcon: body is not base64url: %w", cause)
}

// clean turns the m bytes behind the first n into digits of the standard alphabet; false when one follows padding.
func (r *base64Reader) clean(m int) bool {
	for _, c := range r.in[r.n : r.n+m] {
		kind := base64Kinds[c]
		if kind > b64Standard {
			r.padded = r.padded || kind == b64Pad
			continue
		}
		if r.padded {
			return false
		}
		if kind == b64URL {
			c = standardOf(c)
		}
		r.in[r.n] = c
		r.n++
	}
	return true
}

// standardOf turns - and _ into + and /.
func standardOf(c byte) byte {
	if c == '-' {
		return '+'
	}
	return '/'
}
