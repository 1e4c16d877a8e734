package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// over gives an Env that asks e first and then file; set-but-empty counts as unset in both.
func (e Env) over(file map[string]string) Env {
	return func(name string) (string, bool) {
		if v, ok := e.get(name); ok {
			return v, true
		}
		v, ok := file[name]
		return v, ok && v != ""
	}
}

// readDotEnv reads dir/.env; a missing file has no variables.
func readDotEnv(dir string, r *problems) map[string]string {
	path := filepath.Join(dir, ".env")
	text, err := os.ReadFile(path)
	if err != nil {
		if !os.IsNotExist(err) {
			r.list = append(r.list, Problem{Severity: Warning, Code: codeEnv, File: path, Message: "cannot be read; its variables do not count"})
		}
		return nil
	}
	vars, bad := parseDotEnv(string(text))
	for _, line := range bad {
		r.list = append(r.list, Problem{Severity: Warning, Code: codeEnv, File: path, Pos: Pos{line, 1}, Message: "is no NAME=value; ignored"})
	}
	return vars
}

// parseDotEnv reads lines NAME=value: `export` before, comments, and quotes; in double quotes \n \t \" \\ are escapes.
// A quoted value may go over several lines. bad are the numbers of lines that are nothing of it.
func parseDotEnv(text string) (vars map[string]string, bad []int) {
	vars = map[string]string{}
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name, rest = strings.TrimSpace(name), strings.TrimSpace(rest)
		if !ok || !variableName(name) {
			bad = append(bad, i+1)
			continue
		}
		if rest == "" || rest[0] != '"' && rest[0] != '\'' {
			vars[name] = uncommented(rest)
			continue
		}
		first := i
		v, closed := unquoteEnv(rest)
		for !closed && i+1 < len(lines) {
			i++
			rest += "\n" + lines[i]
			v, closed = unquoteEnv(rest)
		}
		if !closed {
			bad, i = append(bad, first+1), first
			continue
		}
		vars[name] = v
	}
	return vars, bad
}

func uncommented(s string) string {
	if strings.HasPrefix(s, "#") {
		return ""
	}
	for _, mark := range []string{" #", "\t#"} {
		s, _, _ = strings.Cut(s, mark)
	}
	return strings.TrimSpace(s)
}

// unquoteEnv reads a value that begins with a quote; false if the closing one is missing.
func unquoteEnv(s string) (string, bool) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), true
		case quote == '"' && s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteString(escaped(s[i]))
		default:
			b.WriteByte(s[i])
		}
	}
	return "", false
}

func escaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '"', '\\', '$':
		return string(c)
	}
	return fmt.Sprintf("\\%c", c)
}
