package link

import (
	"encoding/base64"
	"io"
)

// Stream is a byte string that stays on the host: a body, an answer, or one to write to. Close it when there are many;
// all are closed when the run ends.
type Stream struct {
	call   *Call
	handle int32
}

var _ io.ReadWriteCloser = (*Stream)(nil)

// Open gives the decoded body of a dialog, an analysis or an attachment as a stream; p is the element.
//
//	audio, err := c.At("dialog", 0).Open()
//	if err != nil {
//		return link.Fail(err)
//	}
//	defer audio.Close()
func (p Place) Open() (*Stream, error) {
	return p.call.stream("stream_open", p.call.Host.StreamOpen(1, []byte(p.pointer+"/body")))
}

// Fetch gives what the url of a dialog, an analysis or an attachment names, fetched by the host; its content_hash is
// checked.
//
//	audio, err := c.At("dialog", 0).Fetch()
func (p Place) Fetch() (*Stream, error) {
	return p.call.stream("stream_fetch", p.call.Host.StreamFetch(1, []byte(p.pointer)))
}

// NewStream makes an empty stream to write to.
//
//	s, err := c.NewStream()
//	if err == nil {
//		_, err = io.Copy(s, wav)
//	}
func (c *Call) NewStream() (*Stream, error) { return c.stream("stream_new", c.Host.StreamNew()) }

func (c *Call) stream(op string, handle int32) (*Stream, error) {
	if handle < 0 {
		return nil, c.fail(op, int64(handle))
	}
	return &Stream{c, handle}, nil
}

// Read reads on from where the last Read ended.
//
//	lines := bufio.NewScanner(stream)
func (s *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := s.call.Host.StreamRead(s.handle, p)
	switch {
	case n < 0:
		return 0, s.call.fail("stream_read", n)
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}

// Write appends; only to streams of NewStream. Errors: OverQuota, Unsupported.
//
//	fmt.Fprintf(stream, "%s;%d\n", name, words)
func (s *Stream) Write(p []byte) (int, error) {
	if err := s.call.done("stream_write", s.call.Host.StreamWrite(s.handle, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Size is the length of the whole stream in bytes.
//
//	if n, err := audio.Size(); err == nil && n > 25<<20 { … }
func (s *Stream) Size() (int64, error) {
	n := s.call.Host.StreamSize(s.handle)
	if n < 0 {
		return 0, s.call.fail("stream_size", n)
	}
	return n, nil
}

// Close gives the stream back.
//
//	defer audio.Close()
func (s *Stream) Close() error {
	return s.call.done("stream_close", s.call.Host.StreamClose(s.handle))
}

func base64URL(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
