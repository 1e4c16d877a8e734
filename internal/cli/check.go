package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/internal/app"
)

func checkCommand() command {
	return command{
		name:  "check",
		short: "check a configuration without starting anything",
		long: "Prints every problem at once, with file, line, hint and the nearest known name. Nothing is connected to.\n" +
			"--from vcon-server tells in three parts what carries over, what changes (also keys that the Python server read\n" +
			"without effect), and what cannot run here.\n" +
			"Exit code 0: fine; 1: warnings, with --strict; 2: errors, or a chain that cannot be built here.",
		examples: []string{
			"vconduit check",
			"vconduit check --config old.yml --from vcon-server",
			"vconduit check --strict --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			o := app.Options{Getenv: io.Getenv}
			fs.StringVar(&o.Config, "config", "", "configuration `file` (default: CONSERVER_CONFIG_FILE, else ./config.yml)")
			from := fs.String("from", "", "`program` that the file was written for: vcon-server")
			strict := fs.Bool("strict", false, "warnings give exit code 1")
			asJSON := fs.Bool("json", false, "print JSON")
			fs.Bool("offline", true, "connect to nothing; the only way there is today")
			return func(ctx context.Context, words []string) error {
				if len(words) > 0 {
					return usagef("unexpected %q", words[0])
				}
				if *from != "" && *from != "vcon-server" {
					return usagef("--from %q: want vcon-server", *from)
				}
				result := app.Check(ctx, o)
				show := printProblems
				switch {
				case *asJSON:
					show = printCheckJSON
				case *from != "":
					show = printMove
				}
				if err := show(io, result); err != nil {
					return err
				}
				return checkCode(result, *strict)
			}
		},
	}
}

func printCheckJSON(io IO, r app.CheckResult) error { return json.NewEncoder(io.Out).Encode(r) }

func printProblems(io IO, r app.CheckResult) error {
	if err := (config.Report{Problems: r.Problems}).WriteText(io.Out, config.Warning); err != nil {
		return err
	}
	return printTotals(io, r)
}

// printMove tells what becomes of a file of vcon-server in three parts: what carries over, what changes, what cannot run.
func printMove(io IO, r app.CheckResult) error {
	var changes, cannot []config.Problem
	byLine := func(a, b config.Problem) int { return cmp.Compare(a.Line, b.Line) }
	for _, p := range slices.SortedStableFunc(slices.Values(r.Problems), byLine) {
		if p.Severity == config.Error || p.Code == config.CodeHeld {
			cannot = append(cannot, p)
		} else {
			changes = append(changes, p)
		}
	}
	fmt.Fprintln(io.Out, "Carries over as it is:")
	for _, path := range r.CarriesOver {
		fmt.Fprintf(io.Out, "  %s\n", path)
	}
	for _, part := range []struct {
		title    string
		problems []config.Problem
	}{{"Changes:", changes}, {"Cannot run here; chains that need it are held, their lists accept and keep their vCons:", cannot}} {
		fmt.Fprintln(io.Out, part.title)
		for _, p := range part.problems {
			p.File = "" // printed once, below
			at := ""
			if p.Line > 0 {
				at = fmt.Sprintf("line %d: ", p.Line)
			}
			if _, err := fmt.Fprintf(io.Out, "  %s%s\n", at, p); err != nil {
				return err
			}
		}
	}
	return printTotals(io, r)
}

func printTotals(io IO, r app.CheckResult) error {
	where := r.File
	if where == "" {
		where = "no file, defaults and environment"
	}
	_, err := fmt.Fprintf(io.Out, "%s: %d errors, %d warnings; %d chains run, %d are held\n", where, r.Errors, r.Warnings, len(r.Chains), len(r.Held))
	return err
}

func checkCode(r app.CheckResult, strict bool) error {
	switch {
	case r.Errors > 0 || len(r.Held) > 0:
		return exitError(ExitUsage)
	case strict && r.Warnings > 0:
		return exitError(ExitFail)
	}
	return nil
}
