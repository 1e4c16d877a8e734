package link_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	link "github.com/vconduit/vconduit/sdk/go"
	"github.com/vconduit/vconduit/vcon"
)

// mentions is a whole link: it tags conversations in whose texts certain words are said.
func mentions(c *link.Call) link.Result {
	o := struct {
		Words []string `json:"words"`
		Tag   string   `json:"tag"`
	}{Tag: "mentions"}
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	for dialog := range c.At("dialog").Each() {
		text, err := dialog.At("body").Text()
		if errors.Is(err, link.NotFound) {
			continue // external content, or none
		}
		if err != nil {
			return link.Fail(err)
		}
		for _, word := range o.Words {
			if !strings.Contains(text, word) {
				continue
			}
			if err := c.AddTag(o.Tag, word); err != nil {
				return link.Fail(err)
			}
		}
	}
	return link.Done()
}

// A link runs in a test as it does in the server: on a Call over a vCon.
func Example() {
	doc, err := vcon.Parse([]byte(`{"uuid":"018e3f5c-6f1a-8b2c-9d3e-4f5a6b7c8d9e","dialog":[{"type":"text","encoding":"none","body":"a refund, please"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	host := hostabi.New(context.Background(), hostabi.Options{
		Doc:    doc.Draft(),
		Config: []byte(`{"words":["refund","order"]}`),
		Grants: hostabi.Grants{Read: hostabi.Paths{All: true}, Tags: true},
	})
	defer host.Close()
	result := link.Exec(host, mentions)
	after, err := host.Staged()
	fmt.Println(result.Verdict == link.VerdictDone, after.Tags(), err)
	// Output: true [mentions:refund] <nil>
}

// An error of the kind that passes makes the link run again later; any other fails the vCon.
func ExampleFail() {
	busy := link.Fail(&link.StatusError{Status: 429, Origin: "https://api.example.com", RetryAfter: time.Minute})
	wrong := link.Fail(&link.StatusError{Status: 400, Origin: "https://api.example.com"})
	fmt.Println(busy.Verdict == link.VerdictRetry, busy.After, busy.Err)
	fmt.Println(wrong.Verdict == link.VerdictFailed, wrong.Err)
	// Output:
	// true 1m0s https://api.example.com answered 429
	// true https://api.example.com answered 400
}

// Every problem of the options is told at once.
func ExampleDecodeOptions() {
	var o struct {
		Model   string        `json:"model"`
		Timeout link.Duration `json:"timeout"`
	}
	for _, problem := range link.DecodeOptions([]byte(`{"modle": "x", "timeout": "soon"}`), &o) {
		fmt.Println(problem)
	}
	// Output:
	// option "modle": unknown, it does nothing; did you mean "model"?
	// option "timeout": want a time such as "10s" or a number of seconds
}
