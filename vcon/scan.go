package vcon

import "strconv"

// indexed is how many levels of containers Parse indexes: the whole, its members, the elements of the core arrays.
// Deeper ones are indexed when something below them is read.
const indexed = 3

// scanner checks a text as RFC 8259 JSON and builds the index on the way. Its methods take the offset at which
// something begins and return the offset behind it, or -1 with err set.
type scanner struct {
	text   []byte
	depth  int // of nesting that may be reached
	number int // bytes of one number
	values int // that may still come
	reach  int // deepest nesting met
	level  int // containers at fewer levels than this are indexed
	open   []scanned
	sub    *index // of the container that ended last, if it has one
	esc    bool   // the string that ended last has escapes; set only
	err    *ParseError
	path   []string // of the error, innermost token first
}

// scanned is a child of a container that is still open, with absolute offsets.
type scanned struct {
	child
	sub *index
}

// whole scans one value with nothing but white space around it, and returns where the value begins and ends.
func (s *scanner) whole() (start, end int) {
	start = s.space(0)
	end = s.value(start, 0)
	if end < 0 {
		return 0, -1
	}
	if i := s.space(end); i != len(s.text) {
		return 0, s.fail(i, "text after the end of the document")
	}
	return start, end
}

func (s *scanner) value(i, depth int) int {
	if i >= len(s.text) {
		return s.fail(i, "the text ends too early")
	}
	if s.values--; s.values < 0 {
		return s.exceed(i, "more values than the limit allows")
	}
	switch c := s.text[i]; c {
	case '"':
		return s.str(i)
	case '{':
		return s.object(i, depth)
	case '[':
		return s.array(i, depth)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || c-'0' < 10 {
			return s.num(i)
		}
	}
	return s.fail(i, "a value is expected")
}

func (s *scanner) object(i, depth int) int {
	start, mark := i, len(s.open)
	if i = s.enter(i, depth); i < 0 {
		return -1
	}
	if i < len(s.text) && s.text[i] == '}' {
		return s.leave(start, i+1, depth, mark)
	}
	for {
		if i >= len(s.text) || s.text[i] != '"' {
			return s.fail(i, "a member name is expected")
		}
		key := i
		s.esc = false
		if i = s.str(i); i < 0 {
			return -1
		}
		keyEnd, escapes := i, s.esc
		if i >= len(s.text) || s.text[i] != ':' {
			if i = s.space(i); i >= len(s.text) || s.text[i] != ':' {
				return s.fail(i, "a colon is expected")
			}
		}
		first := s.space(i + 1)
		if i = s.value(first, depth+1); i < 0 {
			return s.below(unquote(s.text[key:keyEnd]))
		}
		if depth < s.level {
			s.add(newKey(key, escapes), first, i)
		}
		i = s.space(i)
		if i < len(s.text) && s.text[i] == ',' {
			i = s.space(i + 1)
			continue
		}
		if i < len(s.text) && s.text[i] == '}' {
			return s.leave(start, i+1, depth, mark)
		}
		return s.fail(i, "a comma or the end of the object is expected")
	}
}

func (s *scanner) array(i, depth int) int {
	start, mark := i, len(s.open)
	if i = s.enter(i, depth); i < 0 {
		return -1
	}
	if i < len(s.text) && s.text[i] == ']' {
		return s.leave(start, i+1, depth, mark)
	}
	for n := 0; ; n++ {
		first := i
		if i = s.value(i, depth+1); i < 0 {
			return s.below(strconv.Itoa(n))
		}
		if depth < s.level {
			s.add(0, first, i)
		}
		i = s.space(i)
		if i < len(s.text) && s.text[i] == ',' {
			i = s.space(i + 1)
			continue
		}
		if i < len(s.text) && s.text[i] == ']' {
			return s.leave(start, i+1, depth, mark)
		}
		return s.fail(i, "a comma or the end of the array is expected")
	}
}

// enter steps over the opening bracket of a container at a depth counted from 0.
func (s *scanner) enter(i, depth int) int {
	if depth >= s.depth {
		return s.exceed(i, "nested deeper than the limit allows")
	}
	s.reach = max(s.reach, depth+1)
	return s.space(i + 1)
}

// leave closes a container and keeps its index when it is worth one.
func (s *scanner) leave(start, end, depth, mark int) int {
	s.sub = nil
	if depth >= s.level {
		return end
	}
	if depth == 0 || end-start >= indexFrom {
		s.sub = newIndex(s.open[mark:], uint32(start))
	}
	s.open = s.open[:mark]
	return end
}

func (s *scanner) add(k key, start, end int) {
	c := scanned{child: child{k, uint32(start), uint32(end)}}
	if b := s.text[start]; b == '{' || b == '[' {
		c.sub = s.sub
	}
	s.open = append(s.open, c)
}

// space skips white space.
func (s *scanner) space(i int) int {
	for i < len(s.text) {
		switch s.text[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

func (s *scanner) literal(i int, word string) int {
	if end := i + len(word); end <= len(s.text) && string(s.text[i:end]) == word {
		return end
	}
	return s.fail(i, "a value is expected")
}

// num scans a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func (s *scanner) num(i int) int {
	start := i
	if s.text[i] == '-' {
		i++
	}
	from := i
	i = s.digits(i)
	if i == from || s.text[from] == '0' && i > from+1 {
		return s.fail(from, "a number is malformed")
	}
	if i < len(s.text) && s.text[i] == '.' {
		from = i + 1
		if i = s.digits(from); i == from {
			return s.fail(i, "a number is malformed")
		}
	}
	if i < len(s.text) && s.text[i]|0x20 == 'e' {
		i++
		if i < len(s.text) && (s.text[i] == '+' || s.text[i] == '-') {
			i++
		}
		from = i
		if i = s.digits(from); i == from {
			return s.fail(i, "a number is malformed")
		}
	}
	if i-start > s.number {
		return s.exceed(start, "a number is longer than the limit allows")
	}
	return i
}

func (s *scanner) digits(i int) int {
	for i < len(s.text) && s.text[i]-'0' < 10 {
		i++
	}
	return i
}

// fail records a breach of syntax or encoding.
func (s *scanner) fail(i int, reason string) int {
	s.err = &ParseError{Rule: "V01", Offset: i, Reason: reason}
	if i >= len(s.text) {
		s.err.Reason = "the text ends too early"
	}
	return -1
}

// exceed records a breach of a limit.
func (s *scanner) exceed(i int, reason string) int {
	s.err = &ParseError{Rule: "V02", Offset: i, Reason: reason}
	return -1
}

// below notes, on the way out of an error, which child it was in.
func (s *scanner) below(token string) int {
	s.path = append(s.path, token)
	return -1
}

// failure is the error with its pointer. Names are structure, not content, but a very long one is no help.
func (s *scanner) failure() *ParseError {
	var p []byte
	for i := len(s.path) - 1; i >= 0 && len(s.path[i]) <= 64; i-- {
		p = appendToken(p, s.path[i])
	}
	s.err.Pointer = string(p)
	return s.err
}
