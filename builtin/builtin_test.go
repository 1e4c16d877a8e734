package builtin

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/hostabi/outbound"
	link "github.com/vconduit/vconduit/sdk/go"
)

func TestOpenLink(t *testing.T) {
	t.Parallel()
	for _, name := range LinkNames() {
		for _, options := range []string{"", "null", "{}", `{"unheard_of": 1}`} {
			l, err := OpenLink(name, json.RawMessage(options))
			if err != nil {
				t.Errorf("%s with options %q: %v", name, options, err)
				continue
			}
			if len(l.Options) == 0 || l.Options[0] != '{' || len(l.Warnings) != strings.Count(options, "unheard_of") {
				t.Errorf("%s with options %q: %s, %v", name, options, l.Options, l.Warnings)
			}
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if _, ok := FindLink("server." + name); !ok {
			t.Errorf("%s is not found under the name that old configs use", name)
		}
	}
	if _, err := OpenLink("links.none", nil); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "links.none") {
		t.Errorf("an unknown link: %v", err)
	}
	_, err := OpenLink("links.webhook", json.RawMessage(`{"webhook-urls": ["x"], "timeout": "soon"}`))
	if _, ok := errors.AsType[*link.OptionsError](err); !ok {
		t.Errorf("bad options: %v", err)
	}
}

func TestOptionsTypesHaveNames(t *testing.T) {
	t.Parallel()
	for name, l := range links() {
		typ := reflect.TypeOf(l.Options)
		for i := range typ.NumField() {
			if tag, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ","); tag == "" {
				t.Errorf("%s: field %s has no name in configs", name, typ.Field(i).Name)
			}
		}
	}
}

// TestGrantsFollowOptions: a link may reach what its operator wrote, private or not, and nothing else.
func TestGrantsFollowOptions(t *testing.T) {
	t.Parallel()
	l, err := OpenLink("links.webhook", json.RawMessage(`{"webhook-urls": ["http://10.0.0.5:8080/a?key=1", "https://b.example"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if !l.Grants.Read.All || l.Grants.Tags || l.Grants.Create || len(l.Grants.Write.Allow) > 0 || l.Grants.Write.All {
		t.Errorf("grants %+v", l.Grants)
	}
	for _, rule := range l.Grants.HTTP.Rules {
		if !rule.Private || !slices.Equal(rule.Methods, []string{"POST"}) {
			t.Errorf("rule %+v", rule)
		}
	}
	for url, want := range map[string]bool{
		"http://10.0.0.5:8080/a?key=2": true, "https://b.example/": true, "http://10.0.0.5:8080/": false, "http://10.0.0.5/a": false, "http://b.example/": false,
	} {
		var denied *outbound.DeniedError
		if err := l.Grants.HTTP.Match("POST", url); (err == nil) != want || !want && !errors.As(err, &denied) {
			t.Errorf("POST %s: %v", url, err)
		}
	}
	if err := l.Grants.HTTP.Match("GET", "https://b.example/"); err == nil {
		t.Error("GET is granted")
	}
	tag, err := OpenLink("links.tag", nil)
	if err != nil || !tag.Grants.Tags || tag.Grants.Read.All || len(tag.Grants.HTTP.Rules) > 0 || tag.Memo {
		t.Errorf("tag: %+v, %v", tag, err)
	}
	diet, err := OpenLink("links.diet", json.RawMessage(`{"remove_dialog_body": true, "s3_bucket": "b", "aws_access_key_id": "k", "aws_secret_access_key": "s"}`))
	if err != nil || diet.Grants.Write.All || len(diet.Grants.HTTP.Rules) != 1 || diet.Grants.HTTP.Match("PUT", "https://b.s3.us-east-1.amazonaws.com/x") != nil ||
		diet.Grants.HTTP.Match("DELETE", "https://b.s3.us-east-1.amazonaws.com/x") == nil || diet.Grants.HTTP.Match("PUT", "https://c.s3.us-east-1.amazonaws.com/x") == nil {
		t.Errorf("diet: %+v, %v", diet, err)
	}
	if diet, err = OpenLink("links.diet", json.RawMessage(`{"s3_bucket": "b", "aws_access_key_id": "k", "aws_secret_access_key": "s"}`)); err != nil || len(diet.Grants.HTTP.Rules) > 0 {
		t.Errorf("diet that sends no body: %+v, %v", diet, err)
	}
	if _, err := OpenLink("links.webhook", json.RawMessage(`{"webhook-urls": ["http://127.1/"]}`)); err == nil {
		t.Error("an address that can be read in two ways is taken")
	}
}
