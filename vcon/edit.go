package vcon

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Edit is one staged change with the precondition under which it fits another text. It marshals to JSON:
//
//	{"op":"append","path":"/analysis","value":"{\"type\":\"report\"}"}
//	{"op":"tag","name":"lang","text":"en"}
//	{"op":"set","path":"/dialog/1/type","value":"\"text\"","was":"<hash> or absent","at":["","<hash>"]}
//
// value holds JSON text in a string, so that no encoder respells it. was is the SHA-256 of the raw text that is replaced
// or removed, or before which an element is inserted, white space between tokens left out; at has those of the array
// elements on the path, by position. To a hash belongs a number, "<64 hex digits>/7", the same wherever the edits of one
// Draft mean the same value, and another in every other Draft. The other ops are insert, add, remove and untag (with all). Immutable; safe for concurrent
// use.
type Edit struct {
	op    op
	all   bool
	path  string
	name  string // of a tag
	text  string // value of a tag
	value []byte
	was   *fingerprint
	at    []*fingerprint
}

type op uint8

const (
	opNone op = iota
	opAppend
	opInsert
	opAdd
	opSet
	opRemove
	opTag
	opUntag
)

func (o op) String() string {
	return [...]string{"", "append", "insert", "add", "set", "remove", "tag", "untag"}[o]
}

func opOf(name string) op {
	for o := opAppend; o <= opUntag; o++ {
		if o.String() == name {
			return o
		}
	}
	return opNone
}

// Op is what the edit does: append, insert, add, set, remove, tag or untag.
func (e Edit) Op() string { return e.op.String() }

// Path is the pointer of what the edit changes: the array of an append, /attachments for tags.
func (e Edit) Path() string {
	if e.op == opTag || e.op == opUntag {
		return "/attachments"
	}
	return e.path
}

// editJSON is the outer form of an Edit.
type editJSON struct {
	Op    string   `json:"op"`
	Path  string   `json:"path,omitempty"`
	Name  string   `json:"name,omitempty"`
	Text  string   `json:"text,omitempty"`
	All   bool     `json:"all,omitempty"`
	Value string   `json:"value,omitempty"`
	Was   string   `json:"was,omitempty"`
	At    []string `json:"at,omitempty"`
}

const wasAbsent = "absent"

// MarshalJSON gives the form shown at Edit. Error: the zero Edit.
func (e Edit) MarshalJSON() ([]byte, error) {
	if e.op == opNone {
		return nil, errors.New("vcon: marshal the zero edit")
	}
	out := editJSON{
		Op: e.op.String(), Path: e.path, Name: e.name, Text: e.text, All: e.all,
		Value: string(e.value), Was: e.was.encode(),
	}
	for _, f := range e.at {
		out.At = append(out.At, f.encode())
	}
	return json.Marshal(out)
}

// encode is the hash in hex with the serial, "absent", or nothing for no fingerprint.
func (f *fingerprint) encode() string {
	switch f {
	case nil:
		return ""
	case absent:
		return wasAbsent
	}
	sum := f.sum()
	return hex.EncodeToString(sum[:]) + "/" + strconv.FormatUint(f.serial, 10)
}

func decodeFingerprint(s string) (*fingerprint, error) {
	switch s {
	case "":
		return nil, nil
	case wasAbsent:
		return absent, nil
	}
	digits, number, _ := strings.Cut(s, "/")
	b, err := hex.DecodeString(digits)
	serial, numErr := strconv.ParseUint(number, 10, 64)
	if err != nil || len(b) != 32 || numErr != nil {
		return nil, errors.New("a hash is not 64 hexadecimal digits, a slash and a number")
	}
	return fingerprintOf([32]byte(b), serial), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. Errors: an unknown op, a bad pointer, value, tag or hash, a part that is
// missing.
func (e *Edit) UnmarshalJSON(text []byte) error {
	var in editJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("vcon: read edit: %w", err)
	}
	read, err := in.edit()
	if err != nil {
		return fmt.Errorf("vcon: read edit: %w", err)
	}
	*e = read
	return nil
}

func (in *editJSON) edit() (Edit, error) {
	e := Edit{op: opOf(in.Op), all: in.All, path: in.Path, name: in.Name, text: in.Text, value: []byte(in.Value)}
	if e.op == opNone {
		return Edit{}, errors.New("unknown op")
	}
	var err error
	if e.was, err = decodeFingerprint(in.Was); err != nil {
		return Edit{}, err
	}
	for _, s := range in.At {
		f, err := decodeFingerprint(s)
		if err != nil {
			return Edit{}, err
		}
		e.at = append(e.at, f)
	}
	return e, e.check()
}

// check says whether an edit from outside has all that its op needs, and that in good form.
func (e *Edit) check() error {
	if e.op == opTag || e.op == opUntag {
		return checkTag(e.name, e.text)
	}
	if err := checkPointer(e.path); err != nil {
		return err
	}
	if e.path == "" || !utf8.ValidString(e.path) || len(e.at) > strings.Count(e.path, "/") {
		return ErrPointer
	}
	for _, f := range e.at {
		if f == absent {
			return errors.New("an element on the path cannot be absent")
		}
	}
	switch {
	case e.op != opAppend && e.was == nil:
		return errors.New("the hash of what was there is missing")
	case (e.op == opInsert || e.op == opRemove) && e.was == absent:
		return errors.New("the op needs something that was there")
	case e.op == opRemove:
		e.value = nil
		return nil
	}
	s := scanner{text: e.value, depth: 128, number: 1 << 20, values: 1 << 30}
	if _, end := s.whole(); end < 0 {
		return ErrValue
	}
	return nil
}

// checkTag says whether a name and a value make a tag: a name without colon, both UTF-8.
func checkTag(name, value string) error {
	switch {
	case name == "" || strings.Contains(name, ":"):
		return fmt.Errorf("%w: the name of a tag is empty or has a colon", ErrValue)
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return fmt.Errorf("%w: a tag is not UTF-8", ErrValue)
	}
	return nil
}
