package hostabi_test

import (
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/vconduit/vconduit/hostabi"
	link "github.com/vconduit/vconduit/sdk/go"
)

// goTypes are the parameters of a function's method.
func goTypes(f hostabi.Function) (in []reflect.Type, out reflect.Type) {
	for _, p := range f.Params {
		switch p.Kind {
		case hostabi.Num32:
			in = append(in, reflect.TypeFor[int32]())
		case hostabi.Num64:
			in = append(in, reflect.TypeFor[int64]())
		case hostabi.Float:
			in = append(in, reflect.TypeFor[float64]())
		default:
			in = append(in, reflect.TypeFor[[]byte]())
		}
	}
	if f.Result == hostabi.I64 {
		return in, reflect.TypeFor[int64]()
	}
	return in, reflect.TypeFor[int32]()
}

// TestFunctionsAreMethods: the table, the methods of Call and the SDK's Host are the same, in both directions.
func TestFunctionsAreMethods(t *testing.T) {
	t.Parallel()
	call, host := reflect.TypeFor[*hostabi.Call](), reflect.TypeFor[link.Host]()
	listed := map[string]bool{}
	for _, f := range hostabi.Functions() {
		listed[f.Method] = true
		in, out := goTypes(f)
		m, ok := host.MethodByName(f.Method)
		if !ok {
			t.Errorf("%s: link.Host has no method %s", f.Name, f.Method)
			continue
		}
		var have []reflect.Type
		for i := range m.Type.NumIn() {
			have = append(have, m.Type.In(i))
		}
		if !slices.Equal(have, in) || m.Type.NumOut() != 1 || m.Type.Out(0) != out {
			t.Errorf("%s: the method is %v, the table says %v -> %v", f.Name, m.Type, in, out)
		}
		if _, ok := call.MethodByName(f.Method); !ok {
			t.Errorf("%s: Call has no method %s", f.Name, f.Method)
		}
	}
	for i := range host.NumMethod() {
		if name := host.Method(i).Name; !listed[name] {
			t.Errorf("link.Host.%s is in no row of the table", name)
		}
	}
}

// TestFunctionsAreComplete: what the generated declarations and the documentation need of each row.
func TestFunctionsAreComplete(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, f := range hostabi.Functions() {
		if !name.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("%q is no name, or stands there twice", f.Name)
		}
		seen[f.Name] = true
		if f.Rules == "" || f.Cost < 1 || f.Since == "" {
			t.Errorf("%s: rules %q, cost %d, since %q", f.Name, f.Rules, f.Cost, f.Since)
		}
		params := map[string]bool{}
		for _, p := range f.Params {
			for _, n := range []string{p.Name, p.Size} {
				if n != "" && params[n] {
					t.Errorf("%s: two parameters %q", f.Name, n)
				}
				params[n] = true
			}
		}
	}
}
