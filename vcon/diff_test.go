package vcon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// never is for Diff: no array may be replaced as a whole.
func never(string) bool { return false }

// show writes changes as one line each: "op path value".
func show(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s %s;", c.Op, c.Path, c.Value)
	}
	return strings.ReplaceAll(b.String(), " ;", ";")
}

func TestDiff(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, to, want string }{
		{"same", `{"a":[1,{"b":"c"}]}`, ` {"a" : [1, {"b":"\u0063"}]}`, ""},
		{"order and spelling", `{"a":1,"b":2.50,"c":[1e2]}`, `{"c":[100],"b":25e-1,"a":1.0}`, ""},
		{"through a float64", `{"a":[12345678901234567890,0.1000000000000000055]}`, `{"a":[12345678901234567000,0.1]}`, ""},
		{"another number", `{"a":12345678901234567890}`, `{"a":12345678901234567891}`, "replace /a 12345678901234567891;"},
		{"beyond float64", `{"a":1e999}`, `{"a":1e998}`, "replace /a 1e998;"},
		{"members", `{"a":1,"b":{"c":1,"d":[]},"e~/":1}`, `{"n":0,"b":{"d":{},"f":null}}`, "remove /a;remove /e~0~1;remove /b/c;replace /b/d {};add /b/f null;add /n 0;"},
		{"the last of duplicates", `{"a":1,"a":2}`, `{"a":2,"a":2.0}`, ""},
		{"the last of duplicates changes", `{"a":1,"a":2,"b":0}`, `{"a":2,"b":0,"a":1}`, "replace /a 1;"},
		{"kinds", `{"a":"1","b":[],"c":null}`, `{"a":1,"b":"x","c":false}`, `replace /a 1;replace /b "x";replace /c false;`},
		{"append", `{"a":[1,2]}`, `{"a":[1,2,3,{"b":4}]}`, `append /a 3;append /a {"b":4};`},
		{"append to none", `{"a":[]}`, `{"a":[1,1]}`, `append /a 1;append /a 1;`},
		{"insert", `{"a":[1,2]}`, `{"a":[1,5,6,2]}`, `insert /a/1 5;insert /a/2 6;`},
		{"insert first", `{"a":[1,2]}`, `{"a":[0,1,2]}`, `insert /a/0 0;`},
		{"remove", `{"a":[1,2,3,4]}`, `{"a":[1,4]}`, `remove /a/2;remove /a/1;`},
		{"remove all", `{"a":[1,2]}`, `{"a":[]}`, `remove /a/1;remove /a/0;`},
		{"change one", `{"a":[{"b":1,"c":2},5]}`, `{"a":[{"b":1,"c":3},5]}`, `replace /a/0/c 3;`},
		{"change and append", `{"a":[{"b":1},5]}`, `{"a":[{"b":2},5,6]}`, `append /a 6;replace /a/0/b 2;`},
		{"remove and append", `{"a":[1,2,3]}`, `{"a":[2,3,4]}`, `append /a 4;remove /a/0;`},
		{"move", `{"a":[1,2,3]}`, `{"a":[3,1,2]}`, `remove /a/2;insert /a/0 3;`},
		{"nulls stay nulls", `{"a":[null,null,7]}`, `{"a":[8,null,null,9]}`, `replace /a/2 9;insert /a/0 8;`},
		{"equal ones", `{"a":[1,1,2,1]}`, `{"a":[1,3,2,1,1]}`, `append /a 1;replace /a/1 3;`},
		{"many members", `{"a":{` + someMembers(40, "") + `"x":1}}`, `{"a":{"x":2,` + strings.TrimSuffix(someMembers(40, ""), ",") + `}}`, `replace /a/x 2;`},
		{"many duplicates", `{"a":{` + someMembers(40, "") + someMembers(39, "") + `"x":1}}`, `{"a":{"x":2,` + strings.TrimSuffix(someMembers(40, ""), ",") + `}}`, `replace /a/x 2;`},
		{"tags", `{"attachments":[{"type":"tags","body":["a:1","b:2"]}]}`, `{"attachments":[{"type":"tags","body":["a:1","b:2","c:3"]}]}`, `replace /attachments/0/body ["a:1","b:2","c:3"];`},
		{"no tags", `{"attachments":[{"purpose":"x","body":["a:1","b:2"]}]}`, `{"attachments":[{"purpose":"x","body":["a:1","b:2","c:3"]}]}`, `append /attachments/0/body "c:3";`},
		{"the whole", `[1]`, `{}`, `replace  {};`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := show(slices.Collect(Diff(Value(tt.from), Value(strings.TrimSpace(tt.to)), never))); got != tt.want {
				t.Errorf("%s to %s:\ngot  %s\nwant %s", tt.from, tt.to, got, tt.want)
			}
		})
	}
}

// numbered are n members, each with a comma behind it.
func someMembers(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":%s%d,`, i, value, i)
	}
	return b.String()
}

