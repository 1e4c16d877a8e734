package hostabi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// httpPart is one part of a multipart/form-data body.
type httpPart struct {
	Name     string  `json:"name"`
	Filename string  `json:"filename"`
	Type     string  `json:"type"`
	Value    *string `json:"value"`
	Stream   int32   `json:"stream"`
}

// multipart writes parts into a stream and sets the header's content type. The boundary is a hash of the content: the
// same parts give the same bytes, which is what remembered answers are found by.
func (c *Call) multipart(parts []httpPart, header http.Header) (*stream, *callError) {
	if header.Get("Content-Type") != "" {
		return nil, failure(Invalid, "http_send: with parts the host sets content-type")
	}
	heads := make([]string, len(parts))
	contents := make([]*stream, len(parts))
	sum := sha256.New()
	for i, part := range parts {
		var err *callError
		if heads[i], err = part.head(); err != nil {
			return nil, err
		}
		if contents[i], err = c.partContent(part); err != nil {
			return nil, err
		}
		writeField(sum, heads[i])
		if _, err := io.Copy(sum, contents[i].reader()); err != nil {
			return nil, failure(Network, "http_send: reading a part: %v", err)
		}
	}
	boundary := "vconduit-" + hex.EncodeToString(sum.Sum(nil)[:16])
	body := &stream{}
	if err := c.writeParts(body, boundary, heads, contents); err != nil {
		body.close()
		return nil, failure(OverQuota, "http_send: %v", err)
	}
	header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	return body, nil
}

func (c *Call) writeParts(body *stream, boundary string, heads []string, contents []*stream) error {
	w := streamWriter{body, c.o.TempDir, c.limits.HTTPBytes}
	for i, head := range heads {
		if _, err := fmt.Fprintf(w, "--%s\r\n%s\r\n", boundary, head); err != nil {
			return err
		}
		if _, err := io.Copy(w, contents[i].reader()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\r\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "--%s--\r\n", boundary)
	return err
}

// streamWriter writes to a stream up to a limit; below 0 is none.
type streamWriter struct {
	to    *stream
	dir   string
	limit int64
}

func (w streamWriter) Write(p []byte) (int, error) {
	if !fits(w.to.size, int64(len(p)), w.limit) {
		return 0, fmt.Errorf("the parts are more than %d bytes", w.limit)
	}
	return len(p), w.to.write(p, w.dir)
}

// head is the part's header lines.
func (p httpPart) head() (string, *callError) {
	for _, text := range []string{p.Name, p.Filename, p.Type} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", failure(Invalid, "http_send: a line break or control character in a part's name, filename or type")
		}
	}
	switch {
	case p.Name == "":
		return "", failure(Invalid, "http_send: a part without name")
	case (p.Value != nil) == (p.Stream != 0):
		return "", failure(Invalid, "http_send: part %q needs either value or stream", p.Name)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, "%22")
	head := `Content-Disposition: form-data; name="` + quote.Replace(p.Name) + `"`
	if p.Filename != "" {
		head += `; filename="` + quote.Replace(p.Filename) + `"`
	}
	if p.Type != "" {
		head += "\r\nContent-Type: " + p.Type
	}
	return head + "\r\n", nil
}

func (c *Call) partContent(p httpPart) (*stream, *callError) {
	if p.Value != nil {
		return fixed([]byte(*p.Value)), nil
	}
	return handle[*stream](c, p.Stream, "stream")
}
