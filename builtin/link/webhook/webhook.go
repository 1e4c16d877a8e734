// Package webhook is the builtin link "links.webhook": it posts the vCon to one or more URLs.
//
// Every URL gets it before a failure of one counts. What may pass (no connection, a time-out, 408, 425, 429, 5xx) is
// tried again by the chain, not before the time that the receiver asked for; a URL that has answered 2xx is not posted
// to again then, and whatever is posted again carries the same Idempotency-Key. Any other answer fails the vCon.
// Source: vcon-server's link of the same name.
package webhook

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	link "github.com/vconduit/vconduit/sdk/go"
)

// DefaultTimeout is that of one request.
const DefaultTimeout = 10 * time.Second

// tokenHeader carries Options.APIToken.
const tokenHeader = "x-conserver-api-token"

// Options of the link.
type Options struct {
	// URLs are posted to, in order; none: the link does nothing but say so in the log.
	URLs Texts `json:"webhook-urls"`
	// Headers of every request.
	Headers map[string]Text `json:"headers"`
	// AuthHeader is sent as Authorization, unless Headers has that.
	AuthHeader string `json:"auth_header"`
	// APIToken is sent as x-conserver-api-token, unless Headers has that.
	APIToken string `json:"api_token"`
	// Timeout of one request; default 10s.
	Timeout link.Duration `json:"timeout"`
	// FormatVersion is that of the posted document: "" as stored, "0.0.1". Default: EGRESS_FORMAT_VERSION. It is the
	// host that converts: doc_read gives the document in this version.
	FormatVersion string `json:"format_version"`
}

// Texts is a list of texts; one text stands for a list of one.
type Texts []string

// UnmarshalJSON reads both forms.
func (t *Texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = Texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// Text is a text, or a number or truth value in its spelling: YAML makes those of unquoted words.
type Text string

// UnmarshalJSON reads all three; null is the empty text.
func (t *Text) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*t = ""
		return nil
	}
	if len(data) > 0 && data[0] != '"' && data[0] != '{' && data[0] != '[' {
		*t = Text(data)
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

// Check reports what decoding cannot see.
func (o *Options) Check() []link.Problem {
	var problems []link.Problem
	for i, text := range o.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "":
			problems = append(problems, link.Problem{Option: "webhook-urls", Text: fmt.Sprintf("item %d is no URL", i+1)})
		case u.Scheme != "http" && u.Scheme != "https":
			problems = append(problems, link.Problem{Option: "webhook-urls", Text: fmt.Sprintf("item %d: the scheme must be http or https", i+1)})
		}
	}
	if o.FormatVersion != "" && o.FormatVersion != "0.0.1" {
		problems = append(problems, link.Problem{Option: "format_version", Text: `unsupported; want "0.0.1" or ""`})
	}
	return problems
}

// Check reports every problem of the options.
func Check(options json.RawMessage) []link.Problem { return link.DecodeOptions(options, new(Options)) }

// Target is one URL to post to.
type Target struct {
	URL  string // without user and password
	Auth string // Authorization that user and password in the URL stand for, "" = none
}

// Targets are the URLs, in order. User and password in one become basic authorisation, as old configs expect.
func (o *Options) Targets() []Target {
	targets := make([]Target, len(o.URLs))
	for i, text := range o.URLs {
		targets[i].URL = text
		u, err := url.Parse(text)
		if err != nil || u.User == nil {
			continue
		}
		password, _ := u.User.Password()
		targets[i].Auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
		u.User = nil
		targets[i].URL = u.String()
	}
	return targets
}

// header are the headers of every request.
func (o *Options) header() map[string]string {
	all := map[string]link.Tag{}
	set := func(name, value string) {
		if value != "" {
			all[lower(name)] = link.Tag{Name: name, Value: value}
		}
	}
	set("Content-Type", "application/json")
	set("Authorization", o.AuthHeader)
	set(tokenHeader, o.APIToken)
	for name, value := range o.Headers {
		set(name, string(value))
	}
	header := make(map[string]string, len(all))
	for h := range maps.Values(all) {
		header[h.Name] = h.Value
	}
	return header
}

// Run posts the vCon.
func Run(c *link.Call) link.Result {
	var o Options
	if err := c.Options(&o); err != nil {
		return link.Fail(err)
	}
	if len(o.URLs) == 0 {
		c.Logf(link.LevelWarn, "no webhook-urls in the options: nothing is sent")
		c.Count("conserver.link.webhook.no_urls_configured", 1)
		return link.NoChange()
	}
	document, err := c.Document()
	if err != nil {
		return link.Fail(err)
	}
	body, err := c.NewStream()
	if err != nil {
		return link.Fail(err)
	}
	defer body.Close()
	if _, err := body.Write(document); err != nil {
		return link.Fail(err)
	}
	return postAll(c, &o, body)
}

// postAll posts to every URL. The result of a run in which several failed is that of one worth another attempt, if
// there is any, at the latest of the times that the receivers asked for.
func postAll(c *link.Call, o *Options, body *link.Stream) link.Result {
	if o.Timeout == 0 {
		o.Timeout = link.Duration(DefaultTimeout)
	}
	header := o.header()
	var errs []error
	result := link.NoChange()
	for i, target := range o.Targets() {
		err := post(c, link.Request{Method: "POST", URL: target.URL, Header: target.header(header), Stream: body, Timeout: time.Duration(o.Timeout)})
		if err == nil {
			continue
		}
		c.Count("conserver.link.webhook.post_failures", 1)
		errs = append(errs, fmt.Errorf("webhook-urls item %d: %w", i+1, err))
		if failed := link.Fail(err); result.Verdict != link.VerdictRetry || failed.Verdict == link.VerdictRetry {
			failed.After = max(failed.After, result.After)
			result = failed
		}
	}
	result.Err = errors.Join(errs...)
	return result
}

// header is that of all requests, with the URL's own authorisation.
func (t Target) header(all map[string]string) map[string]string {
	if t.Auth == "" {
		return all
	}
	own := maps.Clone(all)
	maps.DeleteFunc(own, func(name, _ string) bool { return lower(name) == "authorization" })
	own["Authorization"] = t.Auth
	return own
}

func post(c *link.Call, r link.Request) error {
	response, err := c.Send(r)
	if err != nil {
		return err
	}
	defer response.Close()
	return response.Check()
}

// lower is a header's name for comparing.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
