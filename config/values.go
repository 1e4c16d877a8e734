package config

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes: "64MiB", "4kB", a bare number is bytes.
type Size int64

// String gives the shortest exact form, "64MiB".
func (s Size) String() string {
	for _, u := range []struct {
		name string
		size Size
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Count is a number with an optional k, M, G or T (powers of 1000): "10G".
type Count int64

// String gives the shortest exact form, "10G".
func (c Count) String() string {
	for _, u := range []struct {
		name string
		size Count
	}{{"T", 1e12}, {"G", 1e9}, {"M", 1e6}} {
		if c != 0 && c%u.size == 0 {
			return strconv.FormatInt(int64(c/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(c), 10)
}

// MarshalText is String.
func (c Count) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Rate is so many per span of time: "50/s", "100000/day", "1000G/h". The zero value means unbounded.
type Rate struct {
	Count Count
	Per   time.Duration
}

// IsZero says that there is no bound.
func (r Rate) IsZero() bool { return r.Per == 0 }

// PerSecond is the rate in events a second; 0 when there is no bound.
func (r Rate) PerSecond() float64 {
	if r.IsZero() {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// String gives "50/s", "" when there is no bound.
func (r Rate) String() string {
	for _, u := range rateUnits() {
		if u.per == r.Per {
			return r.Count.String() + "/" + u.names[0]
		}
	}
	return ""
}

// MarshalText is String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

type rateUnit struct {
	per   time.Duration
	names []string
}

func rateUnits() []rateUnit {
	return []rateUnit{
		{time.Second, []string{"s", "sec", "second"}},
		{time.Minute, []string{"m", "min", "minute"}},
		{time.Hour, []string{"h", "hour"}},
		{24 * time.Hour, []string{"day", "d"}},
	}
}

func parseRate(text string) (Rate, error) {
	number, unit, _ := strings.Cut(text, "/")
	n, err := parseCount(strings.TrimSpace(number))
	unit = strings.TrimSpace(unit)
	for _, u := range rateUnits() {
		for _, name := range u.names {
			if err == nil && n > 0 && unit == name {
				return Rate{n, u.per}, nil
			}
		}
	}
	return Rate{}, fmt.Errorf("is no rate, as 50/s, 600/min, 1000/h or 100000/day")
}

func parseCount(text string) (Count, error) {
	number, unit := splitUnit(text)
	factor, ok := map[string]float64{"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
	v, err := scaled(number, factor)
	if !ok || err != nil {
		return 0, fmt.Errorf("is no number, as 100000, 50k or 10G")
	}
	return Count(v), nil
}

func parseSize(text string) (Size, error) {
	number, unit := splitUnit(text)
	factor, ok := map[string]float64{"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}[strings.ToLower(unit)]
	v, err := scaled(number, factor)
	if !ok || err != nil {
		return 0, fmt.Errorf("is no size, as 64MiB, 4kB or a number of bytes")
	}
	return Size(v), nil
}

func splitUnit(text string) (number, unit string) {
	i := 0
	for i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '.' || text[i] == '-' || text[i] == '+' || text[i] == '_') {
		i++
	}
	return strings.ReplaceAll(text[:i], "_", ""), strings.TrimSpace(text[i:])
}

// scaled multiplies exactly for whole numbers; a fraction must come out whole.
func scaled(number string, factor float64) (int64, error) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		v := n * int64(factor)
		if factor != 0 && v/int64(factor) != n {
			return 0, strconv.ErrRange
		}
		return v, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.Abs(f*factor) >= 1<<62 || f*factor != math.Trunc(f*factor) {
		return 0, strconv.ErrSyntax
	}
	return int64(f * factor), nil
}

// parseDuration takes Go's form and also d for days and w for weeks; a bare number is seconds.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < math.MaxInt64/2/float64(time.Second) {
		return time.Duration(f * float64(time.Second)), nil
	}
	if number, unit := splitUnit(text); unit == "d" || unit == "w" {
		hours := map[string]float64{"d": 24, "w": 7 * 24}[unit]
		if v, err := scaled(number, hours*float64(time.Hour)); err == nil {
			return time.Duration(v), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("is no duration, as 30s, 10m, 24h, 7d or a number of seconds")
	}
	return d, nil
}

// parseTime takes a date (00:00 UTC) or an RFC 3339 time.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("is no date, as 2027-06-30 or 2027-06-30T12:00:00Z")
}

// parseBool takes the spellings of YAML 1.1 and 1.2, and 0 and 1, which vcon-server's files use for `enabled`.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("is neither true nor false")
}

// Redacted is the object with *** for each value whose key names a secret and for credentials in URLs; null if absent.
func (o RawOptions) Redacted() json.RawMessage {
	if o.raw == nil {
		return json.RawMessage("null")
	}
	v, err := parseJSON(o.raw)
	if err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	return v.redact(false).appendJSON(nil)
}
