//go:build unix

// Package testserver is for tests alone: it starts real servers (one file each) on a loopback port, with a folder of
// their own below the folder for temporary files.
//
// Guarantees: a server ends and its folder is removed when its Close is called, and also when the test process ends in
// whatever way, a kill -9 included. What a server prints is shown when a test that asked for it fails. Left to others:
// what is missing is told through internal/testenv.
package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Command says what to run.
type Command struct {
	Name string // of the server, for the folder and for messages
	// User is the account for the server and its helpers when the tests run as root, for servers that refuse root; "" is
	// the account of the tests.
	User string
	Env  []string // added to the environment of the tests
	// Setup makes what the server needs before its first start; nil: nothing.
	Setup func(ctx context.Context, p *Process) error
	// Args are the program and its arguments. The server must stay in the foreground and listen on p.Addr().
	Args func(p *Process) []string
	// Ready is asked again and again until it gives nil; nil: a TCP connection is enough.
	Ready func(ctx context.Context, p *Process) error
	// Signal ends the server in order; default SIGTERM.
	Signal syscall.Signal
}

// Process is a server that a test process started. Its methods are not safe for concurrent use.
type Process struct {
	Dir  string // its folder, its own to fill
	Port int    // on 127.0.0.1, the same over Stop and Start

	c       Command
	account *syscall.Credential // nil: that of the tests
	cmd     *exec.Cmd           // nil: not started, or ended by Stop
	done    chan struct{}       // closed when the server has ended
}

// startWithin bounds the time from start to ready, stopWithin that from the signal to the end.
const (
	startWithin = 60 * time.Second
	stopWithin  = 20 * time.Second
)

// New makes the folder and starts the server; it returns once the server is ready. A port that somebody else took
// meanwhile is replaced by another.
func New(c Command) (*Process, error) {
	p := &Process{c: c}
	if c.Signal == 0 {
		p.c.Signal = syscall.SIGTERM
	}
	err := p.setup()
	for range 3 {
		if err != nil {
			break
		}
		if p.Port, err = FreePort(); err == nil {
			if err = p.Start(); err == nil {
				return p, nil
			}
		}
		if !errors.Is(err, errEnded) {
			break
		}
		err = nil
	}
	if err == nil {
		err = fmt.Errorf("start %s: it ends at once, on several ports:\n%s", c.Name, p.Log())
	}
	return nil, errors.Join(err, p.Close())
}

func (p *Process) setup() error {
	if err := p.findAccount(); err != nil {
		return err
	}
	var err error
	if p.Dir, err = os.MkdirTemp("", "vconduit-test-"+p.c.Name+"-"); err != nil {
		return err
	}
	if a := p.account; a != nil {
		if err := os.Chown(p.Dir, int(a.Uid), int(a.Gid)); err != nil {
			return err
		}
	}
	if p.c.Setup == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	return p.c.Setup(ctx, p)
}

func (p *Process) findAccount() error {
	if p.c.User == "" || os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(p.c.User)
	if err != nil {
		return fmt.Errorf("run %s: %w", p.c.Name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	p.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

// Addr is "127.0.0.1:port".
func (p *Process) Addr() string { return net.JoinHostPort("127.0.0.1", p.portText()) }

func (p *Process) portText() string { return strconv.Itoa(p.Port) }

// Run runs a helper program to its end, in the folder and under the account of the server. Its output is in the error.
func (p *Process) Run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out)
	}
	return nil
}

// watched becomes the server, and leaves a watcher behind that outlives the test process. As long as there is one, it
// holds the other end of descriptor 3; a line there says that the server has ended by itself or through Stop. The
// watcher gives the server 5 s, then kills it: nobody may be there to collect it, so that its id may stay for ever.
// $1 is the signal, $2 the folder, the rest the server.
const watched = `
(
	read -r line <&3 && exit
	kill -s "$1" $$
	for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ 2>/dev/null && sleep 0.5; done
	kill -s 9 $$ 2>/dev/null
	rm -rf "$2"
) &
shift 2
exec "$@" </dev/null 3<&-
`

// errEnded is a server that ended before it was ready.
var errEnded = errors.New("it ended before it was ready")

// Start starts a server that Stop has ended, on the same port and folder. It returns once the server is ready.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", watched, "sh", strconv.Itoa(int(p.c.Signal)), p.Dir}, p.c.Args(p)...)...)
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.c.Env...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{r}
	// A group of its own: what a terminal sends to the tests is not for the server, the watcher sees their end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account, Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return fmt.Errorf("start %s: %w", p.c.Name, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go collect(cmd, w, p.done)
	if err := p.await(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w:\n%s", p.c.Name, err, p.Log()), p.Stop())
	}
	return nil
}

// collect waits for the end of the server and sends the watcher home.
func collect(cmd *exec.Cmd, watcher io.WriteCloser, done chan<- struct{}) {
	cmd.Wait() // how it ended is in its log
	io.WriteString(watcher, "ended\n")
	watcher.Close()
	close(done)
}

// await waits until the server is ready.
func (p *Process) await() error {
	ready := p.c.Ready
	if ready == nil {
		ready = dial
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx, p)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("not ready within %s: %w", startWithin, err)
		}
	}
}

func dial(ctx context.Context, p *Process) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Addr())
	if err != nil {
		return err
	}
	return c.Close()
}

// Stop ends the server in order; the folder stays. A server that does not end is killed, and that is an error. Stop of
// one that is not running does nothing.
func (p *Process) Stop() error { return p.end(p.c.Signal) }

// Kill ends the server at once, as a crash does; the folder stays.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

func (p *Process) end(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWithin):
		cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("stop %s: it was still there after %s", p.c.Name, stopWithin)
	}
}

// Signal sends a signal to the running server.
func (p *Process) Signal(s os.Signal) error {
	if p.cmd == nil {
		return os.ErrProcessDone
	}
	return p.cmd.Process.Signal(s)
}

// Close is Stop, and removes the folder.
func (p *Process) Close() error {
	err := p.Stop()
	if p.Dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(p.Dir))
}

func (p *Process) logFile() string { return filepath.Join(p.Dir, "server.log") }

// Log is the end of what the server printed, over all its starts.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8<<10):])
}

// ShowOnFailure logs Log at the end of a test that failed.
func (p *Process) ShowOnFailure(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the %s server:\n%s", p.c.Name, p.Log())
		}
	})
}

// CloseAfter closes the server at the end of the test, and shows its log if the test failed: for servers that one test
// has for itself.
func (p *Process) CloseAfter(t testing.TB) {
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the %s server: %v", p.c.Name, err)
		}
	})
	p.ShowOnFailure(t)
}

// Shared is something that is started once for all tests of a process, when the first asks. The zero value is ready.
// It is never closed: the end of the process does that.
type Shared[T any] struct {
	once sync.Once
	v    T
	err  error
}

// Get starts it, or gives what was started. A failed start fails every test that asks.
func (s *Shared[T]) Get(t testing.TB, start func() (T, error)) T {
	t.Helper()
	s.once.Do(func() { s.v, s.err = start() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.v
}

// FreePort is a loopback port that nothing listens on at the moment.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
