package wasm

import (
	"context"
	"errors"
	"fmt"

	"github.com/vconduit/vconduit/hostabi"
)

// exportStart is the export of a command.
const exportStart = "_start"

// The exit codes of a command; any other is a failure.
const exitDone, exitHalt, exitRetry = 0, 10, 11

// runCommand runs a WASI program: the vCon on its standard input, its answer on standard output.
func (l *Link) runCommand(ctx context.Context, g *guest) (hostabi.Verdict, error) {
	in, err := g.call.Stdin(l.o.Input)
	if err != nil {
		return hostabi.Failed, fmt.Errorf("standard input: %w", err)
	}
	out := &answer{limit: g.call.Limits().Edits}
	g.args, g.env = []string{g.call.Link()}, g.call.Environ()
	g.stdin, g.stdout = in, out
	g.stderr = &logger{call: g.callOf, level: levelWarn}
	code, err := l.exec(ctx, g)
	g.flush()
	if err != nil {
		return hostabi.Failed, err
	}
	switch code {
	case exitRetry:
		if g.call.Failure() == "" {
			g.call.ErrorSet([]byte(g.lastWords()))
		}
		return hostabi.Retry, nil
	case exitDone, exitHalt:
		if err := g.call.Stdout(l.o.Output, in, out.Bytes()); err != nil {
			return hostabi.Failed, answerError(err)
		}
		if code == exitHalt {
			return hostabi.Halt, nil
		}
		return hostabi.Done, nil
	}
	return hostabi.Failed, g.failed(fmt.Sprintf("exit code %d", code))
}

// exec runs the program to its end and gives its exit code.
func (l *Link) exec(ctx context.Context, g *guest) (uint32, error) {
	inside := g.enter(ctx)
	if err := g.instantiate(inside, l.module); err != nil {
		return 0, err
	}
	_, err := g.invoke(inside, exportStart)
	if code, ok := exitCode(err); ok {
		return code, nil
	}
	return 0, err
}

// answerError is why an answer could not be taken.
func answerError(err error) *RunError {
	class := ClassFailed
	var code hostabi.Coder
	if errors.As(err, &code) {
		switch code.Code() {
		case hostabi.Denied:
			class = ClassDenied
		case hostabi.OverQuota:
			class = ClassLimit
		}
	}
	return &RunError{Class: class, Reason: "standard output: " + err.Error()}
}
