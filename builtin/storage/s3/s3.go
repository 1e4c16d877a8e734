// Package s3 is the storage "s3": vCons as objects in a bucket of Amazon S3 or of a server that speaks its protocol,
// byte for byte as they are in the live store.
//
// A vCon lies at {s3_path/}YYYY/MM/DD/{uuid}.vcon, by the date in its created_at in that time's own offset, and a pointer
// {s3_path/}lookup/{uuid}.txt holds that date; without a readable created_at it lies at {s3_path/}{uuid}.vcon and has no
// pointer. Get and Delete also find what older servers wrote: dated without a pointer, and {uuid}.vcon alone.
//
// Guarantees: Save returns when the server has the object, whose checksum it was given, and a pointer that leads to it;
// when a new revision has another date, the object of the older date is gone by then. A reader sees the old object or
// the new one, never a part. Errors name bucket, endpoint and option, and hold neither keys nor what the server wrote.
// Left to others: retries and time limits (runtime/chain), versions and life cycle of objects (the bucket's owner).
// Sources: the Python server's storage.s3; Amazon S3 API Reference.
package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Config are the options.
type Config struct {
	Bucket     string // aws_bucket: required
	Path       string // s3_path: in front of every key, without "/" at its end; default none
	Region     string // aws_region; default that of the environment, else the bucket's own is found out
	Endpoint   string // endpoint_url: of another server than Amazon's, addressed as URL/bucket/key; default none
	KeyID      string // aws_access_key_id; default, with the secret: the environment's credentials, as every AWS program takes them
	Secret     string // aws_secret_access_key
	SearchDays bool   // search_days: look in every day's folder for a vCon without pointer; default true
}

// maxKey is the longest key that S3 takes, in bytes; the longest behind s3_path is that of an object with its date.
const (
	maxKey  = 1024
	maxPath = maxKey - len("/2006/01/02/01234567-89ab-cdef-0123-456789abcdef.vcon")
)

func readConfig(raw json.RawMessage) (_ Config, unknown []string, _ error) {
	o := chain.ReadOptions(raw)
	c := Config{
		Bucket:     o.Text("aws_bucket", ""),
		Path:       strings.TrimRight(o.Text("s3_path", ""), "/"),
		Region:     o.Text("aws_region", ""),
		Endpoint:   strings.TrimRight(o.Text("endpoint_url", ""), "/"),
		KeyID:      o.Text("aws_access_key_id", ""),
		Secret:     o.Text("aws_secret_access_key", ""),
		SearchDays: o.Bool("search_days", true),
	}
	if c.Bucket == "" || strings.ContainsAny(c.Bucket, "/ ") {
		o.Fail("aws_bucket", "must name a bucket")
	}
	if len(c.Path) > maxPath {
		o.Fail("s3_path", "must have at most %d bytes", maxPath)
	}
	if c.Endpoint != "" && !isOrigin(c.Endpoint) {
		o.Fail("endpoint_url", "must be a URL such as https://minio.example:9000, without user, password and query")
	}
	if c.KeyID == "" && c.Secret != "" {
		o.Fail("aws_access_key_id", "must be given with aws_secret_access_key")
	}
	if c.KeyID != "" && c.Secret == "" {
		o.Fail("aws_secret_access_key", "must be given with aws_access_key_id")
	}
	return c, o.Unknown(), o.Err()
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// place is what errors say of where the vCons are.
func (c Config) place() string {
	switch {
	case c.Endpoint != "":
		return fmt.Sprintf("s3 bucket %q at %s", c.Bucket, c.Endpoint)
	case c.Region != "":
		return fmt.Sprintf("s3 bucket %q in %s", c.Bucket, c.Region)
	}
	return fmt.Sprintf("s3 bucket %q", c.Bucket)
}

// Storage keeps vCons in a bucket. Safe for concurrent use, also by several processes.
type Storage struct {
	c      Config
	keys   keys
	client *awss3.Client
	http   *http.Client
	days   *calendar
	closed atomic.Bool
}

// Check says everything that is wrong with the options, and which of them do nothing; it connects to nothing.
func Check(options json.RawMessage) (unknown []string, err error) {
	_, unknown, err = readConfig(options)
	return unknown, err
}

// openWithin bounds the questions of Open.
const openWithin = 10 * time.Second

// Open asks the server for an object that is not there: wrong keys, a missing bucket and a server that cannot be reached
// are errors. It also finds the region of a bucket when neither options nor environment name one.
func Open(ctx context.Context, name string, options json.RawMessage) (chain.Storage, error) {
	c, _, err := readConfig(options)
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	s, err := connect(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("storage %q: open %s: %w", name, c.place(), err)
	}
	return s, nil
}

// Save writes the vCon's object and, if it has to change, the pointer.
func (s *Storage) Save(ctx context.Context, doc *vcon.VCon, _ uint64) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.save(ctx, doc); err != nil {
		return fmt.Errorf("save vcon %s in %s: %w", doc.ID(), s.c.place(), err)
	}
	return nil
}

