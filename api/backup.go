package api

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// ErrBackupRuns says that a backup is being made: there is one at a time.
var ErrBackupRuns = errors.New("api: a backup is being made already")

const failedToBackUp = "Failed to make a backup"

// getBackup answers GET /backup with the whole store as of now, while it is read. An error on the way cuts the
// connection, so that what came is not taken for a backup; the format shows it too.
func getBackup(c *call) {
	if c.s.backup == nil {
		c.detail(fasthttp.StatusInternalServerError, failedToBackUp)
		return
	}
	r, err := c.s.backup(c.s.base)
	switch {
	case errors.Is(err, ErrBackupRuns):
		c.detail(fasthttp.StatusConflict, "A backup is being made already")
		return
	case err != nil:
		c.s.log.Error("backup not begun", "error", err)
		c.storeFailed(err, failedToBackUp)
		return
	}
	c.ctx.Response.Header.SetContentType(mediaBackup)
	c.ctx.Response.SetBodyStream(&unhurried{ReadCloser: r, conn: c.ctx.Conn()}, -1)
}

// mediaBackup is the type of a backup.
const mediaBackup = "application/zstd"

// unhurried gives the client writeTimeout for each piece of a long answer, where the server gives it for the whole.
type unhurried struct {
	io.ReadCloser
	conn net.Conn
}

// Read implements io.Reader.
func (p *unhurried) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if e := p.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); e != nil && err == nil {
		err = e
	}
	return n, err
}
