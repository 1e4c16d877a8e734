package vcon

import (
	"bytes"
	"math/big"
)

// Equal reports whether two values are the same JSON: numbers by their value, strings by their text, objects without
// order (of members with one name the last one counts).
func (v Value) Equal(w Value) bool {
	if v.Kind() != w.Kind() {
		return false
	}
	switch v.Kind() {
	case Number:
		return bytes.Equal(v, w) || decimalOf(v).equal(decimalOf(w))
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

// decimal is a number as 0.digits times ten to the exponent, without zeros at either end: equal numbers have equal
// decimals, however they are spelt, and no float rounds them. Zero has no digits.
type decimal struct {
	negative bool
	digits   []byte
	exponent *big.Int
}

func (d decimal) equal(e decimal) bool {
	if len(d.digits) == 0 || len(e.digits) == 0 {
		return len(d.digits) == len(e.digits)
	}
	return d.negative == e.negative && bytes.Equal(d.digits, e.digits) && d.exponent.Cmp(e.exponent) == 0
}

func decimalOf(v Value) decimal {
	d := decimal{negative: v[0] == '-', exponent: new(big.Int)}
	mantissa := bytes.TrimPrefix(v, []byte("-"))
	if at := bytes.IndexAny(mantissa, "eE"); at >= 0 {
		d.exponent.SetString(string(bytes.TrimPrefix(mantissa[at+1:], []byte("+"))), 10)
		mantissa = mantissa[:at]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	all := append(bytes.Clone(whole), fraction...)
	d.digits = bytes.TrimLeft(all, "0")
	d.exponent.Add(d.exponent, big.NewInt(int64(len(whole)-(len(all)-len(d.digits)))))
	d.digits = bytes.TrimRight(d.digits, "0")
	return d
}
