package vcon

import (
	"bytes"
	"math/big"
	"strconv"
)

// Equal reports whether two values are the same JSON: numbers by their value, strings by their text, objects without
// order (of members with one name the last one counts).
func (v Value) Equal(w Value) bool {
	if v.Kind() != w.Kind() {
		return false
	}
	switch v.Kind() {
	case Number:
		return equalNumbers(v, w)
	case String:
		return bytes.Equal(v, w) || unquote(v) == unquote(w)
	case Array:
		return equalArrays(v, w)
	case Object:
		return equalObjects(v, w)
	}
	return bytes.Equal(v, w)
}

func equalArrays(v, w Value) bool {
	a, b := open(v), open(w)
	for {
		more, also := a.next(), b.next()
		if !more || !also {
			return more == also
		}
		if !Value(v[a.at.start:a.at.end]).Equal(Value(w[b.at.start:b.at.end])) {
			return false
		}
	}
}

func equalObjects(v, w Value) bool {
	mine, others := map[string]Value{}, map[string]Value{}
	for name, value := range v.Members() {
		mine[name] = value
	}
	for name, value := range w.Members() {
		others[name] = value
	}
	if len(mine) != len(others) {
		return false
	}
	for name, value := range mine {
		if other, ok := others[name]; !ok || !value.Equal(other) {
			return false
		}
	}
	return true
}

// equalNumbers compares two numbers by their value.
func equalNumbers(v, w Value) bool {
	var a, b [64]byte
	return bytes.Equal(v, w) || bytes.Equal(appendDecimal(a[:0], v), appendDecimal(b[:0], w))
}

// appendDecimal appends a number in the spelling that all equal numbers share: its sign, its digits without zeros at
// either end, and the power of ten by which to multiply 0.digits. No float rounds it. Zero is 0.
func appendDecimal(out []byte, v Value) []byte {
	mantissa, power := v, Value(nil)
	if at := bytes.IndexAny(v, "eE"); at >= 0 {
		mantissa, power = v[:at], v[at+1:]
	}
	start := len(out)
	if mantissa[0] == '-' {
		out, mantissa = append(out, '-'), mantissa[1:]
	}
	from := len(out)
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	out = append(append(out, whole...), fraction...)
	digits := bytes.TrimLeft(out[from:], "0")
	exponent := len(whole) - (len(out) - from - len(digits))
	out = bytes.TrimRight(append(out[:from], digits...), "0")
	if len(out) <= from {
		return append(out[:start], '0')
	}
	return appendPower(append(out, 'e'), power, exponent)
}

// appendPower appends the sum of an exponent as it is written and of a shift of the point.
func appendPower(out []byte, power Value, shift int) []byte {
	if len(power) == 0 {
		return strconv.AppendInt(out, int64(shift), 10)
	}
	if n, err := strconv.ParseInt(string(power), 10, 32); err == nil {
		return strconv.AppendInt(out, n+int64(shift), 10)
	}
	sum := new(big.Int)
	sum.SetString(string(bytes.TrimPrefix(power, []byte{'+'})), 10)
	return sum.Add(sum, big.NewInt(int64(shift))).Append(out, 10)
}
