package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/vconduit/vconduit/internal/testserver"
	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/runtime/chain/chaintest"
	"github.com/vconduit/vconduit/vcon"
)

// bucket is a bucket of a test's own, looked at with a client of its own.
type bucket struct {
	t      testing.TB
	at     testserver.S3Server
	name   string
	client *awss3.Client
}

// newBucket makes an empty bucket.
func newBucket(t testing.TB, at testserver.S3Server) *bucket {
	t.Helper()
	b := &bucket{t: t, at: at, name: "b-" + vcon.NewID("s3.example").String()}
	b.client = awss3.New(awss3.Options{
		BaseEndpoint: &at.URL, UsePathStyle: true, Region: at.Region,
		Credentials: credentials.NewStaticCredentialsProvider(at.ID, at.Secret, ""),
	})
	if _, err := b.client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &b.name}); err != nil {
		t.Fatal(err)
	}
	return b
}

// options are those of a storage in the bucket; more are laid over them, and null takes one away.
func (b *bucket) options(more string) json.RawMessage {
	b.t.Helper()
	o := map[string]any{
		"aws_access_key_id": b.at.ID, "aws_secret_access_key": b.at.Secret, "aws_bucket": b.name, "aws_region": b.at.Region,
		"endpoint_url": b.at.URL,
	}
	if more != "" {
		if err := json.Unmarshal([]byte(more), &o); err != nil {
			b.t.Fatal(err)
		}
	}
	text, err := json.Marshal(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bucket) open(more string) *Storage {
	b.t.Helper()
	s, err := Open(b.t.Context(), "archive", b.options(more))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { s.Close() })
	return s.(*Storage)
}

// put writes an object as another server would.
func (b *bucket) put(key string, text []byte) {
	b.t.Helper()
	if _, err := b.client.PutObject(b.t.Context(), &awss3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(text)}); err != nil {
		b.t.Fatal(err)
	}
}

// objects are the bucket's keys and texts.
func (b *bucket) objects() map[string]string {
	b.t.Helper()
	list, err := b.client.ListObjectsV2(b.t.Context(), &awss3.ListObjectsV2Input{Bucket: &b.name})
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range list.Contents {
		out[*o.Key] = string(b.object(*o.Key).text)
	}
	return out
}

type object struct {
	text        []byte
	contentType string
}

