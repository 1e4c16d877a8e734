package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build makes the binary as the Dockerfile does.
func build(ctx context.Context, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-o", out, "./cmd/vconduit")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// server is one process of the real binary.
type server struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from exec to the first 200 of /ready
}

// config of every measurement; %d workers, %s folder, %s extra keys of the chain.
const serverConfig = `server: {workers: %d}
telemetry: {log: {level: error}}
ingress_auth: {calls: bench-key-0123456789}
links: {tag: {module: links.tag, options: {tags: [bench]}}}
storages: {files: {module: storage.file, options: {path: %s}}}
chains: {bench: {ingress_lists: [calls], links: [tag], storages: [files], egress_lists: [done], enabled: %t}}
`

const key = "bench-key-0123456789"

// start runs the binary on the data folder dir and waits until it is ready.
func start(ctx context.Context, p plan, dir string, workers int, enabled bool) (*server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(serverConfig, workers, filepath.Join(dir, "files"), enabled)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.binary, "serve", "--config", conf, "--data", filepath.Join(dir, "data"), "--listen", addr)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, url: "http://" + addr}
	if err := s.wait(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.ready = time.Since(began)
	return s, nil
}

func (s *server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/ready", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close() // only the status is asked
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", s.url, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// memory is the resident set in MB.
func (s *server) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc: resident memory cannot be read on this system")
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startAndIdle starts five times on a store that exists and reports the median, then the memory of an idle server.
func startAndIdle(ctx context.Context, p plan) error {
	dir := filepath.Join(p.dir, "start")
	var took []time.Duration
	for range 6 {
		s, err := start(ctx, p, dir, 2, true)
		if err != nil {
			return err
		}
		took = append(took, s.ready)
		if len(took) == 6 {
			time.Sleep(2 * time.Second) // idle: what start-up left behind is collected
			mb, err := s.memory()
			if err != nil {
				return errors.Join(err, s.stop())
			}
			fmt.Printf("idle memory               %8.1f MB resident (goal 40)\n", mb)
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	fmt.Printf("start to ready            %8.1f ms median of 5 (goal 100), first on an empty folder %.1f ms\n",
		ms(median(took[1:])), ms(took[0]))
	return nil
}