// save reads the present pointer while it writes the object: it tells whether another one has to be written, and which
// object of an older date nobody would find any more.
func (s *Storage) save(ctx context.Context, doc *vcon.VCon) error {
	var before string
	var unread error
	read := make(chan struct{})
	go func() {
		defer close(read)
		before, unread = s.pointer(ctx, doc.ID())
	}()
	day := dayOf(doc)
	err := s.put(ctx, s.keys.object(day, doc.ID()), "application/vcon", doc.Bytes())
	<-read
	if err != nil {
		return err
	}
	if unread != nil && !isDenied(unread) { // a key that may only write is right, too: the pointer is written anyway
		return unread
	}
	if day == before {
		return nil
	}
	if err := s.point(ctx, doc.ID(), day); err != nil || before == "" {
		return err
	}
	return s.remove(ctx, s.keys.object(before, doc.ID()))
}

// point makes the pointer lead to a day; "" removes it.
func (s *Storage) point(ctx context.Context, id vcon.ID, day string) error {
	if day == "" {
		return s.remove(ctx, s.keys.pointer(id))
	}
	return s.put(ctx, s.keys.pointer(id), "text/plain", []byte(day))
}

// Get reads the vCon's object: where the pointer says, else where older servers put it.
func (s *Storage) Get(ctx context.Context, id vcon.ID) (*vcon.VCon, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	text, err := s.find(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read vcon %s from %s: %w", id, s.c.place(), err)
	}
	if text == nil {
		return nil, chain.ErrNotStored
	}
	doc, err := vcon.ParseWith(text, vcon.Limits{Bytes: math.MaxInt32})
	if err != nil {
		return nil, fmt.Errorf("read vcon %s from %s: %w", id, s.c.place(), err)
	}
	return doc, nil
}

// find gives the text of a vCon, nil when it is not there.
func (s *Storage) find(ctx context.Context, id vcon.ID) ([]byte, error) {
	day, err := s.pointer(ctx, id)
	if err != nil {
		return nil, err
	}
	if day != "" {
		if text, err := s.get(ctx, s.keys.object(day, id), maxObject); text != nil || err != nil {
			return text, err
		}
	}
	if text, err := s.get(ctx, s.keys.object("", id), maxObject); text != nil || err != nil {
		return text, err
	}
	found, err := s.search(ctx, id, false)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return s.get(ctx, found[0], maxObject)
}

// Delete removes every object of the vCon, its pointer last, so that a Delete that was cut off can be repeated.
func (s *Storage) Delete(ctx context.Context, id vcon.ID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.deleteAll(ctx, id); err != nil {
		return fmt.Errorf("delete vcon %s from %s: %w", id, s.c.place(), err)
	}
	return nil
}

func (s *Storage) deleteAll(ctx context.Context, id vcon.ID) error {
	day, err := s.pointer(ctx, id)
	if err != nil {
		return err
	}
	gone := []string{s.keys.object("", id)}
	if day != "" {
		gone = append(gone, s.keys.object(day, id), s.keys.pointer(id))
	} else if found, err := s.search(ctx, id, true); err != nil {
		return err
	} else {
		gone = append(gone, found...)
	}
	for _, key := range gone {
		if err := s.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Close makes further calls fail and closes idle connections.
func (s *Storage) Close() error {
	if !s.closed.Swap(true) {
		s.http.CloseIdleConnections()
	}
	return nil
}

func (s *Storage) ready(ctx context.Context) error {
	if s.closed.Load() {
		return chain.ErrClosed
	}
	return ctx.Err()
}

var (
	_ chain.OpenStorage = Open
	_ chain.Reader      = (*Storage)(nil)
	_ chain.Deleter     = (*Storage)(nil)
)
