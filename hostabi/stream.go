package hostabi

import (
	"bytes"
	"io"
	"os"

	"github.com/vconduit/vconduit/vcon"
)

// spill is the size up to which a stream stays in memory.
const spill = 1 << 20

// stream is a byte string with a cursor: in memory, or in an unlinked temporary file. Its bytes are only ever appended.
type stream struct {
	mem      []byte
	file     *os.File
	size     int64
	pos      int64
	writable bool
}

func (s *stream) close() {
	if s.file != nil {
		s.file.Close() // unlinked when it was made
	}
	*s = stream{}
}

func (s *stream) write(p []byte, dir string) error {
	if s.file == nil && s.size+int64(len(p)) > spill {
		if err := s.toFile(dir); err != nil {
			return err
		}
	}
	if s.file == nil {
		s.mem = append(s.mem, p...)
	} else if _, err := s.file.WriteAt(p, s.size); err != nil {
		return err
	}
	s.size += int64(len(p))
	return nil
}

func (s *stream) toFile(dir string) error {
	f, err := os.CreateTemp(dir, "vconduit-stream-*")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) // the open file lives on; nothing stays behind when the process dies
	if _, err := f.WriteAt(s.mem, 0); err != nil {
		f.Close()
		return err
	}
	s.file, s.mem = f, nil
	return nil
}

// reader reads the whole stream from its start; the cursor does not move.
func (s *stream) reader() io.Reader {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return bytes.NewReader(s.mem)
}

// bytes is the whole content.
func (s *stream) bytes() ([]byte, *callError) {
	if s.file == nil {
		return s.mem, nil
	}
	data := make([]byte, s.size)
	if _, err := s.file.ReadAt(data, 0); err != nil && err != io.EOF {
		return nil, failure(Network, "a stream's file: %v", err)
	}
	return data, nil
}

// read fills out from the cursor on.
func (s *stream) read(out []byte) (int, error) {
	n := min(int64(len(out)), s.size-s.pos)
	if n == 0 {
		return 0, nil
	}
	if s.file == nil {
		copy(out, s.mem[s.pos:s.pos+n])
	} else if _, err := s.file.ReadAt(out[:n], s.pos); err != nil && err != io.EOF {
		return 0, err
	}
	s.pos += n
	return int(n), nil
}

// fixed is a stream over bytes that are there already and do not change.
func fixed(data []byte) *stream { return &stream{mem: data, size: int64(len(data))} }

// StreamOpen gives a stream over the decoded bytes of the body member at p (as DocRead with AsBody), or of any other
// string member. Later edits do not change it. Errors: -1, -2 broken encoding or no string, -3, -5, -6, -11.
func (c *Call) StreamOpen(h int32, p []byte) int32 {
	if e := c.enter("stream_open"); e != 0 {
		return int32(e)
	}
	pointer, v, err := c.find(h, p)
	if err != nil {
		return int32(c.fail(err))
	}
	data, err := c.streamed(pointer, v)
	if err != nil {
		return int32(c.fail(err))
	}
	return c.newHandle(fixed(data))
}

// streamed decodes a value for a stream and charges what the decoding costs.
func (c *Call) streamed(pointer string, v vcon.Value) ([]byte, *callError) {
	as := int32(AsString)
	if isBody(pointer) {
		as = AsBody
	}
	cached := c.body.full && c.body.pointer == pointer && c.body.as == as
	if !cached && !fits(c.used.Streams, int64(len(v)), c.limits.Streams) {
		return nil, failure(OverQuota, "streams: more than %d bytes in one run", c.limits.Streams)
	}
	data, err := c.read(pointer, as)
	if err == nil && !cached {
		c.used.Streams += int64(len(data))
	}
	return data, err
}

// StreamNew makes an empty stream to write to: in memory, above 1 MiB in a temporary file. Errors: -6 too many handles.
func (c *Call) StreamNew() int32 {
	if e := c.enter("stream_new"); e != 0 {
		return int32(e)
	}
	return c.newHandle(&stream{writable: true})
}

// StreamWrite appends p, all of it. Errors: -11, -10 for a stream that StreamNew did not make, -6 over the quota of all
// streams of the run.
func (c *Call) StreamWrite(s int32, p []byte) int32 {
	if e := c.enter("stream_write"); e != 0 {
		return int32(e)
	}
	to, err := handle[*stream](c, s, "stream")
	switch {
	case err != nil:
	case !to.writable:
		err = failure(Unsupported, "stream_write: stream %d is for reading", s)
	case !fits(c.used.Streams, int64(len(p)), c.limits.Streams):
		err = failure(OverQuota, "streams: more than %d bytes in one run", c.limits.Streams)
	default:
		if ioerr := to.write(p, c.o.TempDir); ioerr != nil {
			err = failure(OverQuota, "stream_write: %v", ioerr)
		}
	}
	if err != nil {
		return int32(c.fail(err))
	}
	c.used.Streams += int64(len(p))
	return 0
}

// StreamRead fills out from the cursor and moves it: the number of bytes, 0 at the end. Errors: -11.
func (c *Call) StreamRead(s int32, out []byte) int64 {
	if e := c.enter("stream_read"); e != 0 {
		return int64(e)
	}
	from, err := handle[*stream](c, s, "stream")
	if err != nil {
		return int64(c.fail(err))
	}
	n, ioerr := from.read(out)
	if ioerr != nil {
		return int64(c.failf(Network, "stream_read: %v", ioerr))
	}
	return int64(n)
}

// StreamSize is the length of the whole stream in bytes. Errors: -11.
func (c *Call) StreamSize(s int32) int64 {
	if e := c.enter("stream_size"); e != 0 {
		return int64(e)
	}
	st, err := handle[*stream](c, s, "stream")
	if err != nil {
		return int64(c.fail(err))
	}
	return st.size
}
