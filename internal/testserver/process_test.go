//go:build unix

package testserver

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo is this test binary as a server that answers lines.
func echo(extra ...string) Command {
	return Command{
		Name: "echo", Env: append([]string{"VCONDUIT_TEST_ECHO=1"}, extra...),
		Args: func(p *Process) []string { return []string{os.Args[0], p.Addr()} },
	}
}

func TestMain(m *testing.M) {
	switch {
	case os.Getenv("VCONDUIT_TEST_OWNER") == "1":
		own()
	case os.Getenv("VCONDUIT_TEST_ECHO") == "1":
		serve(os.Args[1])
	default:
		os.Exit(m.Run())
	}
}

func serve(addr string) {
	if os.Getenv("VCONDUIT_TEST_ECHO_BROKEN") == "1" {
		os.Stdout.WriteString("cannot serve\n")
		os.Exit(1)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("serving\n")
	for {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}
}

// own starts a server, says where, and is then killed.
func own() {
	os.Unsetenv("VCONDUIT_TEST_OWNER") // not for the server
	p, err := New(echo())
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(p.Dir + " " + strconv.Itoa(p.Port) + "\n")
	select {}
}

func reachable(p *Process) bool { return dial(context.Background(), p) == nil }

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	p, err := New(echo())
	if err != nil {
		t.Fatal(err)
	}
	p.CloseAfter(t)
	port := p.Port
	for _, end := range []func() error{p.Stop, p.Kill, p.Stop} {
		if !reachable(p) {
			t.Fatal("not reachable after start")
		}
		if err := end(); err != nil || reachable(p) {
			t.Fatalf("end: %v, reachable %v", err, reachable(p))
		}
		if err := p.Start(); err != nil || p.Port != port {
			t.Fatalf("start again: %v, port %d, want %d", err, p.Port, port)
		}
	}
	if got := strings.Count(p.Log(), "serving\n"); got != 4 {
		t.Errorf("the log has %d starts, want 4", got)
	}
	dir := p.Dir
	if err := errors.Join(p.Close(), p.Stop()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestBrokenServer(t *testing.T) {
	t.Parallel()
	p, err := New(echo("VCONDUIT_TEST_ECHO_BROKEN=1"))
	if p != nil || err == nil || !strings.Contains(err.Error(), "cannot serve") {
		t.Errorf("a server that ends at once: %v", err)
	}
}

// The server and its folder go with the test process, although nobody is left to close them.
func TestEndsWithTheTests(t *testing.T) {
	t.Parallel()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), "VCONDUIT_TEST_OWNER=1")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir, port, _ := strings.Cut(strings.TrimSpace(line), " ")
	p := &Process{Dir: dir}
	if p.Port, err = strconv.Atoi(port); err != nil || !reachable(p) {
		t.Fatalf("the server of %q: %v", line, err)
	}
	if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	owner.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		_, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && !reachable(p) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s: folder %v, reachable %v", err, reachable(p))
		}
	}
}
