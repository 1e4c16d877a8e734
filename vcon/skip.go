package vcon

import "bytes"

// The functions here step over text that is known to be valid JSON. None of them checks anything.

// skipValue is the offset behind the value at i.
func skipValue(text []byte, i int) int {
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		return skipContainer(text, i)
	}
	for i < len(text) && !ends(text[i]) {
		i++
	}
	return i
}

// ends reports a byte that ends a number or a literal.
func ends(c byte) bool {
	return c == ',' || c == ']' || c == '}' || c <= ' '
}

// skipString is the offset behind the string whose opening quote is at i.
func skipString(text []byte, i int) int {
	for from := i + 1; ; {
		at := bytes.IndexByte(text[from:], '"') + from
		back := at
		for text[back-1] == '\\' {
			back--
		}
		if (at-back)%2 == 0 {
			return at + 1
		}
		from = at + 1
	}
}

// skipName is skipString for a string that is likely short, and tells whether it has escapes.
func skipName(text []byte, i int) (end int, escapes bool) {
	for i++; ; i++ {
		switch text[i] {
		case '"':
			return i + 1, escapes
		case '\\':
			escapes = true
			i++
		}
	}
}

func skipContainer(text []byte, i int) int {
	for depth := 0; ; i++ {
		switch text[i] {
		case '"':
			i = skipString(text, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && text[i] <= ' ' {
		i++
	}
	return i
}

// cursor walks the children of a container; at is the present one, with offsets relative to the container.
type cursor struct {
	text []byte
	i    int // behind the last child
	at   child
}

// open is a cursor before the first child of a valid container.
func open(container []byte) cursor { return cursor{text: container} }

// next steps to the next child, if there is one.
func (c *cursor) next() bool {
	i := skipSpace(c.text, c.i)
	if b := c.text[i]; i > 0 && (b == ']' || b == '}') {
		return false
	}
	i = skipSpace(c.text, i+1) // over the bracket or the comma
	if b := c.text[i]; b == ']' || b == '}' {
		return false
	}
	c.at.key = 0
	if c.text[0] == '{' {
		end, escapes := skipName(c.text, i)
		c.at.key = newKey(i, escapes)
		i = skipSpace(c.text, skipSpace(c.text, end)+1) // over the colon
	}
	c.at.start = uint32(i)
	c.i = skipValue(c.text, i)
	c.at.end = uint32(c.i)
	return true
}
