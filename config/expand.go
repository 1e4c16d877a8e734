package config

import (
	"fmt"
	"strings"
)

// Env looks up a variable, as os.LookupEnv does. A nil Env has none.
type Env func(name string) (string, bool)

// get takes set-but-empty as unset.
func (e Env) get(name string) (string, bool) {
	if e == nil {
		return "", false
	}
	v, ok := e(name)
	return v, ok && v != ""
}

// varFault is a ${...} that could not be replaced: name is not set, or "" when what stands there cannot be a name.
type varFault struct{ name string }

func (f varFault) severity() Severity {
	if f.name == "" {
		return Warning
	}
	return Error
}

func (f varFault) message() string {
	if f.name == "" {
		return "a ${ without a variable's name and } after it stays as it is"
	}
	return fmt.Sprintf("variable %s is not set", f.name)
}

func (f varFault) hint() string {
	if f.name == "" {
		return "write $${ for a literal ${"
	}
	return fmt.Sprintf("set it, give a default as ${%s:-default}, or write $${ for a literal ${", f.name)
}

// expandVars replaces ${NAME} and ${NAME:-default} in text; $${ is a literal ${. What cannot be a name stays as it is
// and is said, because prompts and templates of old files hold such texts. used tells whether a variable was replaced.
func expandVars(text string, env Env) (out string, used bool, faults []varFault) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), used, faults
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString(before[:len(before)-1] + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		body, after, closed := strings.Cut(rest, "}")
		name, fallback, hasDefault := strings.Cut(body, ":-")
		if !closed || !variableName(name) {
			faults = append(faults, varFault{})
			b.WriteString("${")
			text = rest
			continue
		}
		v, ok := env.get(name)
		if !ok && !hasDefault {
			faults = append(faults, varFault{name})
		} else if !ok {
			v = fallback
		}
		b.WriteString(v)
		used, text = true, after
	}
}

func variableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// isReference says that s is one ${NAME} or {{secret:NAME}} and nothing else.
func isReference(s string) bool {
	for _, b := range [][2]string{{"${", "}"}, {"{{secret:", "}}"}} {
		if name, ok := strings.CutPrefix(s, b[0]); ok {
			if name, ok = strings.CutSuffix(name, b[1]); ok && variableName(name) {
				return true
			}
		}
	}
	return false
}
