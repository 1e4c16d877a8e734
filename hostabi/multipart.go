package hostabi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
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

// form is a multipart/form-data body to be.
type form struct {
	boundary string
	heads    []string
	contents []*stream
}

// multipart writes parts into streams, as they are written and with secrets in their values, and sets the header's
// content type.
func (c *Call) multipart(f *filling, parts []httpPart, header http.Header) (requestBody, *callError) {
	if header.Get("Content-Type") != "" {
		return requestBody{}, failure(Invalid, "http_send: with parts the host sets content-type")
	}
	written, err := c.newForm(parts)
	if err != nil {
		return requestBody{}, err
	}
	wire, err := f.form(written, parts)
	if err != nil {
		return requestBody{}, err
	}
	header.Set("Content-Type", "multipart/form-data; boundary="+written.boundary)
	body := requestBody{own: true}
	if body.written, err = c.writeForm(written); err != nil {
		return requestBody{}, err
	}
	if body.wire = body.written; f.body {
		if body.wire, err = c.writeForm(wire); err != nil {
			body.written.close()
		}
	}
	return body, err
}

// newForm checks parts. The boundary is a hash of the content: the same parts give the same bytes, which is what
// remembered answers are found by.
func (c *Call) newForm(parts []httpPart) (form, *callError) {
	made := form{heads: make([]string, len(parts)), contents: make([]*stream, len(parts))}
	sum := sha256.New()
	for i, part := range parts {
		var err *callError
		if made.heads[i], err = part.head(); err != nil {
			return made, err
		}
		if made.contents[i], err = c.partContent(part); err != nil {
			return made, err
		}
		writeField(sum, made.heads[i])
		if _, err := io.Copy(sum, made.contents[i].reader()); err != nil {
			return made, failure(Network, "http_send: reading a part: %v", err)
		}
	}
	made.boundary = "vconduit-" + hex.EncodeToString(sum.Sum(nil)[:16])
	return made, nil
}

// form is written with secrets in the values of its parts; what streams hold goes as it is.
func (f *filling) form(written form, parts []httpPart) (form, *callError) {
	wire := written
	wire.contents = slices.Clone(written.contents)
	for i, part := range parts {
		if part.Value == nil {
			continue
		}
		var err *callError
		if wire.contents[i], err = f.content(written.contents[i], part.Type); err != nil {
			return wire, err
		}
	}
	return wire, nil
}

// writeForm writes a form into a new stream.
func (c *Call) writeForm(f form) (*stream, *callError) {
	body := &stream{}
	w := streamWriter{body, c.o.TempDir, c.limits.HTTPBytes}
	if err := f.writeTo(w); err != nil {
		body.close()
		return nil, failure(OverQuota, "http_send: %v", err)
	}
	return body, nil
}

func (f form) writeTo(w io.Writer) error {
	for i, head := range f.heads {
		if _, err := fmt.Fprintf(w, "--%s\r\n%s\r\n", f.boundary, head); err != nil {
			return err
		}
		if _, err := io.Copy(w, f.contents[i].reader()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\r\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "--%s--\r\n", f.boundary)
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
