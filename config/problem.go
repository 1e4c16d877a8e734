package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Pos is a place in the file, counted from 1; Line 0 = not in the file (the environment, say).
type Pos struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Severity orders problems: an Error refuses the file, a Warning and an Info do not.
type Severity int

// The severities, the worst last.
const (
	Info Severity = iota
	Warning
	Error
)

// String gives info, warning or error.
func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s] }

// MarshalText is String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Problem is one finding about a configuration. It never holds the value of a secret or of a ${VAR}.
type Problem struct {
	Severity Severity `json:"severity"`
	// Code is the kind of problem, fit for a program: unknown-key, held, not-enforced, python-ignored...
	Code string `json:"code"`
	File string `json:"file,omitempty"`
	Pos
	// Path is the key (chains.main.links[2]), or the variable's name.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Hint says what to do, "" if the message does.
	Hint string `json:"hint,omitempty"`
}

// String is the line that people read: file:line:column: severity: path: message (hint).
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" && p.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	} else if p.File != "" {
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	fmt.Fprintf(&b, "%s: ", p.Severity)
	if p.Path != "" {
		fmt.Fprintf(&b, "%s: ", p.Path)
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		fmt.Fprintf(&b, " (%s)", p.Hint)
	}
	return b.String()
}

// About reports whether the problem is about a named thing of a section, or anything inside it: chains, main.
func (p Problem) About(section, name string) bool {
	rest, inside := strings.CutPrefix(p.Path, keyPath(section, name))
	return inside && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Report is all problems of one configuration, by line. Its zero value reports none.
type Report struct {
	Problems []Problem `json:"problems"`
	// PythonIgnored are the keys of this file that the Python vcon-server read without effect, or otherwise, each with what
	// it means here. They are no problems: show them for a file that comes from there (Config.VconServer).
	PythonIgnored []Problem `json:"python_ignored,omitempty"`
}

// Of gives the problems of one severity.
func (r Report) Of(s Severity) []Problem {
	var out []Problem
	for _, p := range r.Problems {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Worst is the highest severity in the report; Info when it is empty.
func (r Report) Worst() Severity {
	worst := Info
	for _, p := range r.Problems {
		worst = max(worst, p.Severity)
	}
	return worst
}

// Err joins all errors of the report, one per line; nil if the configuration may be used.
func (r Report) Err() error {
	var errs []error
	for _, p := range r.Of(Error) {
		errs = append(errs, errors.New(p.String()))
	}
	return errors.Join(errs...)
}

// WriteText writes one line per problem, down to severity least.
func (r Report) WriteText(w io.Writer, least Severity) error {
	for _, p := range r.Problems {
		if p.Severity < least {
			continue
		}
		if _, err := fmt.Fprintln(w, p); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Path, b.Path))
	})
}

// CodeHeld is the code of what holds a chain.
const CodeHeld = "held"

// Codes of problems.
const (
	codeYAML        = "yaml"
	codeFile        = "file"
	codeLimit       = "limit"
	codeType        = "type"
	codeValue       = "value"
	codeUnknownKey  = "unknown-key"
	codeDuplicate   = "duplicate-key"
	codeVariable    = "variable"
	codeNotEnforced = "not-enforced"
	codePython      = "python-ignored"
	codeReference   = "reference"
	codeShared      = "shared-list"
	codeKey         = "weak-key"
	codeSecret      = "plain-secret"
	codeEnv         = "env"
	codeListen      = "listen"
)
