// Package cli is the command line: one file per command, all listed in commands.
//
// Every command answers --help with examples, prints results on stdout and everything else on stderr, and ends with 0
// (done), 1 (it ran and something is wrong) or 2 (it was called wrongly). Commands that need the server talk to the
// running one, over its admin socket or --server; they open the store themselves only when nobody holds it.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Exit codes of every command; `check` and `link run` add their own meaning in their help.
const (
	ExitOK    = 0
	ExitFail  = 1
	ExitUsage = 2
)

// IO is what a command line may touch of the process.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Terminal bool // Err is a terminal: progress may overwrite its line
}

// errUsage marks a mistake in how the command was called: exit code 2, with a pointer to --help.
var errUsage = errors.New("usage")

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

// exitError carries an exit code whose reason was printed already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// command is one entry of the command line.
type command struct {
	name     string // "serve", "vcon submit"
	args     string // after the name, in the usage line
	short    string // one line
	long     string // more, may be empty
	examples []string
	// setup declares the flags and returns what runs with the words that are no flags.
	setup func(fs *flag.FlagSet, io IO) func(ctx context.Context, words []string) error
}

func commands() []command {
	return []command{
		serveCommand(), checkCommand(), demoCommand(),
		validateCommand(), submitCommand(), getCommand(), listCommand(),
		searchCommand(), exportCommand(), importCommand(),
		dlqListCommand(), dlqShowCommand(), dlqRetryCommand(), dlqPurgeCommand(),
		drainCommand(),
		linkRunCommand(), linkInspectCommand(),
		auditShowCommand(), auditVerifyCommand(),
		keyNewCommand(), keyHashCommand(),
		doctorCommand(), topCommand(), backupCommand(), restoreCommand(),
		versionCommand(),
	}
}

// Main runs one command line (without the program's name) and returns its exit code.
func Main(ctx context.Context, args []string, io IO) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help", "-help"}, args[0]) {
		if len(args) > 1 {
			return Main(ctx, append(args[1:], "--help"), io)
		}
		printOverview(io.Out)
		return ExitOK
	}
	cmd, rest, ok := find(args)
	if !ok {
		return unknown(args, io)
	}
	return run(ctx, cmd, rest, io)
}

func run(ctx context.Context, cmd command, args []string, io IO) int {
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(silence()) // report says it, once
	fs.Usage = func() {}
	do := cmd.setup(fs, io)
	words, err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(io.Out, cmd, fs)
		return ExitOK
	}
	if err == nil {
		err = do(ctx, words)
	}
	return report(err, cmd, io)
}

func silence() io.Writer { return io.Discard }

func report(err error, cmd command, io IO) int {
	var code exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUsage):
		fmt.Fprintf(io.Err, "vconduit %s: %s\nTry: vconduit %s --help\n", cmd.name, strings.TrimPrefix(err.Error(), "usage: "), cmd.name)
		return ExitUsage
	default:
		fmt.Fprintf(io.Err, "vconduit %s: %v\n", cmd.name, err)
		return ExitFail
	}
}

// parse takes flags and words in any order; "--" ends the flags.
func parse(fs *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%v", err)
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return words, nil
		}
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			return append(words, rest...), nil
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

func find(args []string) (cmd command, rest []string, ok bool) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for _, c := range commands() {
			if c.name == name {
				return c, args[n:], true
			}
		}
	}
	return command{}, nil, false
}

// unknown explains a command that is not there: the group's commands when the first word is a group.
func unknown(args []string, io IO) int {
	var group []command
	for _, c := range commands() {
		if strings.HasPrefix(c.name, args[0]+" ") {
			group = append(group, c)
		}
	}
	if len(group) == 0 {
		fmt.Fprintf(io.Err, "vconduit: no command %q\nTry: vconduit --help\n", args[0])
		return ExitUsage
	}
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		fmt.Fprintf(io.Err, "vconduit %s: no command %q\n", args[0], args[1])
	}
	printCommands(io.Err, group)
	return ExitUsage
}

func printOverview(w io.Writer) {
	fmt.Fprint(w, "vconduit: a vCon server whose processing steps are sandboxed WebAssembly\n\nCommands:\n")
	printCommands(w, commands())
	fmt.Fprint(w, `
Start here:
  vconduit demo                     the whole way once, on a store in a temporary folder
  vconduit serve --config config.yml
  vconduit COMMAND --help           options and examples
`)
}

func printCommands(w io.Writer, cs []command) {
	for _, c := range cs {
		fmt.Fprintf(w, "  %-15s %s\n", c.name, c.short)
	}
}

func printHelp(w io.Writer, c command, fs *flag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nUsage: vconduit %s", c.short, c.name)
	for _, part := range []string{"[options]", c.args} {
		if part != "" {
			fmt.Fprint(w, " ", part)
		}
	}
	fmt.Fprintln(w)
	if c.long != "" {
		fmt.Fprintf(w, "\n%s\n", c.long)
	}
	fmt.Fprint(w, "\nOptions:\n")
	fs.VisitAll(func(f *flag.Flag) {
		kind, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s", f.Name)
		if kind != "" {
			fmt.Fprintf(w, " %s", kind)
		}
		fmt.Fprintf(w, "\n        %s", usage)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
	fmt.Fprint(w, "  --help\n        this text\n\nExamples:\n")
	for _, e := range c.examples {
		fmt.Fprintf(w, "  %s\n", e)
	}
}
