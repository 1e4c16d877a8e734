package vcon

import (
	"fmt"
	"strconv"
)

// maxReported is how many findings of each severity are reported; further ones are only counted.
const maxReported = 50

// report gathers findings. It knows where in the document the checks are, so that a pointer is written only for a
// finding that is kept.
type report struct {
	mode     Mode
	path     []step
	findings []Finding
	errors   int
	warnings int
}

// step is one reference token: a name, or an index where the name is empty.
type step struct {
	name  string
	index int
}

func (r *report) enter(name string) { r.path = append(r.path, step{name: name}) }
func (r *report) enterIndex(i int)  { r.path = append(r.path, step{index: i}) }
func (r *report) leave()            { r.path = r.path[:len(r.path)-1] }

// pointer is the present place, and below it the steps given. An empty name stands for the place itself.
func (r *report) pointer(below string) string {
	var p []byte
	for _, s := range r.path {
		if s.name == "" {
			p = strconv.AppendInt(append(p, '/'), int64(s.index), 10)
			continue
		}
		p = appendToken(p, s.name)
	}
	if below != "" {
		p = appendToken(p, below)
	}
	return string(p)
}

// add reports a breach of a rule at the member name of the present place, with the rule's own weight in this mode.
func (r *report) add(id rule, name, kind, message string, args ...any) {
	r.addAs(id, id.weight(r.mode), name, kind, message, args...)
}

// addAs is add with another weight, for the exceptions that the table notes.
func (r *report) addAs(id rule, w weight, name, kind, message string, args ...any) {
	severity := Warn
	switch w {
	case refusal:
		severity = Error
		r.errors++
		if r.errors > maxReported {
			return
		}
	case warning:
		r.warnings++
		if r.warnings > maxReported {
			return
		}
	default:
		return
	}
	if message == "" {
		message = typeMessage(kind)
	} else if len(args) > 0 {
		message = fmt.Sprintf(message, args...)
	}
	r.findings = append(r.findings, Finding{
		Rule: id.row().id, Severity: severity, Pointer: r.pointer(name), Type: kind, Message: message,
	})
}

// missing reports a member that has to be there.
func (r *report) missing(id rule, name string) { r.add(id, name, typeMissing, "") }

// done closes the report: what was only counted is told in a last finding, as severe as the worst of it.
func (r *report) done() []Finding {
	errors, warnings := max(0, r.errors-maxReported), max(0, r.warnings-maxReported)
	if errors+warnings == 0 {
		return r.findings
	}
	severity := Warn
	if errors > 0 {
		severity = Error
	}
	return append(r.findings, Finding{
		Rule: ruleMore.row().id, Severity: severity, Type: typeValue,
		Message: fmt.Sprintf("%d more errors and %d more warnings are not listed", errors, warnings),
	})
}

// says reports whether the mode has anything to say about a rule.
func (r *report) says(id rule) bool { return id.weight(r.mode) >= warning }

// or gives one weight to strict and another to every other mode.
func (r *report) or(strict, lenient weight) weight {
	if r.mode == Strict {
		return strict
	}
	return lenient
}
