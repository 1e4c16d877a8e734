package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/vconduit/vconduit/internal/app"
	"github.com/vconduit/vconduit/vcon"
)

// Exit codes of `link run` beside the usual ones: those of a command module.
const (
	exitHalt  = 10
	exitRetry = 11
)

func linkRunCommand() command {
	return command{
		name: "link run", args: "MODULE",
		short: "run one link over one vCon, without a server",
		long: "MODULE is the path of a .wasm file, or the name of a builtin link (links.tag). It runs as in a chain of this one\n" +
			"step, under the same grants and limits: without --allow it may read, and add analysis, attachments and tags. Granted\n" +
			"HTTP requests are sent; routes, created vCons and expiry are only told. The vCon goes to stdout as the link leaves\n" +
			"it, byte for byte, also when it is unchanged, but not after a failure. What the link logs and a summary go to\n" +
			"stderr, which a failed run ends with one line: {\"outcome\":\"failed\",\"class\":\"trap|limit|denied|refused|failed\",\n" +
			"\"reason\":\"...\"}.\n" +
			"Exit code 0: done or no change; 10: it stops the chain; 11: it wants to be run again later; 1: it failed; 2: called\n" +
			"wrongly, nothing ran.",
		examples: []string{
			"vconduit link run talkshare.wasm --vcon call.vcon >out.vcon",
			"vconduit link run notify.wasm --vcon call.vcon --options @options.json --allow @allow.yml --secret TOKEN=env:TOKEN",
			"vconduit link run slow.wasm --limits memory=16MiB,time=2s --json <call.vcon",
			"vconduit link run links.tag --options '{\"tags\":[\"vip\"]}' --vcon call.vcon",
		},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			f := &linkRun{io: io}
			fs.StringVar(&f.vcon, "vcon", "-", "`file` with the vCon; may be gzipped, - is standard input")
			fs.StringVar(&f.options, "options", "", "the link's options: a `JSON` object, or @FILE")
			fs.Func("allow", "what to grant, as `YAML` or JSON of a link's allow: block, or @FILE; may be repeated; it narrows what a builtin may", f.allow.add)
			fs.StringVar(&f.limits, "limits", "", "`limits` as memory=64MiB,time=30s, or as YAML or JSON of limits:")
			fs.Func("secret", "`NAME=FROM` with FROM env:VARIABLE or file:PATH, for the hosts that --allow names; may be repeated", f.secrets.add)
			fs.StringVar(&f.engine, "engine", "", "`kind` of engine: compiler, as a server has unless told otherwise, or interpreter")
			fs.StringVar(&f.input, "input", "", "what a command reads: none, or a list of JSON Pointers as `YAML`; default the vCon")
			fs.StringVar(&f.output, "output", "", "what a command prints: `patch`, vcon, merge or none; default patch")
			fs.BoolVar(&f.json, "json", false, "print one JSON object with document, log, figures and effects")
			return func(ctx context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one MODULE, got %d words", len(words))
				}
				return f.run(ctx, words[0])
			}
		},
	}
}

// texts collects a flag that may be repeated.
type texts []string

func (t *texts) add(s string) error {
	*t = append(*t, s)
	return nil
}

// linkRun is one `link run` as it was called.
type linkRun struct {
	io                                           IO
	vcon, options, limits, engine, input, output string
	allow, secrets                               texts
	json                                         bool
}

func (f *linkRun) run(ctx context.Context, module string) error {
	r, err := f.request(module)
	if err != nil {
		return err
	}
	if !f.json {
		r.Log = func(l app.LinkLine) { fmt.Fprintf(f.io.Err, "%-5s %s\n", l.Level, l.Text) }
	}
	result, err := app.RunLink(ctx, r)
	var wrong *app.LinkRunError
	switch {
	case errors.As(err, &wrong):
		return usagef("%v", err)
	case err != nil:
		return err
	}
	if err := f.print(result); err != nil {
		return err
	}
	return linkCode(result.Outcome)
}

