package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// auditLog are the flags of commands that read the audit log. They read its files, whether a server runs or not.
type auditLog struct {
	path, data, config string
	json               bool
	io                 IO
}

func auditFlags(fs *flag.FlagSet, io IO) *auditLog {
	a := &auditLog{io: io}
	fs.StringVar(&a.path, "path", "", "`folder` of the log (default: that of the configuration's tracer tracers.audit, else audit in the data folder)")
	fs.StringVar(&a.data, "data", "", "data `folder` (default: VCONDUIT_DATA, else ./data)")
	fs.StringVar(&a.config, "config", "", "config `file` (default: as for serve)")
	fs.BoolVar(&a.json, "json", false, "print JSON")
	return a
}

// folder is the log's.
func (a *auditLog) folder() (string, error) {
	if a.path != "" {
		return a.path, nil
	}
	return app.AuditFolder(app.Options{Config: a.config, Data: a.data, Getenv: a.io.Getenv})
}

func auditShowCommand() command {
	return command{
		name: "audit show", args: "UUID",
		short: "show what each link did to a vCon, from the audit log",
		long: "Exit code 1: the vCon has no records, or they are not what was written; the places are told.\n" +
			"That the newest records are missing shows only in audit verify, which reads the whole log.",
		examples: []string{
			"vconduit audit show 019394ef-7d0a-8c3e-8caa-f24ab1a0c334",
			"vconduit audit show 019394ef-7d0a-8c3e-8caa-f24ab1a0c334 --json",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			a := auditFlags(fs, io)
			return func(_ context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one UUID, got %d", len(words))
				}
				return a.of(words[0], a.show)
			}
		},
	}
}

func auditVerifyCommand() command {
	return command{
		name: "audit verify", args: "[UUID]",
		short: "hold the audit log against itself: changed, removed, inserted or moved records",
		long: "Exit code 1: the log is broken; the places are told, the first one first.\n" +
			"That the end of the log was cut off shows only against a head (N:SUM) that this command printed\n" +
			"earlier and that was kept elsewhere: give it with --head.\n" +
			"With a UUID only the records of that vCon are held against each other.",
		examples: []string{
			"vconduit audit verify",
			"vconduit audit verify --head 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			"vconduit audit verify 019394ef-7d0a-8c3e-8caa-f24ab1a0c334",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			a := auditFlags(fs, io)
			head := fs.String("head", "", "`N:SUM` of an earlier run, that the log must still hold")
			return func(_ context.Context, words []string) error {
				noted, err := parseHead(*head)
				switch {
				case err != nil:
					return err
				case len(words) > 1:
					return usagef("want one UUID, got %d", len(words))
				case len(words) == 1 && *head != "":
					return usagef("--head is for the whole log: leave the UUID away")
				case len(words) == 1:
					return a.of(words[0], a.verified)
				}
				return a.verify(noted)
			}
		},
	}
}

// parseHead reads N:SUM; "" is none.
func parseHead(text string) (app.AuditHead, error) {
	if text == "" {
		return app.AuditHead{}, nil
	}
	number, sum, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if raw, hexErr := hex.DecodeString(sum); err != nil || hexErr != nil || n == 0 || len(raw) != 32 {
		return app.AuditHead{}, usagef("--head %q: want N:SUM as audit verify prints it", text)
	}
	return app.AuditHead{N: n, Sum: strings.ToLower(sum)}, nil
}

// of reads the records of a vCon, prints them, and then what is wrong with them.
func (a *auditLog) of(word string, print func(app.VConAudit) error) error {
	id, err := vcon.ParseID(word)
	if err != nil {
		return usagef("%q is no uuid", word)
	}
	folder, err := a.folder()
	if err != nil {
		return err
	}
	v, err := app.AuditOf(folder, id)
	if errors.Is(err, queue.ErrNotFound) {
		return fmt.Errorf("the audit log in %s has no record of vcon %s", folder, id)
	}
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	if err := print(v); err != nil {
		return err
	}
	return a.broken(v.Problems)
}

// broken tells every problem and ends with exit code 1; none is none. JSON has them already.
func (a *auditLog) broken(problems []app.AuditProblem) error {
	if len(problems) == 0 {
		return nil
	}
	if !a.json {
		for _, p := range problems {
			fmt.Fprintln(a.io.Err, p)
		}
	}
	return exitError(ExitFail)
}

func (a *auditLog) show(v app.VConAudit) error {
	if a.json {
		return json.NewEncoder(a.io.Out).Encode(v)
	}
	w := tabwriter.NewWriter(a.io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "N\tAT\tRUN\tATTEMPT\tCHAIN\tSTEP\tOUTCOME\tEDITS\tHTTP\tDOCUMENT")
	for _, e := range v.Records {
		outcome := e.Outcome
		if e.Class != "" {
			outcome += " (" + e.Class + ")"
		}
		step := e.Step
		if step == "" {
			step = "-"
		}
		fmt.Fprintf(w, "%d\t%s\t%.8s\t%d\t%s\t%s\t%s\t%d\t%d\t%.12s\n", e.N, e.At.Local().Format("2006-01-02 15:04:05.000"), e.Run,
			e.Attempt, e.Chain, step, outcome, len(e.Edits), len(e.Requests), e.Out.Sum)
	}
	return w.Flush()
}

func (a *auditLog) verified(v app.VConAudit) error {
	if a.json {
		v.Records = []app.AuditEntry{}
		return json.NewEncoder(a.io.Out).Encode(v)
	}
	if len(v.Problems) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(a.io.Out, "vcon %s: %d records, each follows the one before it\n", v.VCon, len(v.Records))
	return err
}

func (a *auditLog) verify(noted app.AuditHead) error {
	folder, err := a.folder()
	if err != nil {
		return err
	}
	r, err := app.AuditVerify(folder, noted)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	if a.json {
		err = json.NewEncoder(a.io.Out).Encode(r)
	} else {
		err = a.tell(folder, r)
	}
	if err != nil {
		return err
	}
	return a.broken(r.Problems)
}

func (a *auditLog) tell(folder string, r app.AuditReport) error {
	text := fmt.Sprintf("%s: %d records of %d vCons", folder, r.Records, r.VCons)
	if r.First > 1 {
		text += fmt.Sprintf(", from record %d on: what came before is not kept", r.First)
	}
	if r.Mended > 0 {
		text += fmt.Sprintf("; %d torn by a crash and cut away", r.Mended)
	}
	if r.Torn {
		text += "; the last line is not whole"
	}
	if len(r.Problems) == 0 && r.Records > 0 {
		text += fmt.Sprintf("\neach follows the one before it; head %d:%s", r.Head, r.Sum)
	}
	_, err := fmt.Fprintln(a.io.Out, text)
	return err
}
