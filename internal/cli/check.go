package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/internal/app"
)

func checkCommand() command {
	return command{
		name:  "check",
		short: "check a configuration without starting anything",
		long: "Prints every problem at once, with file, line, hint and the nearest known name. Nothing is connected to.\n" +
			"--from vcon-server also lists what the Python server ignored and what it means here.\n" +
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
				least := config.Warning
				if *from != "" {
					least = config.Info
				}
				if err := printCheck(io, result, least, *asJSON); err != nil {
					return err
				}
				return checkCode(result, *strict)
			}
		},
	}
}

func printCheck(io IO, r app.CheckResult, least config.Severity, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(io.Out).Encode(r)
	}
	if err := (config.Report{Problems: r.Problems}).WriteText(io.Out, least); err != nil {
		return err
	}
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
