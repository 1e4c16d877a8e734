// Package chaintest holds the suites that every storage and tracer passes, and doubles for faults that real ones cannot
// be made to show.
package chaintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// StorageCase is a storage under the suite.
type StorageCase struct {
	Open chain.OpenStorage
	// Options are the options of a fresh, empty place.
	Options func(t *testing.T) json.RawMessage
	// Bad are options that Open refuses, each with what the error must name.
	Bad map[string]string
	// Exact: Get gives back the very bytes that were saved. Otherwise only the uuid is compared.
	Exact bool
	// Large is the size of the largest document that the suite saves; default 1 MiB.
	Large int
}

// Storage is the suite of storages. What a storage cannot (read, delete) is not asked of it.
func Storage(t *testing.T, c StorageCase) {
	t.Helper()
	if c.Large == 0 {
		c.Large = 1 << 20
	}
	for name, test := range map[string]func(*testing.T, StorageCase){
		"save and read": saveAndRead, "replace": replace, "same save twice": sameTwice, "texts": texts, "large": large,
		"unknown id": unknown, "delete": remove, "delete then save": deleteThenSave, "concurrent": concurrent,
		"one id from many": sameConcurrent, "cancelled": cancelled, "closed": closed, "bad options": badOptions,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, c) })
	}
}

// Document makes a vCon with a new uuid; extra is put behind its last member, such as `,"subject":"x"`.
func Document(t testing.TB, extra string) *vcon.VCon {
	t.Helper()
	return Text(t, vcon.NewID("chaintest.vconduit.example"), extra)
}

