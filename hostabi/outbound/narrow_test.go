package outbound

import (
	"slices"
	"testing"
)

func rulesOf(t *testing.T, rules ...string) (p Policy) {
	t.Helper()
	for _, text := range rules {
		var r Rule
		if text[0] != '{' {
			text = `"` + text + `"`
		}
		if err := r.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

func TestUnder(t *testing.T) {
	t.Parallel()
	const withMethods = `{"url":"https://a.example/","methods":["GET","PUT"]}`
	for name, c := range map[string]struct {
		rules, ceiling, want []string
		private              bool // of the first rule that is left
	}{
		"nothing under nothing": {},
		"nothing is allowed":    {rules: []string{"https://a.example"}},
		"the same":              {rules: []string{"https://a.example/v1"}, ceiling: []string{"https://a.example/v1"}, want: []string{"https://a.example/v1"}},
		"below":                 {rules: []string{"https://a.example/v1/x"}, ceiling: []string{"https://a.example/v1"}, want: []string{"https://a.example/v1/x"}},
		"above is cut":          {rules: []string{"https://a.example"}, ceiling: []string{"https://a.example/v1"}, want: []string{"https://a.example/v1"}},
		"beside":                {rules: []string{"https://a.example/v2"}, ceiling: []string{"https://a.example/v1"}},
		"not by letters":        {rules: []string{"https://a.example/v11"}, ceiling: []string{"https://a.example/v1"}},
		"any host":              {rules: []string{"https://a.example/v1"}, ceiling: []string{"https://*"}, want: []string{"https://a.example/v1"}},
		"any host is cut":       {rules: []string{"https://*"}, ceiling: []string{"https://a.example", "https://b.example"}, want: []string{"https://a.example", "https://b.example"}},
		"another scheme":        {rules: []string{"http://a.example"}, ceiling: []string{"https://*"}},
		"another port":          {rules: []string{"https://a.example:8443"}, ceiling: []string{"https://a.example"}},
		"another host":          {rules: []string{"https://a.example"}, ceiling: []string{"https://b.example"}},
		"a private address":     {rules: []string{"http://10.0.0.1"}, ceiling: []string{"http://10.0.0.1"}, want: []string{"http://10.0.0.1"}, private: true},
		"not under any host":    {rules: []string{"http://10.0.0.1"}, ceiling: []string{"http://*"}, want: []string{"http://10.0.0.1"}},
		"methods":               {rules: []string{withMethods}, ceiling: []string{"https://*"}, want: []string{"https://a.example"}},
		"no methods":            {rules: []string{withMethods}, ceiling: []string{`{"url":"https://*","methods":["POST"]}`}},
	} {
		got := rulesOf(t, c.rules...).Under(rulesOf(t, c.ceiling...))
		var names []string
		for _, r := range got.Rules {
			names = append(names, r.String())
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%s: %v, want %v", name, names, c.want)
		}
		if len(got.Rules) > 0 && got.Rules[0].Private != c.private {
			t.Errorf("%s: private %v", name, got.Rules[0].Private)
		}
	}
	cut := rulesOf(t, withMethods).Under(rulesOf(t, `{"url":"https://*","methods":["GET","POST"]}`))
	if len(cut.Rules) != 1 || !slices.Equal(cut.Rules[0].Methods, []string{"GET"}) {
		t.Errorf("methods of both: %+v", cut.Rules)
	}
}