// request reads everything that the flags name.
func (f *linkRun) request(module string) (r app.LinkRun, err error) {
	r = app.LinkRun{Module: module, Limits: f.limits, Secrets: f.secrets, Engine: f.engine, Input: f.input, Output: f.output, Getenv: f.io.Getenv}
	options, err := atFile("options", f.options)
	if err != nil {
		return r, err
	}
	if r.Options, err = object(options); err != nil {
		return r, err
	}
	for _, text := range f.allow {
		if text, err = atFile("allow", text); err != nil {
			return r, err
		}
		r.Allow = append(r.Allow, text)
	}
	text, err := readDocument(f.vcon, f.io.In)
	if err != nil {
		return r, usagef("--vcon: %v", err)
	}
	if r.Doc, err = vcon.Parse(text); err != nil {
		return r, usagef("--vcon %s: %v (vconduit vcon validate says more)", f.vcon, err)
	}
	return r, nil
}

// atFile gives a flag's text, or that of the file which it names as @FILE.
func atFile(flag, text string) (string, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	file, err := os.ReadFile(name)
	if err != nil {
		return "", usagef("--%s: %v", flag, err)
	}
	return string(file), nil
}

// object checks that options are a JSON object; "" is none.
func object(text string) (json.RawMessage, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, usagef("--options: want a JSON object such as {\"name\": \"value\"}")
	}
	return json.RawMessage(text), nil
}

func linkCode(outcome string) error {
	switch outcome {
	case "halt":
		return exitError(exitHalt)
	case "retry":
		return exitError(exitRetry)
	case "failed":
		return exitError(ExitFail)
	}
	return nil
}

func (f *linkRun) print(r *app.LinkResult) error {
	if f.json {
		if err := plainJSON(f.io.Out, r); err != nil {
			return err
		}
	} else if r.Outcome != "failed" {
		if _, err := f.io.Out.Write(r.Document); err != nil {
			return err
		}
	}
	if !f.json {
		if f.io.Terminal && r.Outcome != "failed" {
			fmt.Fprintln(f.io.Err) // a vCon as it is stored seldom ends its line
		}
		printLinkSummary(f.io.Err, r)
	}
	if r.Outcome != "failed" {
		return nil
	}
	return plainJSON(f.io.Err, struct {
		Outcome string `json:"outcome"`
		Class   string `json:"class"`
		Reason  string `json:"reason"`
	}{r.Outcome, r.Class, r.Reason})
}

// plainJSON writes a value as one line, < and > and & as they are.
func plainJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func printLinkSummary(w io.Writer, r *app.LinkResult) {
	say := sayTo(w)
	outcome := strings.ReplaceAll(r.Outcome, "_", " ")
	if r.Kind != "" {
		outcome += " (" + r.Kind + ")"
	}
	fmt.Fprintf(w, "%s: %s\n", r.Module, outcome)
	if r.Digest != "" {
		say("digest", "%s", r.Digest)
	}
	if r.Class == "refused" {
		return // nothing ran
	}
	if r.Compiled > 0 {
		say("compiled", "in %.1f ms", r.Compiled)
	}
	say("time", "%.1f ms", r.Took)
	if r.Memory > 0 {
		say("memory", "%s", byteCount(r.Memory))
	}
	say("host", "%d calls, %d HTTP requests with %s", r.Used.HostCalls, r.Used.HTTPRequests, byteCount(r.Used.HTTPBytes))
	say("edits", "%d, %s staged", r.Edits, byteCount(r.Used.Edits))
	printLinkEffects(say, r)
	for _, d := range r.Denied {
		say("denied", "%s", d)
	}
	for _, text := range r.Warnings {
		say("warning", "%s", text)
	}
	if len(r.Function) > 0 {
		say("in", "%s", strings.Join(r.Function, " < "))
	}
}

// sayFunc writes a line of a name and a text.
type sayFunc func(name, format string, args ...any)

