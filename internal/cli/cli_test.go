package cli

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
)

func quiet() IO {
	return IO{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }}
}

// TestHelp: each command explains itself, and each of its examples has only flags that it takes.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			io := quiet()
			if code := Main(context.Background(), append(strings.Fields(c.name), "--help"), io); code != ExitOK {
				t.Fatalf("--help ends with %d", code)
			}
			help := io.Out.(*bytes.Buffer).String()
			for _, want := range []string{c.short, "Usage: vconduit " + c.name, "Examples:", "Options:"} {
				if !strings.Contains(help, want) {
					t.Errorf("--help does not say %q:\n%s", want, help)
				}
			}
			if len(c.examples) == 0 {
				t.Error("no examples")
			}
			for _, e := range c.examples {
				checkExample(t, c, e)
			}
		})
	}
}

func checkExample(t *testing.T, c command, example string) {
	t.Helper()
	_, args, ok := strings.Cut(example, "vconduit "+c.name)
	if !ok {
		t.Errorf("example %q does not call %q", example, c.name)
		return
	}
	if i := strings.IndexAny(args, "|<>#"); i >= 0 {
		args = args[:i]
	}
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(&bytes.Buffer{})
	c.setup(fs, quiet())
	if _, err := parse(fs, strings.Fields(args)); err != nil {
		t.Errorf("example %q: %v", example, err)
	}
}

func TestParseTakesFlagsAndWordsInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  string
		list  string
		words string
		bad   bool
	}{
		{"a b --list x", "x", "a b", false},
		{"--list x a b", "x", "a b", false},
		{"a --list=x b", "x", "a b", false},
		{"a -- --list x", "", "a --list x", false},
		{"a --lost x", "", "", true},
		{"--list", "", "", true},
		{"-", "", "-", false},
	} {
		fs := flag.NewFlagSet("t", flag.ContinueOnError)
		fs.SetOutput(&bytes.Buffer{})
		list := fs.String("list", "", "")
		words, err := parse(fs, strings.Fields(c.args))
		if (err != nil) != c.bad || err == nil && (*list != c.list || strings.Join(words, " ") != c.words) {
			t.Errorf("%q: list %q, words %q, error %v", c.args, *list, words, err)
		}
	}
}

func TestInserted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent, saved string
		n           int
		ok          bool
	}{
		{"abcd", "abcd", 0, true},
		{"abcd", "abXYcd", 2, true},
		{"abcd", "abcdX", 1, true},
		{"abcd", "Xabcd", 1, true},
		{"abcd", "abXd", 0, false},
		{"abcd", "abc", 0, false},
		{"aaaa", "aaaaaa", 2, true},
	} {
		n, ok := inserted([]byte(c.sent), []byte(c.saved))
		if ok != c.ok || ok && n != c.n {
			t.Errorf("%q in %q: %d, %v", c.sent, c.saved, n, ok)
		}
	}
}
