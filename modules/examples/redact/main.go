// Command redact masks e-mail addresses and phone numbers in a vCon. It is a plain program that knows nothing of the
// server: the vCon comes on standard input, an RFC 6902 patch leaves on standard output.
//
// It masks too much rather than too little: every run of digits that could be a phone number goes, and a text that it
// cannot read fails the run, so that the conversation is kept back.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

// Options come in the variable VCON_LINK_OPTIONS, as JSON.
type Options struct {
	// Mask stands for what was taken away; default "[redacted]".
	Mask string `json:"mask"`
	// Fields of parties that are masked whole; default tel and mailto.
	Fields []string `json:"fields"`
}

// VCon is as much of one as is masked.
type VCon struct {
	Parties []map[string]json.RawMessage `json:"parties"`
	Dialog  []Dialog                     `json:"dialog"`
}

// Dialog is as much of one as is masked.
type Dialog struct {
	Type     string          `json:"type"`
	Encoding string          `json:"encoding"`
	Body     json.RawMessage `json:"body"`
}

// Operation is one of an RFC 6902 patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

var personal = regexp.MustCompile(`[\w.+%-]+@[\w-]+(\.[\w-]+)+|\+?\d([ ()./-]{0,2}\d){6,14}`)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	o := Options{Mask: "[redacted]", Fields: []string{"tel", "mailto"}}
	if text := os.Getenv("VCON_LINK_OPTIONS"); text != "" {
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return fmt.Errorf("options: %w", err)
		}
	}
	var v VCon
	if err := json.NewDecoder(os.Stdin).Decode(&v); err != nil {
		return fmt.Errorf("vCon: %w", err)
	}
	patch, err := redact(v, o)
	if err != nil || len(patch) == 0 {
		return err // no output: no change
	}
	return json.NewEncoder(os.Stdout).Encode(patch)
}

// redact gives the operations that mask a vCon.
func redact(v VCon, o Options) (patch []Operation, err error) {
	for i, party := range v.Parties {
		for _, field := range o.Fields {
			if _, has := party[field]; has {
				patch = append(patch, Operation{"replace", fmt.Sprintf("/parties/%d/%s", i, field), o.Mask})
			}
		}
	}
	for i, d := range v.Dialog {
		if d.Type != "text" || len(d.Body) == 0 {
			continue
		}
		body, changed, err := d.mask(o.Mask)
		if err != nil {
			return nil, fmt.Errorf("dialog %d: %w", i, err)
		}
		if changed {
			patch = append(patch, Operation{"replace", fmt.Sprintf("/dialog/%d/body", i), body})
		}
	}
	return patch, nil
}

// mask gives the masked body of a dialog of text.
func (d Dialog) mask(mask string) (body string, changed bool, err error) {
	if err := json.Unmarshal(d.Body, &body); err != nil {
		return "", false, fmt.Errorf("its text is no string: %w", err)
	}
	switch d.Encoding {
	case "", "none":
		masked := personal.ReplaceAllLiteralString(body, mask)
		return masked, masked != body, nil
	case "base64url":
		text, err := base64.RawURLEncoding.DecodeString(body)
		if err != nil {
			return "", false, fmt.Errorf("its body: %w", err)
		}
		masked := personal.ReplaceAllLiteralString(string(text), mask)
		return base64.RawURLEncoding.EncodeToString([]byte(masked)), masked != string(text), nil
	}
	return "", false, fmt.Errorf("a text with encoding %q cannot be masked", d.Encoding)
}
