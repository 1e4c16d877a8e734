// Package sampler is the builtin link "links.sampler": it lets some vCons go on in their chain and halts the others.
// Source: vcon-server's link of the same name.
package sampler

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	link "github.com/vconduit/vconduit/sdk/go"
)

// Options of the link. Absent options mean DefaultOptions.
type Options struct {
	// Method is how to choose: percentage, rate, modulo, time_based.
	Method string `json:"method"`
	// Value: of 100 vCons so many (percentage); one of so many vCons on average, by an exponential draw (rate); those
	// whose uuid, or second of the clock, is a multiple of it (modulo, time_based).
	Value float64 `json:"value"`
	// Seed of percentage and rate: with one, the same vCon is judged the same way each time it comes. Absent: by chance.
	Seed Seed `json:"seed"`
}

// DefaultOptions keep half of the vCons.
func DefaultOptions() Options { return Options{Method: "percentage", Value: 50} }

// Seed is a number or a text, in its spelling; "" = none.
type Seed string

// UnmarshalJSON reads both.
func (s *Seed) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*s = Seed(v)
	case float64:
		*s = Seed(data)
	default:
		return fmt.Errorf("want a number or a text")
	}
	return nil
}

// Check reports a method that there is not, and a value that it cannot use.
func (o *Options) Check() []link.Problem {
	wrong := func(option, text string) []link.Problem { return []link.Problem{{Option: option, Text: text}} }
	switch o.Method {
	case "percentage":
		if !(o.Value >= 0 && o.Value <= 100) {
			return wrong("value", "must be 0 to 100 for the method percentage")
		}
	case "rate":
		if !(o.Value > 0 && o.Value < math.Inf(1)) {
			return wrong("value", "must be above 0 for the method rate")
		}
	case "modulo", "time_based":
		if o.Value < 1 || o.Value > math.MaxUint32 || o.Value != math.Trunc(o.Value) {
			return wrong("value", "must be a whole number from 1 for the method "+o.Method)
		}
	default:
		return wrong("method", "must be percentage, rate, modulo or time_based")
	}
	return nil
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

// Run judges the vCon.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	uuid, err := c.At("uuid").Text()
	if err != nil {
		return link.Fail(err)
	}
	if o.keeps(strings.ToLower(uuid), c.Now(), func() float64 { return c.Rand().Float64() }) {
		c.Count("conserver.link.sampler.sampled_in", 1)
		return link.NoChange()
	}
	c.Count("conserver.link.sampler.sampled_out", 1)
	return link.Halt()
}

// keeps decides. chance gives a number from 0 up to 1.
func (o *Options) keeps(uuid string, now time.Time, chance func() float64) bool {
	draw := chance
	if o.Seed != "" {
		draw = func() float64 { return o.Seed.draw(uuid) }
	}
	switch o.Method {
	case "percentage":
		return draw()*100 < o.Value
	case "rate": // an exponential draw with this mean that is at most 1
		return -o.Value*math.Log(1-draw()) <= 1
	case "modulo":
		sum := sha256.Sum256([]byte(uuid))
		return binary.BigEndian.Uint32(sum[:])%uint32(o.Value) == 0
	default:
		return now.Unix()%int64(o.Value) == 0
	}
}

// draw is a number from 0 up to 1 that belongs to seed and vCon.
func (s Seed) draw(uuid string) float64 {
	sum := sha256.Sum256([]byte(string(s) + "\x00" + uuid))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
