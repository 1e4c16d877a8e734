package hostabi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

const (
	awsKey    = "AKIAIOSFODNN7EXAMPLE"
	awsSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	capitals  = "JBSWY3DPEHPK3PXP" // with AKIA before it, it looks like an access key id
)

// signing grants a bucket and the two secrets that its URLs are signed with.
func signing(t testing.TB, in string) func(*Options) {
	t.Helper()
	rule, err := outbound.Parse("https://calls.s3.eu-central-1.amazonaws.com/2024/")
	if err != nil {
		t.Fatal(err)
	}
	host := []string{"calls.s3.eu-central-1.amazonaws.com"}
	return func(o *Options) {
		o.Grants.HTTP = outbound.Policy{Rules: []outbound.Rule{rule}}
		o.Grants.Secrets = []Secret{aSecret(t, "KEY_ID", awsKey, host, in), aSecret(t, "KEY", awsSecret, host, in), aSecret(t, "OTHER", "no-access-key-id", host, in),
			aSecret(t, "SEED", capitals, host, in), aSecret(t, "HALF", capitals[:10], host, in)}
	}
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signatureOf is Signature Version 4 of a presigned GET with an unsigned payload, computed from the manual's four steps.
func signatureOf(u *url.URL, service string) string {
	q := u.Query()
	date := q.Get("X-Amz-Date")
	q.Del("X-Amz-Signature")
	canonical := strings.Join([]string{"GET", u.EscapedPath(), strings.ReplaceAll(q.Encode(), "+", "%20"), "host:" + u.Host + "\n", "host", "UNSIGNED-PAYLOAD"}, "\n")
	return signatureOver(canonical, date, service)
}

// signatureOver is the last three steps: what is signed, the key, the signature.
func signatureOver(canonical, date, service string) string {
	sum := sha256.Sum256([]byte(canonical))
	scope := date[:8] + "/eu-central-1/" + service + "/aws4_request"
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + awsSecret)
	for _, part := range strings.Split(scope, "/") {
		key = hmacOf(key, part)
	}
	return hex.EncodeToString(hmacOf(key, toSign))
}

const presignFormat = `{"url":"https://calls.s3.eu-central-1.amazonaws.com%s","expires_s":3600,"sign":{"aws4":{"service":"s3","region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}}`

// TestHTTPPresign: the signature is what AWS computes, and the secret is not in the URL.
func TestHTTPPresign(t *testing.T) {
	t.Parallel()
	call := newCall(t, document, signing(t, "query"))
	got := text(t, func(out []byte) int64 {
		return call.HTTPPresign(fmt.Appendf(nil, presignFormat, "/2024/a%20b.wav?versionId=7"), out)
	})
	u, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("X-Amz-Signature") != signatureOf(u, "s3") || q.Get("X-Amz-Expires") != "3600" || q.Get("versionId") != "7" || !strings.HasPrefix(q.Get("X-Amz-Credential"), awsKey) {
		t.Errorf("presigned %s, want signature %s", got, signatureOf(u, "s3"))
	}
	if strings.Contains(got, url.QueryEscape(awsSecret)) || strings.Contains(got, awsSecret) {
		t.Errorf("the secret is in %s", got)
	}
}

func TestHTTPPresignRefused(t *testing.T) {
	t.Parallel()
	good := fmt.Sprintf(presignFormat, "/2024/a.wav")
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, c := range []struct {
		name, request, in string
		code              Errno
		text              string
	}{
		{"no JSON", "{", "query", Invalid, "not a JSON object"},
		{"no sign", `{"url":"https://calls.s3.eu-central-1.amazonaws.com/2024/a"}`, "query", Invalid, "not a JSON object"},
		{"another sign", change(`"aws4"`, `"aws5"`), "query", Invalid, "not a JSON object"},
		{"sign without aws4", change(`{"aws4":{"service":"s3","region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}`, `{}`), "query", Invalid, "aws4 is the one"},
		{"a secret in the url", change("a.wav", "a.wav?k={{secret:KEY}}"), "query", Invalid, "no secret may stand in it"},
		{"another path", change("/2024/", "/2025/"), "query", Denied, "denied"},
		{"another host", change("calls.s3", "other.s3"), "query", Denied, "denied"},
		{"a secret for headers", good, "header", Denied, "may not stand in the query"},
		{"an unknown secret", change("{{secret:KEY}}", "{{secret:NONE}}"), "query", Denied, "no secret NONE"},
		{"a key that is a secret", change("{{secret:KEY_ID}}", "{{secret:OTHER}}"), "query", Denied, "the URL shows key"},
		{"a key that is made of a secret", change("{{secret:KEY_ID}}", "AKIA{{secret:SEED}}"), "query", Denied, "the URL shows key"},
		{"a key that ends with a plain part", change("{{secret:KEY_ID}}", "AKIA{{secret:HALF}}ABCDEF"), "query", Denied, "the URL shows key"},
		{"a token that is a secret", change(`"secret":"{{secret:KEY}}"`, `"secret":"{{secret:KEY}}","session_token":"{{secret:OTHER}}"`), "query", Denied, "the URL shows session_token"},
		{"no life", change("3600", "0"), "query", Invalid, ""},
		{"too long a life", change("3600", "604801"), "query", Invalid, ""},
		{"no region", change(`"region":"eu-central-1"`, `"region":""`), "query", Invalid, ""},
	} {
		call := newCall(t, document, signing(t, c.in))
		equalCode(t, call, c.name, call.HTTPPresign([]byte(c.request), nil), c.code)
		if text := reason(call); !strings.Contains(text, c.text) || strings.Contains(text, awsSecret) || strings.Contains(text, "no-access-key-id") || strings.Contains(text, capitals[:10]) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

// TestHTTPSendSigned: the host signs what leaves, with secrets that stand in no header.
func TestHTTPSendSigned(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	host := []string{"127.0.0.1"}
	use := p.use(t)
	call := newCall(t, document, func(o *Options) {
		use(o)
		o.Grants.Secrets = []Secret{aSecret(t, "KEY_ID", awsKey, host), aSecret(t, "KEY", awsSecret, host)}
	})
	request := `{"method":"POST","url":"%s/2024/","sign":{"aws4":{"service":"execute-api","region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}%s}`
	s := call.StreamNew()
	call.StreamWrite(s, []byte("body"))
	if r := call.HTTPSend(fmt.Appendf(nil, request, p.URL, ""), s); call.HTTPStatus(r) != http.StatusOK {
		t.Fatal(reason(call))
	}
	got, _ := p.last()
	if auth := got.Header.Get("Authorization"); !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential="+awsKey) || strings.Contains(fmt.Sprint(got.Header), awsSecret) {
		t.Errorf("signed as %v", got.Header)
	}
	for _, more := range []string{`,"redirects":1`, `,"headers":{"Authorization":"x"}`} {
		equalCode(t, call, more, int64(call.HTTPSend(fmt.Appendf(nil, request, p.URL, more), 0)), Invalid)
	}
}

// receivedSignature is Signature Version 4 of a request, computed by its receiver from what came in and from the names of
// the headers that it says are signed.
func receivedSignature(r *http.Request, body, path, service string, names []string) string {
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	payload := sha256.Sum256([]byte(body))
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, path, query, headers.String(), strings.Join(names, ";"), hex.EncodeToString(payload[:])}, "\n")
	return signatureOver(canonical, r.Header.Get("X-Amz-Date"), service)
}