func (b *bucket) object(key string) object {
	b.t.Helper()
	answer, err := b.client.GetObject(b.t.Context(), &awss3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return object{text, aws.ToString(answer.ContentType)}
}

// holds compares the bucket with what it must have.
func (b *bucket) holds(want map[string]string) {
	b.t.Helper()
	if got := b.objects(); !maps.Equal(got, want) {
		b.t.Errorf("the bucket has %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	for name, more := range map[string]string{
		"whole bucket": "",
		"path":         `{"s3_path":"calls/of/acme/"}`,
		"no search":    `{"search_days":"no"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chaintest.Storage(t, chaintest.StorageCase{
				Open: Open, Exact: true, Large: 20 << 20,
				Options: func(t *testing.T) json.RawMessage { return newBucket(t, at).options(more) },
				Bad: map[string]string{
					`{}`:                                  "aws_bucket",
					`{"aws_bucket":""}`:                   "aws_bucket",
					`{"aws_bucket":"a/b"}`:                "aws_bucket",
					`{"aws_bucket":["a"]}`:                "aws_bucket",
					`{"aws_access_key_id":"AKIA"}`:        "aws_secret_access_key",
					`{"aws_secret_access_key":"x"}`:       "aws_access_key_id",
					`{"endpoint_url":"minio:9000"}`:       "endpoint_url",
					`{"endpoint_url":"http://a:b@c"}`:     "endpoint_url",
					`{"endpoint_url":"http://c/?x=y"}`:    "endpoint_url",
					`{"s3_path":{}}`:                      "s3_path",
					`{"search_days":"often"}`:             "search_days",
					`[]`:                                  "options",
					`{"s3_path":"` + long(1000) + `"}`:    "s3_path",
					`{"aws_region":{},"search_days":"x"}`: "search_days",
				},
			})
		})
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// document is a vCon that was made at a time, which is written as JSON.
func document(t testing.TB, id vcon.ID, createdAt string) *vcon.VCon {
	t.Helper()
	doc, err := vcon.Parse(fmt.Appendf(nil, `{"vcon": "0.4.0", "uuid": %q, "created_at": %s, "parties": []}`, id, createdAt))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func save(t testing.TB, s chain.Storage, doc *vcon.VCon) {
	t.Helper()
	if err := s.Save(t.Context(), doc, 1); err != nil {
		t.Fatal(err)
	}
}

// The keys and pointers are those of the Python server.
func TestLayout(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	const id = "018f4a1e-7c5b-8a31-9c2d-0123456789ab"
	for createdAt, day := range map[string]string{
		`"2026-03-05T23:30:00-05:00"`:        "2026/03/05",
		`"2026-03-05T00:30:00.123456+09:00"`: "2026/03/05",
		`"2026-03-05T08:09:10Z"`:             "2026/03/05",
		`"2026-03-05"`:                       "2026/03/05",
		`"yesterday"`:                        "",
		`null`:                               "",
	} {
		for path, prefix := range map[string]string{"": "", "calls": "calls/", "calls/": "calls/", "a/b//": "a/b/"} {
			b := newBucket(t, at)
			doc := document(t, mustID(t, id), createdAt)
			save(t, b.open(fmt.Sprintf(`{"s3_path":%q}`, path)), doc)
			want := map[string]string{prefix + day + "/" + id + ".vcon": string(doc.Bytes()), prefix + "lookup/" + id + ".txt": day}
			if day == "" {
				want = map[string]string{prefix + id + ".vcon": string(doc.Bytes())}
			}
			b.holds(want)
			for key := range want {
				if got, want := b.object(key).contentType, map[bool]string{true: "application/vcon", false: "text/plain"}[strings.HasSuffix(key, ".vcon")]; got != want {
					t.Errorf("%s has content type %q, want %q", key, got, want)
				}
			}
		}
	}
}

func mustID(t testing.TB, text string) vcon.ID {
	t.Helper()
	id, err := vcon.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestOlderLayouts: what other versions of the Python server wrote is read, and nothing is left of it after Delete.
func TestOlderLayouts(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	made, far := vcon.NewID("s3.example"), mustID(t, "4f1d9f0e-58c3-4b7a-9d6f-0123456789ab") // version 4: tells no time
	today := likelyDays(made)[0]
	for name, c := range map[string]struct {
		id     vcon.ID
		key    string
		day    string // of the pointer, "" = none
		search bool   // it is found only by searching all days
	}{
		"dated and pointer":        {id: far, key: "2021/02/03/%s.vcon", day: "2021/02/03"},
		"pointer with a line end":  {id: far, key: "2021/02/03/%s.vcon", day: "2021/02/03\n"},
		"dated, likely day":        {id: made, key: today + "/%s.vcon"},
		"dated, some day":          {id: far, key: "2021/02/03/%s.vcon", search: true},
		"dated, long after":        {id: made, key: "1999/12/31/%s.vcon", search: true},
		"flat":                     {id: far, key: "%s.vcon"},
		"pointer that leads away":  {id: far, key: "%s.vcon", day: "2021/02/03"},
		"pointer that is no day":   {id: far, key: "2021/02/03/%s.vcon", day: "../../other", search: true},
		"pointer that is too long": {id: far, key: "2021/02/03/%s.vcon", day: long(1000), search: true},
	} {
		for _, path := range []string{"", "calls/"} {
			for _, search := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, path %q, search %v", name, path, search), func(t *testing.T) {
					t.Parallel()
					b := newBucket(t, at)
					text := fmt.Sprintf(`{"vcon": "0.0.1", "uuid": %q, "created_at": "2021-02-03T04:05:06", "subject": "\u00e9", "parties": []}`, c.id)
					b.put(path+fmt.Sprintf(c.key, c.id), []byte(text))
					if c.day != "" {
						b.put(path+"lookup/"+c.id.String()+".txt", []byte(c.day))
					}
					b.put(path+"2022/no/number/x.vcon", []byte("somebody else's"))
					s := b.open(fmt.Sprintf(`{"s3_path":%q,"search_days":%v}`, path, search))
					doc, err := s.Get(t.Context(), c.id)
					if c.search && !search {
						if !errors.Is(err, chain.ErrNotStored) {
							t.Errorf("get = %v, want ErrNotStored", err)
						}
						return
					}
					if err != nil || string(doc.Bytes()) != text {
						t.Fatalf("get: %v", err)
					}
					if err := s.Delete(t.Context(), c.id); err != nil {
						t.Fatal(err)
					}
					for key := range b.objects() {
						if strings.HasSuffix(key, c.id.String()+".vcon") {
							t.Errorf("left after delete: %s", key)
						}
					}
				})
			}
		}
	}
}

// TestNewestOfSeveral: an older server that was given two dates left two objects.
func TestNewestOfSeveral(t *testing.T) {
	t.Parallel()
	p := testserver.StartS3(t)
	b := newBucket(t, testserver.S3At(p))
	id := mustID(t, "4f1d9f0e-58c3-4b7a-9d6f-0123456789ab")
	older, newer := document(t, id, `"2021-02-03"`), document(t, id, `"2020-01-01"`)
	old := "2021/02/03/" + id.String() + ".vcon"
	b.put(old, older.Bytes())
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(p.Dir, "data", b.name, old), past, past); err != nil {
		t.Fatal(err)
	}
	b.put("2020/01/01/"+id.String()+".vcon", newer.Bytes())
	s := b.open("")
	if doc, err := s.Get(t.Context(), id); err != nil || !bytes.Equal(doc.Bytes(), newer.Bytes()) {
		t.Errorf("get = %v, %v; want the newer", doc, err)
	}
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.holds(map[string]string{})
}

// TestDeleteOfSeveral: what lies on a likely day does not hide the rest.
func TestDeleteOfSeveral(t *testing.T) {
	t.Parallel()
	b := newBucket(t, testserver.S3(t))
	id := vcon.NewID("s3.example")
	for _, day := range []string{likelyDays(id)[0] + "/", likelyDays(id)[1] + "/", "1999/12/31/", ""} {
		b.put(day+id.String()+".vcon", document(t, id, "null").Bytes())
	}
	if err := b.open("").Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.holds(map[string]string{})
}

// TestPathStyle: a server that has a name is not asked for a host that is called after the bucket.
func TestPathStyle(t *testing.T) {
	t.Parallel()
	at := testserver.S3(t)
	b := newBucket(t, at)
	named := strings.Replace(at.URL, "127.0.0.1", "localhost", 1)
	save(t, b.open(fmt.Sprintf(`{"endpoint_url":%q}`, named+"/")), chaintest.Document(t, ""))
}

// TestMoved: a revision with another date leaves no object of the older date.
func TestMoved(t *testing.T) {
	t.Parallel()
	b := newBucket(t, testserver.S3(t))
	s, id := b.open(""), vcon.NewID("s3.example")
	for _, day := range []string{"2026/02/02", "2026/01/01", "", "2025/12/31", "2025/12/31"} {
		createdAt := `"` + strings.ReplaceAll(day, "/", "-") + `"`
		doc := document(t, id, createdAt)
		save(t, s, doc)
		want := map[string]string{day + "/" + id.String() + ".vcon": string(doc.Bytes()), "lookup/" + id.String() + ".txt": day}
		if day == "" {
			want = map[string]string{id.String() + ".vcon": string(doc.Bytes())}
		}
		if day == "2025/12/31" { // where it lies without a date is not asked at each save
			want[id.String()+".vcon"] = string(document(t, id, `""`).Bytes())
		}
		b.holds(want)
		if got, err := s.Get(t.Context(), id); err != nil || !bytes.Equal(got.Bytes(), doc.Bytes()) {
			t.Errorf("created_at %s: get = %v, %v", createdAt, got, err)
		}
	}
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.holds(map[string]string{})
}