// Text makes a vCon with a given uuid.
func Text(t testing.TB, id vcon.ID, extra string) *vcon.VCon {
	t.Helper()
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"vcon":"0.4.0","uuid":%q,"created_at":"2026-03-05T08:09:10+02:00","parties":[]%s}`, id, extra))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func open(t *testing.T, c StorageCase) chain.Storage {
	t.Helper()
	s, err := c.Open(t.Context(), "under_test", c.Options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func save(t *testing.T, s chain.Storage, doc *vcon.VCon, rev uint64) {
	t.Helper()
	if err := s.Save(t.Context(), doc, rev); err != nil {
		t.Fatalf("save: %v", err)
	}
}

// holds checks what the storage gives back.
func holds(t *testing.T, c StorageCase, s chain.Storage, want *vcon.VCon) {
	t.Helper()
	r, ok := s.(chain.Reader)
	if !ok {
		return
	}
	got, err := r.Get(t.Context(), want.ID())
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if got.ID() != want.ID() {
		t.Errorf("get gave vcon %s, want %s", got.ID(), want.ID())
	}
	if c.Exact && !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("get gave other bytes: %d, want %d", len(got.Bytes()), len(want.Bytes()))
	}
}

func lacks(t *testing.T, s chain.Storage, id vcon.ID) {
	t.Helper()
	r, ok := s.(chain.Reader)
	if !ok {
		return
	}
	if doc, err := r.Get(t.Context(), id); !errors.Is(err, chain.ErrNotStored) {
		t.Errorf("get = %v, %v; want ErrNotStored", doc, err)
	}
}

func saveAndRead(t *testing.T, c StorageCase) {
	s := open(t, c)
	a, b := Document(t, ""), Document(t, `,"subject":"b"`)
	save(t, s, a, 1)
	save(t, s, b, 1)
	holds(t, c, s, a)
	holds(t, c, s, b)
}

func replace(t *testing.T, c StorageCase) {
	s := open(t, c)
	doc := Document(t, "")
	save(t, s, doc, 1)
	newer := Text(t, doc.ID(), `,"analysis":[{"type":"summary","dialog":0,"vendor":"x","body":"second"}]`)
	save(t, s, newer, 2)
	holds(t, c, s, newer)
}

func sameTwice(t *testing.T, c StorageCase) {
	s := open(t, c)
	doc := Document(t, "")
	save(t, s, doc, 3)
	save(t, s, doc, 3)
	holds(t, c, s, doc)
}

// texts are documents that a careless writer changes.
func texts(t *testing.T, c StorageCase) {
	s := open(t, c)
	for _, extra := range []string{
		`,"subject":"Grüße, 你好, 👋🏽 \u0000 \ud83d\ude00 \" \\ \/ <b>&amp;"`,
		`,"x":[1.0,1e2,-0,12345678901234567890,0.1000]`,
		`,  "spaces" :  { } ,` + "\n\t" + `"b":null`,
		`,"created_at_x":"","x":{"z":1,"a":2,"m":3}`,
	} {
		doc := Document(t, extra)
		save(t, s, doc, 1)
		holds(t, c, s, doc)
	}
}

func large(t *testing.T, c StorageCase) {
	s := open(t, c)
	doc := Document(t, `,"x":"`+strings.Repeat("0123456789abcdef", c.Large/16)+`"`)
	save(t, s, doc, 1)
	holds(t, c, s, doc)
}

func unknown(t *testing.T, c StorageCase) {
	s := open(t, c)
	id := vcon.NewID("chaintest.vconduit.example")
	lacks(t, s, id)
	if d, ok := s.(chain.Deleter); ok {
		if err := d.Delete(t.Context(), id); err != nil {
			t.Errorf("delete of an unknown id: %v", err)
		}
	}
}

func remove(t *testing.T, c StorageCase) {
	s := open(t, c)
	d, ok := s.(chain.Deleter)
	if !ok {
		return
	}
	gone, stays := Document(t, ""), Document(t, "")
	save(t, s, gone, 1)
	save(t, s, stays, 1)
	for range 2 {
		if err := d.Delete(t.Context(), gone.ID()); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	lacks(t, s, gone.ID())
	holds(t, c, s, stays)
}

func deleteThenSave(t *testing.T, c StorageCase) {
	s := open(t, c)
	d, ok := s.(chain.Deleter)
	if !ok {
		return
	}
	doc := Document(t, "")
	save(t, s, doc, 1)
	if err := d.Delete(t.Context(), doc.ID()); err != nil {
		t.Fatalf("delete: %v", err)
	}
	save(t, s, doc, 1)
	holds(t, c, s, doc)
}

func concurrent(t *testing.T, c StorageCase) {
	s := open(t, c)
	docs := make([]*vcon.VCon, 24)
	for i := range docs {
		docs[i] = Document(t, fmt.Sprintf(`,"subject":"%d"`, i))
	}
	var wg sync.WaitGroup
	for _, doc := range docs {
		wg.Go(func() {
			if err := s.Save(t.Context(), doc, 1); err != nil {
				t.Errorf("save: %v", err)
			}
		})
	}
	wg.Wait()
	for _, doc := range docs {
		holds(t, c, s, doc)
	}
}

// sameConcurrent: many saves of one uuid at once leave one of the versions, whole.
func sameConcurrent(t *testing.T, c StorageCase) {
	s := open(t, c)
	id := vcon.NewID("chaintest.vconduit.example")
	var texts []string
	var wg sync.WaitGroup
	for i := range 8 {
		doc := Text(t, id, fmt.Sprintf(`,"subject":%q`, strings.Repeat(fmt.Sprint(i), 1000*(i+1))))
		texts = append(texts, string(doc.Bytes()))
		wg.Go(func() {
			if err := s.Save(t.Context(), doc, 1); err != nil {
				t.Errorf("save: %v", err)
			}
		})
	}
	wg.Wait()
	r, ok := s.(chain.Reader)
	if !ok {
		return
	}
	got, err := r.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if c.Exact && !slices.Contains(texts, string(got.Bytes())) {
		t.Errorf("get gave a text that nobody saved, %d bytes", len(got.Bytes()))
	}
}

func cancelled(t *testing.T, c StorageCase) {
	s := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Save(ctx, Document(t, ""), 1); err == nil {
		t.Error("save under a cancelled context succeeded")
	}
}

func closed(t *testing.T, c StorageCase) {
	s := open(t, c)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), Document(t, ""), 1); err == nil {
		t.Error("save after Close succeeded")
	}
	if r, ok := s.(chain.Reader); ok {
		if _, err := r.Get(t.Context(), vcon.NewID("x.example")); err == nil || errors.Is(err, chain.ErrNotStored) {
			t.Errorf("get after Close = %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func badOptions(t *testing.T, c StorageCase) {
	for options, name := range c.Bad {
		s, err := c.Open(t.Context(), "under_test", json.RawMessage(options))
		if err == nil {
			s.Close()
			t.Errorf("options %s are accepted", options)
		} else if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "under_test") {
			t.Errorf("options %s: the error names neither %q nor the storage: %v", options, name, err)
		}
	}
}
