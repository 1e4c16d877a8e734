package vcon

import (
	"strings"
	"testing"
)

const upstreamHead = `"vcon":"0.0.1","uuid":"019543da-b5aa-8d63-9dd8-dd37220d739c","created_at":"2025-02-26T10:00:00Z"`

func TestUpstream(t *testing.T) {
	t.Parallel()
	person := func(s string) string { return upstreamHead + `,"parties":[{` + s + `}]` }
	talk := func(s string) string { return upstreamHead + `,"parties":[{},{}],"dialog":[{},{` + s + `}]` }
	created := func(s string) string { return `"vcon":"","uuid":"019543dab5aa8d639dd8dd37220d739c","created_at":` + s }
	long := strings.Repeat("x", 100)
	tests := []struct{ in, want string }{ // "pointer | type | message", "" = accepted
		{upstreamHead, ""},
		{upstreamHead + `,"vcon":null`, "/vcon | type_error.none.not_allowed | none is not an allowed value"},
		{upstreamHead + `,"vcon":1`, "/vcon | type_error.str | str type expected"},
		{`"uuid":"{019543DA-b5aa-8d63-9dd8-dd37220d739c}","created_at":1`, "/vcon | value_error.missing | field required"},
		{created(`"2025-02-26"`), ""},
		{created(`"2025-02-26 10:00"`), ""},
		{created(`1740564000123`), ""},
		{created(`"1740564000.5"`), ""},
		{created(`"Wed, 26 Feb 2025 10:00:00 GMT"`), "/created_at | value_error.datetime | invalid datetime format"},
		{created(`true`), "/created_at | value_error.datetime | invalid datetime format"},
		{created(`null`), "/created_at | type_error.none.not_allowed | none is not an allowed value"},
		{upstreamHead + `,"subject":null,"appended":null`, ""},
		{upstreamHead + `,"subject":7`, "/subject | type_error.str | str type expected"},
		{upstreamHead + `,"redacted":null`, "/redacted | type_error.none.not_allowed | none is not an allowed value"},
		{upstreamHead + `,"appended":[]`, "/appended | type_error.dict | value is not a valid dict"},
		{upstreamHead + `,"group":[1]`, "/group/0 | type_error.dict | value is not a valid dict"},
		{upstreamHead + `,"analysis":{}`, "/analysis | type_error.list | value is not a valid list"},
		{upstreamHead + `,"attachments":null`, "/attachments | type_error.none.not_allowed | none is not an allowed value"},
		{upstreamHead + `,"attachments":[{"mimetype":7}],"unknown":null`, ""},
		{person(`"tel":null`), ""},
		{person(`"tel":"(555) 0100 x7"`), ""},
		{person(`"tel":"+٣٤٥٦٧"`), ""},
		{person(`"tel":5550100`), "/parties/0/tel | type_error.str | str type expected"},
		{person(`"tel":"1234"`), "/parties/0/tel | value_error | tel has invalid format: '1234'"},
		{person(`"tel":""`), "/parties/0/tel | value_error | tel has invalid format: ''"},
		{person(`"tel":"tel:+15550100"`), "/parties/0/tel | value_error | tel has invalid format: 'tel:+15550100'"},
		{person(`"tel":"1'\n\u0000\u200b"`), `/parties/0/tel | value_error | tel has invalid format: "1'\n\x00\u200b"`},
		{person(`"tel":"'\"\\"`), `/parties/0/tel | value_error | tel has invalid format: '\'"\\'`},
		{person(`"tel":"` + long + `"`), "/parties/0/tel | value_error | tel has invalid format: '" + long[:64] + "'"},
		{talk(`"duration":"12.5","start":"any","parties":["0",0.0,true,"1.0"],"url":"s3://b/k","mimetype":"audio/x-wav","alg":"SHA-512"`), ""},
		{talk(`"duration":null,"start":null,"parties":null,"url":null,"mimetype":null,"alg":null`), ""},
		{talk(`"duration":false`), ""},
		{talk(`"duration":-30`), "/dialog/1/duration | value_error | duration must be >= 0"},
		{talk(`"duration":"-1"`), "/dialog/1/duration | value_error | duration must be >= 0"},
		{talk(`"duration":"long"`), "/dialog/1/duration | type_error.float | value is not a valid float"},
		{talk(`"duration":"0x10"`), "/dialog/1/duration | type_error.float | value is not a valid float"},
		{talk(`"duration":[]`), "/dialog/1/duration | type_error.float | value is not a valid float"},
		{talk(`"start":1`), "/dialog/1/start | type_error.str | str type expected"},
		{talk(`"parties":0`), "/dialog/1/parties | type_error.list | value is not a valid list"},
		{talk(`"parties":[0,null]`), "/dialog/1/parties/1 | type_error.none.not_allowed | none is not an allowed value"},
		{talk(`"parties":[0.5]`), "/dialog/1/parties/0 | type_error.integer | value is not a valid integer"},
		{talk(`"parties":["1.05"]`), "/dialog/1/parties/0 | type_error.integer | value is not a valid integer"},
		{talk(`"parties":[0,5,7]`), " | value_error | dialog[1].parties contains index 5 which is out of range (parties has 2 entries)"},
		{talk(`"parties":[-1]`), " | value_error | dialog[1].parties contains index -1 which is out of range (parties has 2 entries)"},
		{talk(`"parties":[9],"alg":"none"`), "/dialog/1/alg | value_error | alg 'none' is not a recognised algorithm"},
		{talk(`"url":"e/x"`), "/dialog/1/url | value_error | url does not look like a valid URL: 'e/x'"},
		{talk(`"url":"1http://x"`), "/dialog/1/url | value_error | url does not look like a valid URL: '1http://x'"},
		{talk(`"mimetype":"audio/wav; codecs=1"`), "/dialog/1/mimetype | value_error | mimetype has invalid format: 'audio/wav; codecs=1'"},
		{talk(`"mediatype":7`), ""},
		{talk(`"mimetype":"a/b","url":"x","start":1,"duration":-1`),
			"/dialog/1/duration | value_error | duration must be >= 0\n/dialog/1/start | type_error.str | str type expected\n" +
				"/dialog/1/url | value_error | url does not look like a valid URL: 'x'"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range Validate(mustParse(t, "{"+tt.in+"}"), Upstream) {
				if f.Severity != Error {
					t.Errorf("no error: %s", f)
				}
				got = append(got, f.Pointer+" | "+f.Type+" | "+f.Message)
			}
			if text := strings.Join(got, "\n"); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}
