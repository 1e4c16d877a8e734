package link_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/hostabi"
	link "github.com/vconduit/vconduit/sdk/go"
)

// options has a field of each kind.
type options struct {
	Model   string             `json:"model"`
	Rate    float64            `json:"rate"`
	On      bool               `json:"on"`
	Words   []string           `json:"words"`
	Map     map[string]string  `json:"map"`
	Source  struct{ Type int } `json:"source"`
	Timeout link.Duration      `json:"timeout"`
	Hidden  string             `json:"-"`
	Plain   int
}

func (o *options) Check() []link.Problem {
	if o.Rate > 1 {
		return []link.Problem{{Option: "rate", Text: "must be at most 1"}}
	}
	return nil
}

func TestDecodeOptions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		``: nil, `null`: nil, `{}`: nil, ` {"model": null} `: nil,
		`{"model":"m","rate":0.5,"on":true,"words":["a"],"map":{"a":"b"},"source":{"Type":1},"timeout":"1m","Plain":3}`: nil,
		`[]`: {"must be a map"}, `{`: {"must be a map"}, `5`: {"must be a map"},
		`{"model":5,"rate":"x","on":"yes","words":"a","map":[],"source":{"Type":"s3cret"},"timeout":-1,"Plain":1.5}`: {
			`"Plain": want number, have number`, `"map": want map, have array`, `"model": want text, have number`, `"on": want true or false, have string`,
			`"rate": want number, have string`, `"source": Type: want number, have string`, `"timeout": want a time`, `"words": want list, have string`},
		`{"rate":2}`:                 {`"rate": must be at most 1`},
		`{"rate":2,"modle":"x"}`:     {`"modle": unknown, it does nothing; did you mean "model"?`, `"rate": must be at most 1`},
		`{"rate":2,"model":1}`:       {`"model"`},
		`{"Hidden":"x"}`:             {`"Hidden": unknown, it does nothing`},
		`{"entirely_different":"x"}`: {`"entirely_different": unknown, it does nothing`},
		`{"after_link":{}}`:          nil,
	} {
		var o options
		problems := link.DecodeOptions([]byte(text), &o)
		if len(problems) != len(want) {
			t.Errorf("%s: problems %v, want %d", text, problems, len(want))
			continue
		}
		for i, p := range problems {
			if !strings.Contains(p.String(), want[i]) || strings.Contains(p.String(), "s3cret") {
				t.Errorf("%s: problem %q, want %q", text, p, want[i])
			}
		}
	}
}

func TestCallOptions(t *testing.T) {
	t.Parallel()
	c, _ := newCall(t, func(o *hostabi.Options) { o.Config = json.RawMessage(`{"model":"large","unknown":1}`) })
	o := options{Model: "small", Rate: 0.25}
	if err := c.Options(&o); err != nil || o.Model != "large" || o.Rate != 0.25 {
		t.Errorf("%+v, %v", o, err)
	}
	c, _ = newCall(t, func(o *hostabi.Options) { o.Config = json.RawMessage(`{"model":1,"on":2,"unknown":1}`) })
	err := c.Options(&o)
	if err == nil || !strings.Contains(err.Error(), `"model"`) || !strings.Contains(err.Error(), `"on"`) || strings.Contains(err.Error(), "unknown") {
		t.Errorf("%v, want both at once and no warning", err)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{`10`: 10 * time.Second, `2.5`: 2500 * time.Millisecond, `"10s"`: 10 * time.Second, `"1m30s"`: 90 * time.Second, `"7"`: 7 * time.Second, `0`: 0} {
		var d link.Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{`"soon"`, `-1`, `"-5s"`, `1e300`, `[]`, `{}`, `true`, `""`, `"NaN"`} {
		var d link.Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s: %v", text, time.Duration(d))
		}
	}
}

func FuzzDecodeOptions(f *testing.F) {
	for _, seed := range []string{`{}`, `{"model":1,"x":2}`, `[`, `{"timeout":"1s","words":["a"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var o options
		problems := link.DecodeOptions(text, &o)
		if !json.Valid(text) && len(problems) == 0 && len(strings.TrimSpace(string(text))) > 0 {
			t.Errorf("%q is taken", text)
		}
	})
}