func TestDiffMerge(t *testing.T) {
	t.Parallel()
	const from = `{"a":"b","c":{"d":1,"e":[1,2]},"n":null,"f":[{"g":1}]}`
	tests := []struct{ name, patch, want string }{
		{"nothing", `{}`, ""},
		{"what is there", `{"a":"b","c":{"d":1.0},"f":[{"g":1}],"n":null,"x":null}`, "remove /n;"},
		{"remove", `{"a":null,"c":{"d":null,"z":null}}`, "remove /a;remove /c/d;"},
		{"set and add", `{"a":1,"c":{"x":{"y":[null]}}}`, `replace /a 1;add /c/x {"y":[null]};`},
		{"array", `{"c":{"e":[1,2,3]},"f":[{"g":null}]}`, `append /c/e 3;replace /f/0/g null;`},
		{"object for another", `{"a":{"x":null,"y":{"z":null,"w":1}},"f":{}}`, `replace /a {"y":{"w":1}};replace /f {};`},
		{"object for none", `{"x":{"y":null,"z":{"y":null}}}`, `add /x {"z":{}};`},
		{"the last of duplicates", `{"a":1,"a":null,"x":{"y":1,"y":null,"\"":1}}`, `remove /a;add /x {"\"":1};`},
		{"another for object", `{"c":[1]}`, `replace /c [1];`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := show(slices.Collect(DiffMerge(Value(from), Value(tt.patch), never))); got != tt.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tt.patch, got, tt.want)
			}
		})
	}
}

// TestDiffLarge: a small change of a large array is a small difference, wherever it is; with many changes the array is
// replaced as a whole, where it may be.
func TestDiffLarge(t *testing.T) {
	t.Parallel()
	element := func(i int) string { return fmt.Sprintf(`{"id":%d,"text":"t"}`, i) }
	list := func(n int, alter func([]string) []string) Value {
		all := make([]string, n)
		for i := range all {
			all[i] = element(i % (n - 2)) // two come twice
		}
		return Value(`{"a":[` + strings.Join(alter(all), ",") + `]}`)
	}
	from := list(100_000, func(all []string) []string { return all })
	for _, tt := range []struct {
		name  string
		alter func([]string) []string
		want  string
	}{
		{"insert", func(all []string) []string { return slices.Insert(all, 50_000, "1") }, "insert /a/50000 1;"},
		{"insert twice", func(all []string) []string { return slices.Insert(slices.Insert(all, 90_000, "1"), 0, "2") }, "insert /a/90000 1;insert /a/0 2;"},
		{"remove and append", func(all []string) []string { return append(slices.Delete(all, 10, 11), "3") }, "append /a 3;remove /a/10;"},
		{"half", func(all []string) []string {
			n := 0
			return slices.DeleteFunc(all, func(string) bool { n++; return n%2 == 0 })
		}, "replace /a whole;"},
	} {
		to := list(100_000, tt.alter)
		changes := slices.Collect(Diff(from, to, func(p string) bool { return p == "/a" }))
		for i := range changes {
			if len(changes[i].Value) > 1000 {
				changes[i].Value = Value("whole")
			}
		}
		if got := show(changes); got != tt.want {
			t.Errorf("%s: %.300s", tt.name, got)
		}
	}
	half := list(100_000, func(all []string) []string { return all[:50_000] })
	if got := len(slices.Collect(Diff(from, half, never))); got != 50_000 {
		t.Errorf("%d changes where the array may not be replaced", got)
	}
	for range Diff(from, half, never) {
		break // must not go on
	}
}

// stage runs changes on a draft.
func stage(t testing.TB, d *Draft, changes []Change) {
	t.Helper()
	for _, c := range changes {
		var err error
		switch c.Op {
		case "append":
			err = d.Append(c.Path, c.Value)
		case "add", "insert":
			err = d.Add(c.Path, c.Value)
		case "replace":
			err = d.Set(c.Path, c.Value)
		case "remove":
			err = d.Remove(c.Path)
		}
		if err != nil {
			t.Fatalf("%s %s %s: %v", c.Op, c.Path, c.Value, err)
		}
	}
}

// checkDiff stages the difference of two vCons on the first: the result equals the second, what is equal keeps its
// bytes, and there is nothing left to do.
func checkDiff(t testing.TB, from, to Value) {
	t.Helper()
	d := mustParse(t, string(from)).Draft()
	stage(t, d, slices.Collect(Diff(from, to, never)))
	got, err := d.Get("")
	if err != nil {
		t.Fatal(err)
	}
	if again := slices.Collect(Diff(got, to, never)); len(again) != 0 {
		t.Fatalf("from %s\nto   %s\ngot  %s\nleft %s", from, to, got, show(again))
	}
	if !hasFloats(from) && !got.Equal(to) {
		t.Fatalf("from %s\nto   %s\ngot  %s", from, to, got)
	}
}

