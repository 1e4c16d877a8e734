package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/vcon"
)

const goodID = "018e0000-0000-8000-8000-000000000001"

// doc is a document with these members after uuid, vcon and created_at.
func doc(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"vcon":"0.0.1","uuid":"` + goodID + `","created_at":"2024-01-15T10:30:00Z"` + members + `}`
}

// One row for each kind of problem, in the seed's form: loc, msg, type, never the input.
func TestRejectedBodies(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}, Settings: Settings{Validation: vcon.Upstream}})
	for _, tt := range []struct{ name, path, body, want string }{
		{"missing", "/vcon", `{"vcon":"0.0.1","created_at":"2024-01-15T10:30:00Z"}`, `{"loc":["body","uuid"],"msg":"field required","type":"value_error.missing"}`},
		{"nothing there", "/vcon", `{}`, `{"loc":["body","vcon"],"msg":"field required","type":"value_error.missing"},{"loc":["body","uuid"],"msg":"field required","type":"value_error.missing"},{"loc":["body","created_at"],"msg":"field required","type":"value_error.missing"}`},
		{"no body", "/vcon", ` `, `{"loc":["body"],"msg":"field required","type":"value_error.missing"}`},
		{"null body", "/vcon", `null`, `{"loc":["body"],"msg":"field required","type":"value_error.missing"}`},
		{"bad json", "/vcon", `{"uuid": nope}`, `{"loc":["body",9],"msg":"a value is expected","type":"value_error.jsondecode"}`},
		{"bad json, offset in characters", "/vcon", `{"é":x}`, `{"loc":["body",5],"msg":"a value is expected","type":"value_error.jsondecode"}`},
		{"broken array", "/vcon", `[1,`, `{"loc":["body",3],"msg":"the text ends too early","type":"value_error.jsondecode"}`},
		{"not an object", "/vcon", `[1]`, `{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}`},
		{"null uuid", "/vcon", `{"vcon":"0.0.1","uuid":null,"created_at":0}`, `{"loc":["body","uuid"],"msg":"none is not an allowed value","type":"type_error.none.not_allowed"}`},
		{"bad uuid", "/vcon", `{"vcon":"0.0.1","uuid":"x","created_at":0}`, `{"loc":["body","uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"uuid is a number", "/vcon", `{"vcon":"0.0.1","uuid":1,"created_at":0}`, `{"loc":["body","uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"bad uuid and more", "/vcon", `{"vcon":1,"uuid":"x","created_at":"yesterday"}`, `{"loc":["body","vcon"],"msg":"str type expected","type":"type_error.str"},{"loc":["body","uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"},{"loc":["body","created_at"],"msg":"invalid datetime format","type":"value_error.datetime"}`},
		{"text", "/vcon", doc(`"subject":1`), `{"loc":["body","subject"],"msg":"str type expected","type":"type_error.str"}`},
		{"list", "/vcon", doc(`"parties":{}`), `{"loc":["body","parties"],"msg":"value is not a valid list","type":"type_error.list"}`},
		{"null list", "/vcon", doc(`"dialog":null`), `{"loc":["body","dialog"],"msg":"none is not an allowed value","type":"type_error.none.not_allowed"}`},
		{"dict", "/vcon", doc(`"parties":[1]`), `{"loc":["body","parties",0],"msg":"value is not a valid dict","type":"type_error.dict"}`},
		{"integer", "/vcon", doc(`"parties":[{}],"dialog":[{"parties":["a"]}]`), `{"loc":["body","dialog",0,"parties",0],"msg":"value is not a valid integer","type":"type_error.integer"}`},
		{"float", "/vcon", doc(`"dialog":[{"duration":"long"}]`), `{"loc":["body","dialog",0,"duration"],"msg":"value is not a valid float","type":"type_error.float"}`},
		{"datetime", "/vcon", strings.Replace(doc(""), "2024-01-15T10:30:00Z", "2024-13-01", 1), `{"loc":["body","created_at"],"msg":"invalid datetime format","type":"value_error.datetime"}`},
		{"own rule", "/vcon", doc(`"parties":[{"tel":"nobody"}]`), `{"loc":["body","parties",0,"tel"],"msg":"tel has invalid format: 'nobody'","type":"value_error"}`},
		{"all errors at once", "/vcon", doc(`"parties":[{"tel":"x"}],"dialog":[{"duration":-1},{"url":"y"}]`), `{"loc":["body","parties",0,"tel"],"msg":"tel has invalid format: 'x'","type":"value_error"},{"loc":["body","dialog",0,"duration"],"msg":"duration must be >= 0","type":"value_error"},{"loc":["body","dialog",1,"url"],"msg":"url does not look like a valid URL: 'y'","type":"value_error"}`},
		{"list name", "/vcon?ingress_list=vcon:x", doc(""), `{"loc":["query","ingress_list"],"msg":"list name not allowed: \"vcon:x\" begins with the reserved prefix \"vcon:\"","type":"value_error"}`},
		{"query first, then body", "/vcon?ingress_lists=vcons", `{"vcon":"","created_at":0}`, `{"loc":["query","ingress_list"],"msg":"list name not allowed: \"vcons\" is the name of the index","type":"value_error"},{"loc":["body","uuid"],"msg":"field required","type":"value_error.missing"}`},
		{"ids: no list", "/vcon/ingress?ingress_list=a", `{}`, `{"loc":["body"],"msg":"value is not a valid list","type":"type_error.list"}`},
		{"ids", "/vcon/ingress", `["x",null,7]`, `{"loc":["query","ingress_list"],"msg":"field required","type":"value_error.missing"},{"loc":["body",0],"msg":"value is not a valid uuid","type":"type_error.uuid"},{"loc":["body",1],"msg":"none is not an allowed value","type":"type_error.none.not_allowed"},{"loc":["body",2],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"ack", "/vcon/egress/ack?egress_list=a", `[1,{"uuid":"x","token":"y"}]`, `{"loc":["body",0],"msg":"value is not a valid dict","type":"type_error.dict"},{"loc":["body",1,"uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"},{"loc":["body",1,"token"],"msg":"not a token of GET /vcon/egress?ack=true","type":"value_error"}`},
		{"config: no object", "/config", `[]`, `{"loc":["body"],"msg":"value is not a valid dict","type":"type_error.dict"}`},
		{"lower bound", "/dlq/reprocess?ingress_list=a&count=0", ``, `{"loc":["query","count"],"msg":"ensure this value is greater than or equal to 1","type":"value_error.number.not_ge","ctx":{"limit_value":1}}`},
		{"upper bound", "/dlq/reprocess?ingress_list=a&count=100001", ``, `{"loc":["query","count"],"msg":"ensure this value is less than or equal to 100000","type":"value_error.number.not_le","ctx":{"limit_value":100000}}`},
		{"word", "/dlq/reprocess?ingress_list=a&from=middle", ``, `{"loc":["query","from"],"msg":"value is not one of failed, start","type":"value_error"}`},
	} {
		got := ask(t, client, "POST", tt.path, tt.body)
		if want := `{"detail":[` + tt.want + `]}`; got.status != 422 || got.body != want {
			t.Errorf("%s:\n got %d %s\nwant 422 %s", tt.name, got.status, got.body, want)
		}
	}
}

func TestRejectedQueries(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}})
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/vcon?page=a&size=1.5&since=never", `{"loc":["query","since"],"msg":"invalid datetime format","type":"value_error.datetime"},{"loc":["query","page"],"msg":"value is not a valid integer","type":"type_error.integer"},{"loc":["query","size"],"msg":"value is not a valid integer","type":"type_error.integer"}`},
		{"GET", "/vcon/nonsense", `{"loc":["path","vcon_uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"DELETE", "/vcon/nonsense", `{"loc":["path","vcon_uuid"],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"GET", "/vcons", `{"loc":["query","vcon_uuids"],"msg":"field required","type":"value_error.missing"}`},
		{"GET", "/vcons?vcon_uuids=" + goodID + "&vcon_uuids=y", `{"loc":["query","vcon_uuids",1],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
		{"GET", "/stats/queue", `{"loc":["query","list_name"],"msg":"field required","type":"value_error.missing"}`},
		{"GET", "/vcon/egress?limit=all&ack=maybe", `{"loc":["query","egress_list"],"msg":"field required","type":"value_error.missing"},{"loc":["query","limit"],"msg":"value is not a valid integer","type":"type_error.integer"},{"loc":["query","ack"],"msg":"value could not be parsed to a boolean","type":"value_error.boolean"}`},
		{"GET", "/vcon/count", `{"loc":["query","egress_list"],"msg":"field required","type":"value_error.missing"}`},
		{"GET", "/dlq?ingress_list=", `{"loc":["query","ingress_list"],"msg":"field required","type":"value_error.missing"}`},
		{"GET", "/dlq?ingress_list=vconduit:leases", `{"loc":["query","ingress_list"],"msg":"list name not allowed: \"vconduit:leases\" begins with the reserved prefix \"vconduit:\"","type":"value_error"}`},
		{"POST", "/dlq/purge?vcon_uuid=x", `{"loc":["query","ingress_list"],"msg":"field required","type":"value_error.missing"},{"loc":["query","vcon_uuid",0],"msg":"value is not a valid uuid","type":"type_error.uuid"}`},
	} {
		got := ask(t, client, tt.method, tt.path, "")
		if want := `{"detail":[` + tt.want + `]}`; got.status != 422 || got.body != want {
			t.Errorf("%s %s:\n got %d %s\nwant 422 %s", tt.method, tt.path, got.status, got.body, want)
		}
	}
}

func TestRejectedMediaTypes(t *testing.T) {
	t.Parallel()
	_, client := serve(t, Options{Store: store{}})
	for path, kind := range map[string]string{
		"/vcon": "dict", "/config": "dict", "/vcons": "list", "/vcon/ingress?ingress_list=a": "list", "/vcon/egress/ack?egress_list=a": "list",
	} {
		for _, body := range []string{"{", "[]", "<p>"} {
			got := ask(t, client, "POST", path, body, "Content-Type: text/html")
			if want := `{"detail":[{"loc":["body"],"msg":"value is not a valid ` + kind + `","type":"type_error.` + kind + `"}]}`; got.status != 422 || got.body != want {
				t.Errorf("%s %q: %d %s", path, body, got.status, got.body)
			}
		}
	}
}

// Partners see what is wrong with the request before what is wrong with the key, in the Python server's order.
func TestExternalIngressRefusals(t *testing.T) {
	t.Parallel()
	settings := Settings{
		Keys: []Key{{Name: "main", Hash: config.HashKey("main-token"), Scopes: []string{ScopeAll}}},
		Ingress: map[string]IngressList{
			"sales":   {Keys: []IngressKey{{Hash: config.HashKey("sales-1")}, {Hash: config.HashKey("sales-2")}}},
			"support": {Keys: []IngressKey{{Hash: config.HashKey("support-1")}}},
			"odd":     {Invalid: true},
		},
	}
	_, client := serve(t, Options{Store: store{}, Settings: settings})
	settings.Ingress = nil
	_, bare := serve(t, Options{Store: store{}, Settings: settings})
	for _, tt := range []struct {
		client          *http.Client
		key, list, body string
		status          int
		want            string
	}{
		{client, "", "sales", doc(""), 403, `{"detail":"API Key required"}`},
		{bare, "sales-1", "sales", doc(""), 403, `{"detail":"No ingress authentication configured"}`},
		{client, "sales-1", "other", doc(""), 403, `{"detail":"Ingress list 'other' not configured"}`},
		{client, "sales-1", "odd", doc(""), 403, `{"detail":"Invalid configuration for ingress list 'odd'"}`},
		{client, "support-1", "sales", doc(""), 403, `{"detail":"Invalid API Key for ingress list 'sales'"}`},
		{client, "main-token", "sales", doc(""), 403, `{"detail":"Invalid API Key for ingress list 'sales'"}`},
		{client, "wrong", "sales", `{"parties":[]}`, 422, `{"detail":[{"loc":["body","uuid"],"msg":"field required","type":"value_error.missing"}]}`},
		{client, "wrong", "", doc(""), 422, `{"detail":[{"loc":["query","ingress_list"],"msg":"field required","type":"value_error.missing"}]}`},
		{client, "wrong", "sales", strings.Repeat(" ", strangerLimit+1), 403, `{"detail":"Invalid API Key for ingress list 'sales'"}`},
	} {
		got := ask(t, tt.client, "POST", "/vcon/external-ingress?ingress_list="+tt.list, tt.body, "X-Conserver-Api-Token: "+tt.key)
		if got.status != tt.status || got.body != tt.want {
			t.Errorf("key %q list %q: %d %s, want %d %s", tt.key, tt.list, got.status, got.body, tt.status, tt.want)
		}
	}
}
