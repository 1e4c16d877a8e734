//go:build unix

package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/internal/testenv"
)

var redis Shared[*Process]

// Redis is the URL of a real Redis: VCONDUIT_TEST_REDIS_URL, else one that is started once for all tests of the process,
// without persistence. Tests use keys of their own in it.
func Redis(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("VCONDUIT_TEST_REDIS_URL"); url != "" {
		return url
	}
	program := redisProgram(t)
	p := redis.Get(t, func() (*Process, error) { return New(redisCommand(program)) })
	p.ShowOnFailure(t)
	return "redis://" + p.Addr()
}

// StartRedis starts a Redis that the test has for itself, with arguments such as "--appendonly", "yes". With
// --tls-cert-file it speaks TLS alone.
func StartRedis(t testing.TB, args ...string) *Process {
	t.Helper()
	p, err := New(redisCommand(redisProgram(t), args...))
	if err != nil {
		t.Fatal(err)
	}
	p.CloseAfter(t)
	return p
}

func redisProgram(t testing.TB) string {
	t.Helper()
	return testenv.Program(t, "redis-server", "apt-get install redis-server")
}

func redisCommand(program string, args ...string) Command {
	c := Command{Name: "redis", Ready: pingRedis}
	port := []string{"--port"}
	if slices.Contains(args, "--tls-cert-file") {
		port, c.Ready = []string{"--port", "0", "--tls-port"}, nil
	}
	c.Args = func(p *Process) []string {
		own := append([]string{program, "--bind", "127.0.0.1", "--dir", p.Dir, "--save", ""}, port...)
		return append(append(own, strconv.Itoa(p.Port)), args...)
	}
	return c
}

// pingRedis asks whether the server has loaded its data: until then it listens, but answers nothing else.
func pingRedis(ctx context.Context, p *Process) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if strings.HasPrefix(line, "+PONG") || strings.HasPrefix(line, "-NOAUTH") {
		return nil
	}
	return errors.Join(err, fmt.Errorf("redis answers %q", line))
}