// hasFloats reports numbers that a float64 may change, which Diff leaves as they are.
func hasFloats(v Value) bool {
	for run := 0; len(v) > 0; v = v[1:] {
		if run++; v[0]-'0' > 9 && v[0] != '.' {
			run = 0
		}
		if run > 14 || bytes.HasPrefix(v, []byte("e")) {
			return true
		}
	}
	return false
}

// randomValue makes small values of which many are alike.
func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(10); {
	case n < 3 && depth > 0:
		list := make([]any, r.IntN(6))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	case n < 6 && depth > 0:
		object := map[string]any{}
		for range r.IntN(5) {
			object[string('a'+rune(r.IntN(5)))] = randomValue(r, depth-1)
		}
		return object
	case n < 8:
		return r.IntN(3)
	}
	return []any{nil, true, "x", "é\n", 2.5}[r.IntN(5)]
}

// mutate changes a value here and there.
func mutate(r *rand.Rand, v any) any {
	if r.IntN(12) == 0 {
		return randomValue(r, 2)
	}
	switch v := v.(type) {
	case []any:
		list := slices.Clone(v)
		for i := range list {
			list[i] = mutate(r, list[i])
		}
		for range r.IntN(3) {
			if i := r.IntN(len(list) + 1); r.IntN(2) == 0 {
				list = slices.Insert(list, i, randomValue(r, 1))
			} else if i < len(list) {
				list = slices.Delete(list, i, i+1)
			}
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, member := range v {
			if r.IntN(8) > 0 {
				object[name] = mutate(r, member)
			}
		}
		if r.IntN(4) == 0 {
			object["n"] = randomValue(r, 1)
		}
		return object
	}
	return v
}

// asVCon gives members a uuid.
func asVCon(t testing.TB, members any) Value {
	object, ok := members.(map[string]any)
	if !ok {
		object = map[string]any{"x": members}
	}
	object["uuid"] = someID
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDiffRandom(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		a := randomValue(r, 4)
		checkDiff(t, asVCon(t, a), asVCon(t, mutate(r, a)))
		checkDiff(t, asVCon(t, a), asVCon(t, randomValue(r, 4)))
	}
}

// mergePatch is RFC 7396 the plain way.
func mergePatch(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if o, ok := target.(map[string]any); ok {
		for name, v := range o {
			merged[name] = v
		}
	}
	for name, v := range p {
		if v == nil {
			delete(merged, name)
		} else {
			merged[name] = mergePatch(merged[name], v)
		}
	}
	return merged
}

func TestDiffMergeRandom(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		from, patch := asVCon(t, randomValue(r, 4)), asVCon(t, randomValue(r, 4))
		d := mustParse(t, string(from)).Draft()
		stage(t, d, slices.Collect(DiffMerge(from, patch, never)))
		got, err := d.Get("")
		if err != nil {
			t.Fatal(err)
		}
		if want := mergePatch(decode(t, from), decode(t, patch)); !reflect.DeepEqual(decode(t, got), want) {
			t.Fatalf("%s\n%s\ngot %s", from, patch, got)
		}
	}
}

// FuzzDiff: the difference of any two values brings one to the other, and never fails.
func FuzzDiff(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":[1,2,{"b":null}]}`, `{"a":[{"b":1},2]}`}, {`{"a":[null,null,1e400]}`, `{"a":[0,null,null,1e3]}`}, {`{"attachments":[{"type":"tags","body":{"a":"1"}}]}`, `{"attachments":[{"body":[]},{}]}`},
		{`{"a":1,"\u0061":2}`, `{"a":"\ud800"}`}, {`{"dialog":[{"a":0.10000000000000001}]}`, `{"dialog":[[],{"a":0.1}]}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		from, errA := ParseValue(a)
		to, errB := ParseValue(b)
		if errA != nil || errB != nil || from.Kind() != Object || to.Kind() != Object {
			return
		}
		wrap := func(v Value) Value { return Value(`{"uuid":"` + someID + `","x":` + string(v) + `}`) }
		if _, err := ParseValue(wrap(from)); err != nil { // too deep
			return
		}
		checkDiff(t, wrap(from), wrap(to))
		d := mustParse(t, string(wrap(from))).Draft()
		stage(t, d, slices.Collect(DiffMerge(wrap(from), wrap(to), never)))
	})
}

func TestParseValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{" [1 ]\n": "[1 ]", "null": "null", `"\ud800"`: `"\ud800"`} {
		if v, err := ParseValue([]byte(text)); err != nil || string(v) != want {
			t.Errorf("%q: %s, %v", text, v, err)
		}
	}
	for _, bad := range []string{"", " ", "1 2", "{", "[1,]", "\"\xff\"", "nul", "\xef\xbb\xbf1", strings.Repeat("[", 129) + strings.Repeat("]", 129), strings.Repeat("1", 1025)} {
		if v, err := ParseValue([]byte(bad)); err == nil {
			t.Errorf("%.20q was taken as %.20s", bad, v)
		}
	}
}
