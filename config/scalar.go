package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a plain scalar of YAML 1.1 may be, in the order in which PyYAML asks. yaml.v3 follows YAML 1.2 in parts, so
// `yes`, `0644` or `12:30` would otherwise reach links with another meaning than vcon-server gave them.
type grammar struct{ boolean, float, integer, null, date, timestamp *regexp.Regexp }

var yaml11 = sync.OnceValue(func() grammar {
	return grammar{
		boolean: regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`),
		float: regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
			`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`),
		integer: regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
			`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`),
		null: regexp.MustCompile(`^(?:~|null|Null|NULL|)$`),
		date: regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`),
		timestamp: regexp.MustCompile(`^([0-9]{4})-([0-9][0-9]?)-([0-9][0-9]?)(?:[Tt]|[ \t]+)([0-9][0-9]?):([0-9]{2}):([0-9]{2})` +
			`(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9][0-9]?)(?::([0-9]{2}))?))?$`),
	}
})

// resolve11 gives the JSON value of a plain scalar, as PyYAML's safe loader and json.dumps would. Dates and times
// become ISO texts. An error means that PyYAML refuses the text, or that JSON has no such value.
func resolve11(text string) (value, error) {
	if text != "" && strings.IndexByte("+-.0123456789yYnNtTfFoO~", text[0]) < 0 {
		return value{kind: stringValue, text: text}, nil // nothing else begins so
	}
	g := yaml11()
	switch {
	case g.boolean.MatchString(text):
		return bool11(text)
	case g.float.MatchString(text):
		return float11(text)
	case g.integer.MatchString(text):
		return int11(text)
	case g.null.MatchString(text):
		return value{}, nil
	case g.date.MatchString(text):
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return value{}, fmt.Errorf("%q is no date of the calendar", text)
		}
		return value{kind: stringValue, text: text}, nil
	case g.timestamp.MatchString(text):
		return time11(text)
	}
	return value{kind: stringValue, text: text}, nil
}

// tagged11 gives the value of a scalar with an explicit tag (!!str 12).
func tagged11(tag, text string) (value, error) {
	g := yaml11()
	switch tag {
	case "!!str", "!":
		return value{kind: stringValue, text: text}, nil
	case "!!null":
		return value{}, nil
	case "!!bool":
		return bool11(text)
	case "!!int":
		return int11(text)
	case "!!float":
		return float11(text)
	case "!!timestamp":
		if g.date.MatchString(text) || g.timestamp.MatchString(text) {
			return resolve11(text)
		}
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return value{}, errors.New("!!binary is no base64")
		}
		return value{kind: stringValue, text: base64.StdEncoding.EncodeToString(data)}, nil
	}
	return value{}, errors.New("this tag (! and a name) does not fit here")
}

func bool11(text string) (value, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "on":
		return value{kind: boolValue, yes: true}, nil
	case "no", "false", "off":
		return value{kind: boolValue}, nil
	}
	return value{}, fmt.Errorf("%q is no boolean", text)
}

func int11(text string) (value, error) {
	digits, negative := sign(strings.ReplaceAll(text, "_", ""))
	n, ok := new(big.Int), false
	switch {
	case digits == "0":
		ok = true
	case strings.HasPrefix(digits, "0b"):
		_, ok = n.SetString(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		_, ok = n.SetString(digits[2:], 16)
	case strings.HasPrefix(digits, "0"):
		_, ok = n.SetString(digits, 8)
	case strings.Contains(digits, ":"):
		n, ok = sexagesimal(digits)
	default:
		_, ok = n.SetString(digits, 10)
	}
	if !ok {
		return value{}, fmt.Errorf("%q is no integer", text)
	}
	if negative {
		n.Neg(n)
	}
	return value{kind: numberValue, text: n.String()}, nil
}

// sexagesimal reads 1:30 as 90.
func sexagesimal(digits string) (*big.Int, bool) {
	sum, sixty := new(big.Int), big.NewInt(60)
	for part := range strings.SplitSeq(digits, ":") {
		n, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, false
		}
		sum.Add(sum.Mul(sum, sixty), n)
	}
	return sum, true
}

func float11(text string) (value, error) {
	digits, negative := sign(strings.ToLower(strings.ReplaceAll(text, "_", "")))
	if digits == ".inf" || digits == ".nan" {
		return value{}, fmt.Errorf("%s has no form in JSON", text)
	}
	f := 0.0
	for part := range strings.SplitSeq(digits, ":") {
		p, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return value{}, fmt.Errorf("%q is no number that fits", text)
		}
		f = f*60 + p
	}
	if math.IsInf(f, 0) {
		return value{}, fmt.Errorf("%q is no number that fits", text)
	}
	if negative {
		f = -f
	}
	return value{kind: numberValue, text: floatText(f)}, nil
}

// floatText spells like Python's json: 1.0 stays a float.
func floatText(f float64) string {
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		form = 'e'
	}
	s := strconv.FormatFloat(f, form, -1, 64)
	if form == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func sign(text string) (rest string, negative bool) {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

// time11 gives the isoformat() of the datetime that PyYAML makes.
func time11(text string) (value, error) {
	m := yaml11().timestamp.FindStringSubmatch(text)
	at := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	micro := (m[7] + "000000")[:6]
	out := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", at(1), at(2), at(3), at(4), at(5), at(6))
	if _, err := time.Parse("2006-01-02T15:04:05", out); err != nil || at(10) > 23 || at(11) > 59 {
		return value{}, fmt.Errorf("%q is no time of the calendar", text)
	}
	if micro != "000000" {
		out += "." + micro
	}
	if m[8] == "Z" {
		out += "+00:00"
	} else if m[9] != "" {
		sign := m[9]
		if at(10) == 0 && at(11) == 0 {
			sign = "+"
		}
		out += fmt.Sprintf("%s%02d:%02d", sign, at(10), at(11))
	}
	return value{kind: stringValue, text: out}, nil
}
