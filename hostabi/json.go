package hostabi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

func trimmed(v []byte) []byte { return bytes.TrimSpace(v) }

// nesting is how deep arrays and objects lie in each other in valid JSON text.
func nesting(v []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			for i++; i < len(v) && v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	return deepest
}

// sameJSON compares two JSON texts by value: numbers as numbers, objects without order. A member that stands twice
// counts with its last value.
func sameJSON(a, b []byte) bool {
	va, errA := decodeAny(a)
	vb, errB := decodeAny(b)
	return errA == nil && errB == nil && sameValue(va, vb)
}

func decodeAny(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && decimal(string(a)) == decimal(string(b))
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameValue(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		return sameObject(a, b)
	}
	return a == b
}

func sameObject(a map[string]any, other any) bool {
	b, ok := other.(map[string]any)
	if !ok || len(a) != len(b) {
		return false
	}
	for name, v := range a {
		w, has := b[name]
		if !has || !sameValue(v, w) {
			return false
		}
	}
	return true
}

// number is a decimal in one spelling: digits without leading and trailing zeros, times ten to the exponent.
type number struct {
	negative bool
	digits   string
	exponent int64
	odd      string // the spelling itself, when the exponent is beyond all sense
}

func decimal(s string) number {
	n := number{negative: strings.HasPrefix(s, "-")}
	mantissa, exp, hasExp := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "-")), "e")
	if hasExp {
		e, err := strconv.ParseInt(exp, 10, 32)
		if err != nil {
			return number{odd: s}
		}
		n.exponent = e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	n.exponent -= int64(len(fraction))
	n.digits = strings.TrimRight(digits, "0")
	n.exponent += int64(len(digits) - len(n.digits))
	if n.digits == "" {
		return number{} // zero, of either sign
	}
	return n
}