// TestSignatureCovers: the receiver comes to the same signature over method, path, query, headers and body as they
// arrive, with the secrets that stand in them.
func TestSignatureCovers(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	host := []string{"127.0.0.1"}
	for service, path := range map[string]string{"s3": "/2024/a%20b", "execute-api": "/2024/a%2520b"} { // S3 does not escape twice
		use := p.use(t)
		call := newCall(t, document, func(o *Options) {
			use(o)
			o.Grants.Secrets = []Secret{aSecret(t, "KEY_ID", awsKey, host), aSecret(t, "KEY", awsSecret, host), aSecret(t, "TOKEN", secretValue, host, placeNames...)}
		})
		s := call.StreamNew()
		call.StreamWrite(s, []byte("token {{secret:TOKEN}}"))
		request := fmt.Sprintf(`{"method":"PUT","url":"%s/2024/a%%20b?b={{secret:TOKEN}}&a=1","headers":{"X-Amz-Meta-Token":"{{secret:TOKEN}}"},
			"sign":{"aws4":{"service":%q,"region":"eu-central-1","key":"{{secret:KEY_ID}}","secret":"{{secret:KEY}}"}}}`, p.URL, service)
		if r := call.HTTPSend([]byte(request), s); r < 0 {
			t.Fatal(reason(call))
		}
		got, body := p.last()
		_, list, _ := strings.Cut(got.Header.Get("Authorization"), "SignedHeaders=")
		list, signature, _ := strings.Cut(list, ", Signature=")
		names := strings.Split(list, ";")
		for _, name := range []string{"host", "x-amz-date", "x-amz-meta-token", "idempotency-key"} {
			if !slices.Contains(names, name) {
				t.Errorf("%s: %s is not signed: %q", service, name, names)
			}
		}
		if body != "token "+secretValue || got.URL.Query().Get("b") != secretValue || got.Header.Get("X-Amz-Meta-Token") != secretValue {
			t.Errorf("%s: sent %s, %v, %q", service, got.RequestURI, got.Header, body)
		}
		if want := receivedSignature(got, body, path, service, names); signature == "" || signature != want {
			t.Errorf("%s: signature %q, want %q", service, signature, want)
		}
	}
}

// TestHTTPPresignLife: 900 seconds unless asked, and both ends of the range are signed; a plain session token is too.
func TestHTTPPresignLife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ life, more, want, token string }{
		{``, ``, "900", ""}, {`"expires_s":1,`, ``, "1", ""}, {`"expires_s":604800,`, `,"session_token":"plain/token=="`, "604800", "plain/token=="},
	} {
		request := strings.Replace(fmt.Sprintf(presignFormat, "/2024/a.wav"), `"expires_s":3600,`, c.life, 1)
		call := newCall(t, document, signing(t, "query"))
		out := make([]byte, 4096)
		n := call.HTTPPresign([]byte(strings.Replace(request, `"}}}`, `"`+c.more+`}}}`, 1)), out)
		if n < 0 {
			t.Errorf("%s: %s", c.want, reason(call))
			continue
		}
		u, err := url.Parse(string(out[:n]))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Get("X-Amz-Expires") != c.want || q.Get("X-Amz-Security-Token") != c.token || q.Get("X-Amz-Signature") != signatureOf(u, "s3") || call.Sent() != 0 {
			t.Errorf("presigned %s, want a life of %s", u, c.want)
		}
	}
}
