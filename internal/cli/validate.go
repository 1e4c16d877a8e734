package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/vconduit/vconduit/vcon"
)

// maxFile bounds what a command reads from one file, packed or not.
const maxFile = 1 << 30

func validateCommand() command {
	return command{
		name: "vcon validate", args: "FILE...",
		short: "check vCon files against the rules, without a server",
		long: "Reports every finding with its rule, severity and JSON Pointer. Only errors refuse a document: exit code 1.\n" +
			"FILE may be gzipped; - is standard input. docs/validation.md lists the rules.",
		examples: []string{
			"vconduit vcon validate call.vcon",
			"vconduit vcon validate --mode strict *.vcon",
			"curl -s http://localhost:8000/vcon/$ID | vconduit vcon validate --json -",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			mode := fs.String("mode", "lenient", "`rules`: lenient, strict, or upstream (those of the Python server)")
			asJSON := fs.Bool("json", false, "one JSON object a file")
			return func(_ context.Context, words []string) error {
				m, err := parseMode(*mode)
				if err != nil {
					return err
				}
				if len(words) == 0 {
					return usagef("no FILE given (- is standard input)")
				}
				return validateFiles(words, m, *asJSON, io)
			}
		},
	}
}

func parseMode(s string) (vcon.Mode, error) {
	switch s {
	case "lenient":
		return vcon.Lenient, nil
	case "strict":
		return vcon.Strict, nil
	case "upstream":
		return vcon.Upstream, nil
	}
	return 0, usagef("--mode %q: want lenient, strict or upstream", s)
}

// verdict is the result for one file.
type verdict struct {
	File     string         `json:"file"`
	UUID     string         `json:"uuid,omitempty"`
	OK       bool           `json:"ok"`
	Findings []findingEntry `json:"findings"`
}

type findingEntry struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Pointer  string `json:"pointer"`
	Message  string `json:"message"`
}

func validateFiles(files []string, m vcon.Mode, asJSON bool, io IO) error {
	bad := false
	for _, f := range files {
		v := validateFile(f, m, io.In)
		bad = bad || !v.OK
		if asJSON {
			if err := json.NewEncoder(io.Out).Encode(v); err != nil {
				return err
			}
			continue
		}
		printVerdict(io.Out, v)
	}
	if bad {
		return exitError(ExitFail)
	}
	return nil
}

func printVerdict(w io.Writer, v verdict) {
	word := "ok"
	if !v.OK {
		word = "refused"
	}
	fmt.Fprintf(w, "%s: %s\n", v.File, word)
	for _, f := range v.Findings {
		at := f.Pointer
		if at == "" {
			at = "(document)"
		}
		fmt.Fprintf(w, "  %-7s %s %s: %s\n", f.Severity, f.Rule, at, f.Message)
	}
}

func validateFile(name string, m vcon.Mode, stdin io.Reader) verdict {
	v := verdict{File: name, OK: true, Findings: []findingEntry{}}
	refuse := func(rule, pointer, message string) verdict {
		v.OK = false
		v.Findings = append(v.Findings, findingEntry{rule, "error", pointer, message})
		return v
	}
	text, err := readDocument(name, stdin)
	if err != nil {
		return refuse("file", "", err.Error())
	}
	doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: maxFile})
	if err != nil {
		var pe *vcon.ParseError
		if errors.As(err, &pe) {
			reason := pe.Reason
			if pe.Offset >= 0 {
				reason = fmt.Sprintf("%s, at byte %d", reason, pe.Offset)
			}
			return refuse(pe.Rule, pe.Pointer, reason)
		}
		return refuse("V01", "", err.Error())
	}
	v.UUID = doc.ID().String()
	for _, f := range vcon.Validate(doc, m) {
		severity := "warning"
		if f.Severity == vcon.Error {
			severity, v.OK = "error", false
		}
		v.Findings = append(v.Findings, findingEntry{f.Rule, severity, f.Pointer, f.Message})
	}
	return v
}

// readDocument reads a file or standard input ("-") and unpacks gzip.
func readDocument(name string, stdin io.Reader) ([]byte, error) {
	src := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		src = f
	}
	text, err := readBounded(src)
	if err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return text, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("unpack gzip: %w", err)
	}
	return readBounded(zr)
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return text, err
}