// sayTo writes to w. Modules choose words in these texts: what a terminal would obey is escaped.
func sayTo(w io.Writer) sayFunc {
	return func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-9s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
}

func printable(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return b.String()
}

func printLinkEffects(say sayFunc, r *app.LinkResult) {
	for _, list := range r.Routes {
		say("route", "%s", list)
	}
	for _, c := range r.Created {
		text := c.UUID
		if c.Current {
			text += ", in place of this vCon"
		}
		if len(c.Lists) > 0 {
			text += ", to " + strings.Join(c.Lists, ", ")
		}
		say("created", "%s", text)
	}
	if r.Expire != nil {
		say("expires", "after %v", time.Duration(*r.Expire*float64(time.Second)))
	}
	if r.Outcome == "retry" {
		say("retry", "after %v: %s", time.Duration(r.Retry*float64(time.Millisecond)), r.Reason)
	}
}

// byteCount writes a number of bytes for people.
func byteCount(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func linkInspectCommand() command {
	return command{
		name: "link inspect", args: "MODULE",
		short: "look at a module without running it",
		long: "Prints what a server sees of a .wasm file before it compiles anything: kind, digest, sizes, manifest, imports with\n" +
			"the keys of allow: that they need, and warnings. Exit code 0: a server would run it; 1: it is refused, with every\n" +
			"reason.",
		examples: []string{"vconduit link inspect talkshare.wasm", "vconduit link inspect talkshare.wasm --json"},
		setup: func(fs *flag.FlagSet, io IO) func(context.Context, []string) error {
			asJSON := fs.Bool("json", false, "print JSON")
			return func(_ context.Context, words []string) error {
				if len(words) != 1 {
					return usagef("want one MODULE, got %d words", len(words))
				}
				return inspectLink(io, words[0], *asJSON)
			}
		},
	}
}

func inspectLink(io IO, module string, asJSON bool) error {
	i, err := app.InspectLink(module)
	if err != nil {
		return usagef("%v", err)
	}
	if asJSON {
		err = plainJSON(io.Out, i)
	} else {
		err = printInspection(io.Out, i)
	}
	if err == nil && len(i.Problems) > 0 {
		return exitError(ExitFail)
	}
	return err
}

func printInspection(w io.Writer, i *app.LinkInspection) error {
	var b strings.Builder
	say := sayTo(&b)
	kind := i.Kind
	if len(i.Problems) > 0 {
		kind = "refused"
	}
	fmt.Fprintf(&b, "%s: %s\n", i.File, kind)
	for _, p := range i.Problems {
		say("problem", "%s", p)
	}
	say("digest", "%s", i.Digest)
	say("size", "%s", byteCount(int64(i.Size)))
	printParts(say, i)
	printManifest(say, i)
	if len(i.Needs) > 0 {
		say("needs", "allow: %s", strings.Join(i.Needs, ", "))
	}
	for _, imp := range i.Imports {
		need := ""
		if imp.Needs != "" {
			need = " (" + imp.Needs + ")"
		}
		say("import", "%s%s", imp.Name, need)
	}
	for _, text := range i.Warnings {
		say("warning", "%s", text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printParts(say sayFunc, i *app.LinkInspection) {
	p := i.Parts
	if p == nil {
		return
	}
	say("", "%d functions, code %s, data %s, custom sections %s", p.Functions, byteCount(int64(p.Code)), byteCount(int64(p.Data)), byteCount(int64(p.Custom)))
	if p.Memory > 0 {
		say("memory", "%s to begin with", byteCount(p.Memory))
	}
}

func printManifest(say sayFunc, i *app.LinkInspection) {
	m := i.Manifest
	if m == nil {
		return
	}
	name := "none"
	if m.Name != "" {
		name = strings.TrimSpace(m.Name + " " + m.Version)
	}
	say("manifest", "%s, abi %s", name, m.ABI)
	if len(m.Wants) > 0 {
		say("wants", "%s", m.Wants)
	}
	if len(m.Options) > 0 {
		say("options", "%s", m.Options)
	}
}
