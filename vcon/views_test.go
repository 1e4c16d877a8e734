package vcon

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const head = `{"uuid":"` + someID + `",`

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string // JSON
		want string // RFC 3339, "" = not readable
		form timeForm
	}{
		{`"2025-02-26T10:00:00Z"`, "2025-02-26T10:00:00Z", timeExact},
		{`"2025-02-26t10:00:00z"`, "2025-02-26T10:00:00Z", timeExact},
		{`"2025-02-26T10:00:00.5+05:30"`, "2025-02-26T10:00:00.5+05:30", timeExact},
		{`"2025-02-26T10:00:00,123456789-00:00"`, "2025-02-26T10:00:00.123456789Z", timeExact},
		{`"2025-02-26T10:00:00.1234567891Z"`, "2025-02-26T10:00:00.123456789Z", timeExact},
		{`"2016-12-31T23:59:60Z"`, "2017-01-01T00:00:00Z", timeExact},
		{`"2025-02-26T10:00:00"`, "2025-02-26T10:00:00Z", timeLocal},
		{`"2025-02-26T10:00"`, "2025-02-26T10:00:00Z", timeISO},
		{`"2025-02-26 10:00:00Z"`, "2025-02-26T10:00:00Z", timeISO},
		{`"2025-02-26T10:00:00-0530"`, "2025-02-26T10:00:00-05:30", timeISO},
		{`"2025-02-26"`, "2025-02-26T00:00:00Z", timeISO},
		{`"2024-02-29"`, "2024-02-29T00:00:00Z", timeISO},
		{`1740564000`, "2025-02-26T10:00:00Z", timeISO},
		{`1740564000.25`, "2025-02-26T10:00:00.25Z", timeISO},
		{`1740564000250`, "2025-02-26T10:00:00.25Z", timeISO},
		{`"1740564000"`, "2025-02-26T10:00:00Z", timeISO},
		{`-1`, "1969-12-31T23:59:59Z", timeISO},
		{`"Wed, 26 Feb 2025 10:00:00 -0500"`, "2025-02-26T10:00:00-05:00", timeLoose},
		{`"Wed, 26 Feb 2025 10:00:00 GMT"`, "2025-02-26T10:00:00Z", timeLoose},
		{`"26 Feb 2025 10:00:00 +0000"`, "2025-02-26T10:00:00Z", timeLoose},
		{`"2025-02-26T10:00:00+00+00:00"`, "2025-02-26T10:00:00Z", timeLoose},
		{`"2025-02-29T10:00:00Z"`, "", timeBad},
		{`"2025-13-01"`, "", timeBad},
		{`"2025-02-26T24:00:00Z"`, "", timeBad},
		{`"2025-02-26T10:00:00.Z"`, "", timeBad},
		{`"2025-02-26T10:00:00+24:00"`, "", timeBad},
		{`"2025-02-26T10:00:00Zx"`, "", timeBad},
		{`"x+00+00:00"`, "", timeBad},
		{`"yesterday"`, "", timeBad},
		{`""`, "", timeBad},
		{`"1e400"`, "", timeBad},
		{`1e300`, "", timeBad},
		{`true`, "", timeBad},
		{`null`, "", timeBad},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, form := instantOf(Value(tt.in))
			if form != tt.form {
				t.Errorf("form %d, want %d", form, tt.form)
			}
			if text := got.Format(time.RFC3339Nano); form != timeBad && text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
			v := mustParse(t, head+`"created_at":`+tt.in+`}`)
			if at, ok := v.CreatedAt(); ok != (tt.want != "") || !at.Equal(got) {
				t.Errorf("created at %v, %t", at, ok)
			}
		})
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	v := mustParse(t, head+`"parties":[{"tel":"+1","name":"Ann","mailto":"Mailto:a@example.com"},{"tel":"tel:+1"},
		{"tel":"TEL:2","name":"","mailto":7},{"name":"Ann"},{},null]}`)
	want := []Term{
		{"tel", "+1"}, {"tel", "tel:+1"}, {"mailto", "Mailto:a@example.com"}, {"mailto", "a@example.com"},
		{"mailto", "mailto:a@example.com"}, {"name", "Ann"}, {"tel", "TEL:2"}, {"tel", "2"}, {"tel", "tel:2"},
	}
	if got := v.Terms(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestViewsOfEveryVersion(t *testing.T) {
	t.Parallel()
	now := mustParse(t, head+`"subject":"s","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-02T00:00:00Z",
		"extensions":["CC"],"critical":["x"],"amended":{"uuid":"u","url":"https://e","content_hash":"sha256-AAAA"},
		"parties":[{"role":"agent","name":"n"},{}],
		"dialog":[{"type":"transfer","start":"2025-01-01T00:00:00Z","duration":1.5,"parties":[0,[1,0],null],"originator":1,
			"mediatype":"text/plain","filename":"f","url":"https://d","content_hash":["sha256-AAAA"],"disposition":"busy",
			"transfer_target":1}],
		"analysis":[{"type":"summary","vendor":"v","product":"p","schema":"s","dialog":0,"attachment":[0],"mediatype":"m",
			"filename":"f","url":"https://a","body":"b","encoding":"none"}],
		"attachments":[{"purpose":"tags","start":"2025-01-01T00:00:00Z","party":1,"dialog":0,"mediatype":"m","filename":"f",
			"url":"https://t","body":["a:b"],"encoding":"json"}]}`)
	old := mustParse(t, head+`"vcon":"0.0.1","subject":"s","created_at":"2025-01-01T00:00:00Z",
		"updated_at":"2025-01-02T00:00:00Z","extensions":["CC"],"must_support":["x"],
		"appended":{"uuid":"u","url":"https://e","alg":"SHA-256","signature":"AAAA"},"parties":[{"role":"agent","name":"n"},{}],
		"dialog":[{"type":"transfer","start":"2025-01-01T00:00:00","duration":"1.5","parties":[0,[1,0],null],"originator":[1],
			"mimetype":"text/plain","filename":"f","url":"https://d","alg":"SHA-256","signature":"AAAA","disposition":"busy",
			"transfer-target":1}],
		"analysis":[{"type":"summary","vendor":"v","vendor_product":"p","vendor_schema":"s","dialog":[0],"attachment":0,
			"mimetype":"m","filename":"f","url":"https://a","transcript":"b","encoding":"none"}],
		"attachments":[{"type":"tags","start":"2025-01-01T00:00:00","party":1,"dialog":0,"mimetype":"m","filename":"f",
			"url":"https://t","body":["a:b"],"encoding":"none"}]}`)
	want := read(now)
	if got := read(old); !reflect.DeepEqual(got, want) {
		t.Errorf("old and new read differently:\n%v\n%v", got, want)
	}
	if len(want) != 46 {
		t.Errorf("%d values read: %v", len(want), want)
	}
	for i, x := range want {
		if reflect.ValueOf(x).IsZero() {
			t.Errorf("value %d is empty: %v", i, want)
		}
	}
}

// TestViewsPassOverNull: a null under the present name says nothing, the older one speaks.
func TestViewsPassOverNull(t *testing.T) {
	t.Parallel()
	v := mustParse(t, head+`"amended":null,"appended":{"uuid":"u"},"critical":null,"must_support":["x"],
		"dialog":[{"mediatype":null,"mimetype":"text/plain","encoding":null,"body":"x"},{"transcript":"of nobody"}],
		"analysis":[{"product":null,"vendor_product":"p","schema":null,"schema_version":null,"vendor_schema":"s","body":null,"transcript":"b"}],
		"attachments":[{"purpose":null,"type":"tags"}]}`)
	ref, _ := v.Amended()
	got := []string{ref.UUID(), strings.Join(v.Critical(), " ")}
	for _, d := range v.Dialogs() {
		got = append(got, d.Mediatype(), d.Body().Encoding())
	}
	for _, a := range v.Analyses() {
		text, _ := a.Body().Bytes()
		got = append(got, a.Product(), a.Schema(), string(text))
	}
	for _, a := range v.Attachments() {
		got = append(got, a.Purpose())
	}
	want := []string{"u", "x", "text/plain", "none", "", "", "p", "s", "b", "tags"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if value, err := v.Get("/dialog/0/mediatype"); err != nil || string(value) != "null" {
		t.Errorf("a pointer takes the exact member: %s, %v", value, err)
	}
}

// read calls every view.
func read(v *VCon) []any {
	all := []any{v.Subject(), v.Extensions(), v.Critical()}
	created, ok := v.CreatedAt()
	all = append(all, created, ok)
	updated, ok := v.UpdatedAt()
	all = append(all, updated, ok)
	ref, ok := v.Amended()
	all = append(all, ref.UUID(), ref.URL(), ref.ContentHashes(), ok)
	for i, p := range v.Parties() {
		if i == 0 {
			all = append(all, p.Name(), p.Role(), p.Text("role"))
		}
	}
	for _, d := range v.Dialogs() {
		start, _ := d.Start()
		length, _ := d.Duration()
		who, _ := d.Originator()
		target, ok := d.index("transfer_target")
		all = append(all, d.Type(), start, length, d.Parties(), who, d.Mediatype(), d.Filename(), d.URL(),
			d.ContentHashes(), d.Disposition(), target, ok)
	}
	for _, a := range v.Analyses() {
		text, _ := a.Body().Bytes()
		all = append(all, a.Type(), a.Vendor(), a.Product(), a.Schema(), a.Dialogs(), a.Attachments(), a.Mediatype(),
			a.Filename(), a.URL(), string(text), a.Body().Encoding())
	}
	for _, a := range v.Attachments() {
		start, _ := a.Start()
		party, _ := a.Party()
		_, ok := a.Dialog()
		text, _ := a.Body().Bytes()
		all = append(all, a.Purpose(), start, party, ok, a.Mediatype(), a.Filename(), a.URL(), string(text), a.Body().Encoding())
	}
	return all
}
