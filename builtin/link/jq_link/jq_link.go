// Package jq_link is the builtin link "links.jq_link": a jq filter decides whether a vCon goes on in its chain.
//
// The operator wrote the filter, strangers wrote the document it runs over. The filter sees that one document and
// nothing else: no environment, no other inputs, no modules. It runs at most MaxSteps steps of the jq machine, which
// bounds its time, its depth and the number of values it makes, here and in a sandbox alike; what is bounded by the filter
// alone is the length of a text that it makes by adding or multiplying texts. Its errors quote the values they are about,
// so only their first, fixed words are told.
// Source: vcon-server's link of the same name.
package jq_link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	link "github.com/vconduit/vconduit/sdk/go"
)

// MaxSteps of one run of the filter. A filter that looks at every value of a document takes about 30 for each.
const MaxSteps = 10_000_000

// MaxTime of one run of the filter, for steps that are slow on large values. It is looked at between steps.
const MaxTime = 10 * time.Second

// Options of the link. Absent options mean DefaultOptions.
type Options struct {
	// Filter is in the language of jq 1.7. Its first result decides, as Python would: null, false, 0, "", [], {} and no
	// result at all do not match.
	Filter string `json:"filter"`
	// ForwardMatches: vCons that match go on, the others are halted; false: the other way round.
	ForwardMatches bool `json:"forward_matches"`
}

// DefaultOptions let every vCon pass.
func DefaultOptions() Options { return Options{Filter: ".", ForwardMatches: true} }

// Check reports a filter that does not compile.
func (o *Options) Check() []link.Problem {
	if _, err := compile(o.Filter); err != nil {
		return []link.Problem{{Option: "filter", Text: err.Error()}}
	}
	return nil
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem {
	o := DefaultOptions()
	return link.DecodeOptions(options, &o)
}

func compile(filter string) (*gojq.Code, error) {
	if filter == "" {
		filter = "." // jq takes it, the parser does not
	}
	query, err := gojq.Parse(filter)
	if err != nil {
		if at, ok := errors.AsType[*gojq.ParseError](err); ok {
			line, column := position(filter, at.Offset)
			return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
		}
		return nil, err
	}
	return gojq.Compile(query)
}

// position is that of the last byte read, both from 1.
func position(filter string, read int) (line, column int) {
	before := filter[:max(min(read, len(filter))-1, 0)]
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n')
}

// Run runs the filter.
func Run(c *link.Call) link.Result {
	o := DefaultOptions()
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	code, err := compile(o.Filter)
	if err != nil {
		return link.Fail(fmt.Errorf("filter: %w", err))
	}
	text, err := c.Pointer("").JSON()
	if err != nil {
		return link.Fail(err)
	}
	doc, err := decode(text)
	if err != nil {
		return link.Fail(err)
	}
	result, err := first(code, doc)
	if wantsTexts(err) && textsOnly(doc) {
		c.Count("conserver.link.jq.string_body_array_retries", 1)
		result, err = first(code, doc)
	}
	if err != nil {
		c.Count("conserver.link.jq.filter_errors", 1)
		return link.Fail(fmt.Errorf("filter: %w", told(err)))
	}
	if truthy(result) == o.ForwardMatches {
		return link.NoChange()
	}
	c.Count("conserver.link.jq.vcon_filtered_out", 1)
	return link.Halt()
}

// decode gives the document with numbers in their spelling, and members under both of their names.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, errors.New("the vCon is no JSON object")
	}
	bothNames(doc)
	return doc, nil
}

// first is the first result of a filter, nil when there is none.
func first(code *gojq.Code, doc any) (any, error) {
	result, ok := code.RunWithContext(newBudget(MaxSteps, MaxTime), doc).Next()
	if !ok {
		return nil, nil
	}
	if err, failed := result.(error); failed {
		return nil, err
	}
	return result, nil
}

// Why a filter that takes too long is ended.
var (
	errSteps = fmt.Errorf("stopped after %d steps", MaxSteps)
	errTime  = fmt.Errorf("stopped after %s", MaxTime)
)

// clockEvery is the number of steps between two looks at the clock.
const clockEvery = 1024

// budget is a context that is done when it has been asked as often as it may: the machine asks before each step. So the
// bound is the same on every machine, and holds where no timer can interrupt a loop. The time bounds steps that are slow.
type budget struct {
	context.Context
	left  int
	until time.Time
	done  chan struct{}
	err   error
}

func newBudget(steps int, life time.Duration) *budget {
	return &budget{Context: context.Background(), left: steps, until: time.Now().Add(life), done: make(chan struct{})}
}

// Done counts a step.
func (b *budget) Done() <-chan struct{} {
	b.left--
	switch {
	case b.err != nil:
	case b.left <= 0:
		b.end(errSteps)
	case b.left%clockEvery == 0 && !time.Now().Before(b.until):
		b.end(errTime)
	}
	return b.done
}

func (b *budget) end(why error) {
	b.err = why
	close(b.done)
}

// Err is why the filter was ended, nil before that.
func (b *budget) Err() error { return b.err }

// wantsTexts reports the error of a function that was given a value of another type.
func wantsTexts(err error) bool {
	return err != nil && strings.Contains(err.Error(), " cannot be applied to: ")
}

// told is what may be told of an error: its words before the first value that it quotes.
func told(err error) error {
	if errors.Is(err, errSteps) || errors.Is(err, errTime) {
		return err
	}
	text := err.Error()
	if i := strings.IndexAny(text, `(:"`); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimSpace(text)
	if wantsTexts(err) {
		text += " was given a value of a wrong type"
	}
	return errors.New(text)
}

// truthy is what Python takes for true.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case json.Number:
		return strings.ContainsAny(mantissa(string(v)), "123456789")
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// mantissa is a number without its exponent.
func mantissa(number string) string {
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		return number[:i]
	}
	return number
}
