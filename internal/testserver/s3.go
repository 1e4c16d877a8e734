//go:build unix

package testserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vconduit/vconduit/internal/testenv"
)

// S3Server is where an S3 server is and who may use it. Tests make buckets of their own.
type S3Server struct {
	URL    string // such as http://127.0.0.1:9000
	Region string // the only one that it takes
	S3Key         // of somebody who may do everything
	Guest  S3Key  // of somebody who may do what a bucket's policy says; empty where nobody is
}

// S3Key is a pair of keys.
type S3Key struct{ ID, Secret string }

// gateway is the shared server, or why test/s3gw could not be built.
type gateway struct {
	*Process
	unbuilt error
}

var gateways Shared[gateway]

// S3 is a real S3 server: VCONDUIT_TEST_S3_URL (http://KEY:SECRET@host:port, region us-east-1), else the gateway in
// test/s3gw, which is built and started once for all tests of the process.
func S3(t testing.TB) S3Server {
	t.Helper()
	if text := os.Getenv("VCONDUIT_TEST_S3_URL"); text != "" {
		u, err := url.Parse(text)
		if err != nil || u.User == nil {
			t.Fatal("VCONDUIT_TEST_S3_URL must be a URL with keys, as http://KEY:SECRET@host:port")
		}
		secret, _ := u.User.Password()
		s := S3Server{Region: "us-east-1", S3Key: S3Key{u.User.Username(), secret}}
		u.User = nil
		s.URL = u.String()
		return s
	}
	p := startedGateway(t)
	p.ShowOnFailure(t)
	return S3At(p)
}

// StartS3 starts a gateway that the test has for itself, with arguments such as "-region", "eu-central-1".
func StartS3(t testing.TB, args ...string) *Process {
	t.Helper()
	binary := gatewayBinary(startedGateway(t))
	p, err := New(gatewayCommand(nil, func(*Process) string { return binary }, args...))
	if err != nil {
		t.Fatal(err)
	}
	p.CloseAfter(t)
	return p
}

// S3At says how to use a gateway that was started here with its usual arguments.
func S3At(p *Process) S3Server {
	return S3Server{
		URL: "http://" + p.Addr(), Region: "us-east-1",
		S3Key: S3Key{"owner", "owner-secret"}, Guest: S3Key{"guest", "guest-secret"},
	}
}

// startedGateway is the shared server, whose folder holds the program for all.
func startedGateway(t testing.TB) *Process {
	t.Helper()
	g := gateways.Get(t, func() (gateway, error) {
		p, err := New(gatewayCommand(buildGateway(t), gatewayBinary))
		if unbuilt := (*unbuiltError)(nil); errors.As(err, &unbuilt) {
			return gateway{unbuilt: err}, nil
		}
		return gateway{Process: p}, err
	})
	if g.unbuilt != nil {
		t.Log(g.unbuilt)
		testenv.Missing(t, "S3 server", "cd test/s3gw && go build -o /dev/null .")
	}
	return g.Process
}

func gatewayBinary(p *Process) string { return filepath.Join(p.Dir, "s3gw") }

func gatewayCommand(setup func(context.Context, *Process) error, binary func(*Process) string, args ...string) Command {
	return Command{
		Name: "s3gw", Setup: setup,
		Args: func(p *Process) []string {
			return append([]string{binary(p), "-addr", p.Addr(), "-dir", p.Dir}, args...)
		},
	}
}

// unbuiltError is that the gateway cannot be built here: its modules are not at hand, for one.
type unbuiltError struct{ err error }

func (e *unbuiltError) Error() string { return "build test/s3gw: " + e.err.Error() }

// buildWithin bounds a build with nothing in the cache on a busy machine.
const buildWithin = 8 * time.Minute

// buildGateway builds test/s3gw with the flags of the tests themselves (VCONDUIT_TEST_BUILDFLAGS), so that what both use
// is compiled once.
func buildGateway(t testing.TB) func(context.Context, *Process) error {
	source := filepath.Join(testenv.Root(t), "test", "s3gw")
	return func(_ context.Context, p *Process) error { // it takes longer than a server's usual preparations
		ctx, cancel := context.WithTimeout(context.Background(), buildWithin)
		defer cancel()
		args := append([]string{"build"}, strings.Fields(os.Getenv("VCONDUIT_TEST_BUILDFLAGS"))...)
		build := exec.CommandContext(ctx, "go", append(args, "-o", gatewayBinary(p), ".")...)
		build.Dir = source
		if out, err := build.CombinedOutput(); err != nil {
			return &unbuiltError{fmt.Errorf("%w\n%s", err, out)}
		}
		return nil
	}
}
