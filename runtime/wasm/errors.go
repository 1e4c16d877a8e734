package wasm

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/vconduit/vconduit/hostabi"
)

// Class says what kind of end a run came to.
type Class string

// The classes.
const (
	ClassTrap    Class = "trap"    // the guest's code did what WebAssembly forbids
	ClassLimit   Class = "limit"   // it wanted more than its limits
	ClassDenied  Class = "denied"  // it failed over something that it is not granted
	ClassRefused Class = "refused" // the module itself is not run here
	ClassFailed  Class = "failed"  // it said so, or ended with an exit code that means so
)

// RunError is why a run of a guest failed. No repetition mends it.
type RunError struct {
	Class    Class
	Reason   string   // for people: what happened, with the guest's last words
	Function []string // names of the functions it happened in, innermost first; none known: empty
}

func (e *RunError) Error() string {
	text := string(e.Class) + ": " + e.Reason
	if len(e.Function) > 0 {
		text += " (in " + strings.Join(e.Function, " < ") + ")"
	}
	return text
}

// ErrorClass is Class as text, for those who must not know more.
func (e *RunError) ErrorClass() string { return string(e.Class) }

// Retryable is false: the same module would do the same again.
func (e *RunError) Retryable() bool { return false }

// RefusedError says everything that keeps a module from being run.
type RefusedError struct {
	Problems []string // each with the fix where one is known
	Err      error    // what is behind it; nil: nothing more to know
}

func (e *RefusedError) Error() string { return "refused: " + strings.Join(e.Problems, "; ") }

// Unwrap gives what is behind it.
func (e *RefusedError) Unwrap() error { return e.Err }

func refused(format string, args ...any) *RefusedError {
	return &RefusedError{Problems: []string{fmt.Sprintf(format, args...)}}
}

// limitError is thrown through a guest that has used up a limit that ends the run.
func limitError(name string, limit any) *RunError {
	return &RunError{Class: ClassLimit, Reason: fmt.Sprintf("%s: more than %v", name, limit)}
}

// exitCode tells an exit of the guest by proc_exit.
func exitCode(err error) (code uint32, ok bool) {
	var exit *sys.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == sys.ExitCodeContextCanceled || exit.ExitCode() == sys.ExitCodeDeadlineExceeded {
		return 0, false
	}
	return exit.ExitCode(), true
}

// maxFrames is how many functions of a trap are named.
const maxFrames = 8

// trap makes an error of the runtime ours: its first line says what, the lines of its stack trace where.
func trap(err error) *RunError {
	if own, ok := errors.AsType[*RunError](err); ok {
		e := *own
		e.Function = frames(err.Error())
		return &e
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	var bug runtime.Error
	if errors.As(err, &bug) {
		return &RunError{Class: ClassFailed, Reason: "an error of this host: " + bug.Error(), Function: frames(err.Error())}
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "wasm error: "), " (recovered by wazero)")
	return &RunError{Class: ClassTrap, Reason: text, Function: frames(err.Error())}
}

// frames are the function names of a stack trace as the runtime writes it.
func frames(text string) (names []string) {
	_, trace, ok := strings.Cut(text, "wasm stack trace:\n")
	if !ok {
		return nil
	}
	for line := range strings.SplitSeq(trace, "\n") {
		name := functionName(strings.TrimSpace(line))
		if name != "" && !ofHost(name) && len(names) < maxFrames {
			names = append(names, name)
		}
	}
	return names
}

// ofHost tells the functions that a guest imports.
func ofHost(name string) bool {
	for _, module := range []string{hostabi.ImportModule, wasiModule, envModule} {
		if strings.HasPrefix(name, module+".") {
			return true
		}
	}
	return false
}

// functionName is a line of a stack trace without its types: main.(*T).f of "main.(*T).f(i32,i32) i32".
func functionName(line string) string {
	i := strings.LastIndexByte(line, '(')
	if i > 0 && line[i-1] == ' ' { // several results
		i = strings.LastIndexByte(line[:i], '(')
	}
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(line[:i], ".")
}
