package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vconduit/vconduit/vcon"
)

// Kinds of records.
const (
	KindTrace  = "trace"  // an event of a run
	KindMended = "mended" // a line that a crash had torn was cut away
)

// Record is one line of the log: JSON, then its own sum. It tells what a link did, never what a vCon says.
type Record struct {
	N    uint64    `json:"n"`    // 1, 2, ... over the whole log
	Prev string    `json:"prev"` // sum of the record before it; "" at the first
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`

	Cut    int    `json:"cut,omitempty"`        // of KindMended: bytes that were cut
	CutSum string `json:"cut_sha256,omitempty"` // and their SHA-256

	*Trace
}

// Trace is what a record of KindTrace tells.
type Trace struct {
	VCon string `json:"vcon"`
	Seq  uint64 `json:"seq"`  // 1, 2, ... over the records of this vCon
	Last string `json:"last"` // sum of the record before it of this vCon; "" at its first

	Chain   string `json:"chain"`
	List    string `json:"list"`
	Run     string `json:"run"` // the same over redeliveries, another when the vCon is run anew
	Attempt int    `json:"attempt"`
	Index   int    `json:"index"` // of the link; -1 before the first
	Step    string `json:"step,omitempty"`
	Link    string `json:"link,omitempty"`
	Module  string `json:"module,omitempty"`
	Digest  string `json:"digest,omitempty"`

	GrantsSum string          `json:"grants_sha256,omitempty"` // of Grants as it stands here; of the whole where that was too long to stand here
	Grants    json.RawMessage `json:"grants,omitempty"`

	In       Document  `json:"in"`
	Out      Document  `json:"out"`
	Edits    []Edit    `json:"edits,omitempty"`
	Requests []Request `json:"http,omitempty"`
	Denied   []string  `json:"denied,omitempty"`
	Routes   []string  `json:"routes,omitempty"`
	Expire   *int64    `json:"expire_seconds,omitempty"`
	Creates  []Created `json:"creates,omitempty"`
	Omitted  int       `json:"omitted,omitempty"` // edits, requests, routes and created vCons that a record has no room for

	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Class   string    `json:"class,omitempty"` // of the error
	Began   time.Time `json:"began"`
	Took    int64     `json:"took_us"`
}

// Document is one state of a document.
type Document struct {
	VCon string `json:"vcon"`
	Sum  string `json:"sha256"`
	Size int    `json:"bytes"`
}

// Edit is one change. Sums are over values without white space between their tokens.
type Edit struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	Sum  string `json:"sha256,omitempty"`
	Size int    `json:"bytes"`
	Was  string `json:"was,omitempty"` // SHA-256 of what it took the place of
}

// Request is one HTTP request.
type Request struct {
	Method     string    `json:"method"`
	URL        string    `json:"url"`    // origin and path
	Status     int       `json:"status"` // 0: no answer
	Sent       int64     `json:"sent"`
	Received   int64     `json:"received"`
	At         time.Time `json:"at"`
	Took       int64     `json:"took_us"`
	Remembered bool      `json:"remembered,omitempty"`
}

// Created is one vCon that the link made.
type Created struct {
	Document
	Lists   []string `json:"lists,omitempty"`
	Current bool     `json:"current,omitempty"`
}

// The end of each line: ,"sum":"<64 hex digits>"}
const (
	sumHead = `,"sum":"`
	sumTail = `"}`
	sumSize = len(sumHead) + 2*sha256.Size + len(sumTail)
)

// maxLine is the longest line that is read or written, without its line break.
const maxLine = 1 << 20

// Errors of ParseRecord.
var (
	ErrSum  = errors.New("the record is not what its sum says")
	ErrForm = errors.New("the line is no record")
)

// encode gives the line of a record, without line break, and its sum.
func encode(r Record) (line []byte, sum string, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, "", err
	}
	body := text[:len(text)-1]
	hash := sha256.Sum256(body)
	sum = hex.EncodeToString(hash[:])
	line = append(body, sumHead+sum+sumTail...)
	if len(line) > maxLine {
		return nil, "", fmt.Errorf("a record of %d bytes is longer than %d", len(line), maxLine)
	}
	return line, sum, nil
}

// ParseRecord reads one line, without line break, and gives the record and its sum. Errors: ErrForm, ErrSum; the sum is
// given with both, so that the next record can be told from one that does not follow.
func ParseRecord(line []byte) (r Record, sum string, err error) {
	body, sum, ok := cutSum(line)
	if !ok {
		return Record{}, sum, ErrForm
	}
	hash := sha256.Sum256(body)
	if hex.EncodeToString(hash[:]) != sum {
		return Record{}, sum, ErrSum
	}
	text := append(bytes.Clone(body), '}')
	if json.Unmarshal(text, &r) != nil || !r.sound() {
		return Record{}, sum, ErrForm
	}
	return r, sum, nil
}

// sound reports whether the record has what its kind needs.
func (r Record) sound() bool {
	switch r.Kind {
	case KindMended:
		return r.Trace == nil
	case KindTrace:
		if r.Trace == nil {
			return false
		}
		_, err := vcon.ParseID(r.VCon)
		return err == nil
	}
	return false
}

// cutSum takes the sum off a line; one that has none is given that of the whole line.
func cutSum(line []byte) (body []byte, sum string, ok bool) {
	at := len(line) - sumSize
	if at > 0 && len(line) <= maxLine && bytes.HasPrefix(line[at:], []byte(sumHead)) && bytes.HasSuffix(line, []byte(sumTail)) {
		sum = string(line[at+len(sumHead) : len(line)-len(sumTail)])
		if _, err := hex.DecodeString(sum); err == nil {
			return line[:at], sum, true
		}
	}
	hash := sha256.Sum256(line)
	return nil, hex.EncodeToString(hash[:]), false
}
