package vcon

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Parts of documents that strict mode has nothing to say about.
const (
	strictHead   = `{"uuid":"019543da-b5aa-8d63-9dd8-dd37220d739c","created_at":"2025-02-26T10:00:00Z"`
	strictText   = `"type":"text","start":"2025-02-26T10:00:00Z","parties":[0,1],"mediatype":"text/plain"`
	strictDialog = `{` + strictText + `,"body":"hello","encoding":"none"}`
	strictBody   = `"mediatype":"text/plain","body":"x","encoding":"none"`
	sha          = `"content_hash":"sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"`
	attached     = `"purpose":"x","start":"2025-02-26T10:00:00Z","party":0,"dialog":0`
)

// whole is a document of two parties, a dialog and what is given: members to add at the top, or one of these two anew.
func whole(members string) string {
	text := strictHead
	for _, m := range []struct{ name, value string }{
		{"parties", `[{"tel":"+15550100"},{}]`},
		{"dialog", "[" + strictDialog + "]"},
	} {
		if !strings.HasPrefix(members, `"`+m.name+`":`) {
			text += `,"` + m.name + `":` + m.value
		}
	}
	if members != "" {
		text += "," + members
	}
	return text + "}"
}

func party(p string) string      { return whole(`"parties":[{` + p + `},{}]`) }
func dialogs(d ...string) string { return whole(`"dialog":[` + strings.Join(d, ",") + `]`) }
func text(more string) string {
	return dialogs(`{` + strictText + `,"body":"hello","encoding":"none",` + more + `}`)
}
func analysis(a string) string { return whole(`"analysis":[{` + a + `}]`) }
func attach(a string) string   { return whole(`"attachments":[{` + a + `}]`) }
func content(c string) string {
	return dialogs(`{"type":"text","start":"2025-02-26T10:00:00Z","parties":0,` + c + `}`)
}
func jws(payload, header, protected string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"payload":"%s","signatures":[{"header":%s,"protected":"%s","signature":"AAAA"}]}`,
		b64([]byte(payload)), header, b64([]byte(protected)))
}

const (
	protectedRS = `{"alg":"RS256","x5c":["AAAA"]}`
	jwe         = `{"unprotected":{"uuid":"019543da-b5aa-8d63-9dd8-dd37220d739c"},"protected":"eyJhIjoxfQ","iv":"AAAA","ciphertext":"AAAA","tag":"AAAA","recipients":[{}]`
	lawfulHead  = `"purpose":"lawful_basis","start":"2025-02-26T10:00:00Z","party":0,"dialog":0,"mediatype":"application/json","encoding":"json"`
	wtfHead     = `"type":"wtf_transcription","vendor":"v","dialog":0,"mediatype":"application/json","encoding":"json"`
)

// ruleCase is a document and what one rule says of it; "-" is nothing. An empty rule stands for every rule.
type ruleCase struct{ rule, text, pointer, strict, lenient string }

var ruleCases = []ruleCase{
	{"", whole(""), "", "-", "-"},
	{"V03", whole(`"subject":"a","subject":"b"`), "/subject", "error", "warn"},
	{"V03", party(`"x":1,"\u0078":2`), "/parties/0/x", "error", "warn"},
	{"V03", party(`"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"m":2`), "/parties/0/m", "error", "warn"},
	{"T02", strings.Replace(whole(""), "-8d63-", "-4d63-", 1), "/uuid", "warn", "-"},
	{"T03", strings.Replace(whole(""), `,"created_at":"2025-02-26T10:00:00Z"`, "", 1), "/created_at", "error", "-"},
	{"T03", strings.Replace(whole(""), `"2025-02-26T10:00:00Z"`, `null`, 1), "/created_at", "error", "-"},
	{"T04", whole(`"updated_at":"2025-03-26 10:00:00Z"`), "/updated_at", "error", "warn"},
	{"T04", whole(`"updated_at":"2025-03-26T10:00:00"`), "/updated_at", "error", "-"},
	{"T04", whole(`"updated_at":"soon"`), "/updated_at", "error", "warn"},
	{"T04", dialogs(strings.Replace(strictDialog, "2025-", "Feb ", 1)), "/dialog/0/start", "error", "warn"},
	{"T05", whole(`"vcon":"0.4.0"`), "/vcon", "-", "-"},
	{"T05", whole(`"vcon":"0.0.2"`), "/vcon", "error", "-"},
	{"T05", whole(`"vcon":"1.0"`), "/vcon", "error", "warn"},
	{"T05", whole(`"vcon":1`), "/vcon", "error", "warn"},
	{"T06", whole(`"vcon":"0.4.0"`), "/vcon", "warn", "-"},
	{"T07", whole(`"updated_at":"2025-02-26T09:59:59Z"`), "/updated_at", "warn", "-"},
	{"T07", whole(`"updated_at":"2025-02-26T10:00:00Z"`), "/updated_at", "-", "-"},
	{"T08", strictHead + `}`, "", "warn", "warn"},
	{"T09", strictHead + `,"parties":{}}`, "/parties", "error", "error"},
	{"T09", strictHead + `,"analysis":"x"}`, "/analysis", "error", "error"},
	{"T09", strictHead + `,"attachments":null}`, "/attachments", "error", "-"},
	{"T10", strictHead + `,"parties":[{},null]}`, "/parties/1", "error", "error"},
	{"T10", strictHead + `,"analysis":["x"]}`, "/analysis/0", "error", "error"},
	{"T11", whole(`"redacted":{"type":"x"},"amended":{"uuid":"x"}`), "/amended", "error", "warn"},
	{"T11", whole(`"redacted":{},"amended":{"uuid":"x"}`), "/amended", "-", "-"},
	{"T12", whole(`"redacted":{"uuid":"x"}`), "/redacted/type", "error", "warn"},
	{"T13", whole(`"redacted":{}`), "/redacted", "error", "-"},
	{"T13", whole(`"amended":{}`), "/amended", "warn", "-"},
	{"T13", whole(`"group":[]`), "/group", "warn", "-"},
	{"T13", text(`"duration":null`), "/dialog/0/duration", "warn", "-"},
	{"T14", whole(`"amended":{"url":"https://e/x"}`), "/amended/content_hash", "error", "warn"},
	{"T14", whole(`"redacted":{"type":"x","url":"https://e/x"}`), "/redacted/content_hash", "error", "warn"},
	{"T15", whole(`"amended":{"x":1}`), "/amended", "error", "warn"},
	{"T15", whole(`"appended":{"x":1}`), "/appended", "error", "warn"},
	{"T16", whole(`"appended":{"uuid":"x"}`), "/appended", "warn", "-"},
	{"T16", whole(`"must_support":[],"critical":["CC"]`), "/must_support", "error", "-"},
	{"T16", content(`"mimetype":"text/plain","mediatype":"text/plain"`), "/dialog/0/mimetype", "warn", "-"},
	{"T16", content(`"mimetype":"text/html","mediatype":"text/plain"`), "/dialog/0/mimetype", "error", "-"},
	{"T16", content(`"alg":"SHA-512"`), "/dialog/0/alg", "warn", "-"},
	{"T16", analysis(`"vendor_schema":"x"`), "/analysis/0/vendor_schema", "warn", "-"},
	{"T16", text(`"party_history":[{"party":0,"time":"2025-02-26T10:00:00Z","event":"dtmfup","button":"1"}]`),
		"/dialog/0/party_history/0/event", "warn", "-"},
	{"T17", whole(`"extra":1`), "/extra", "warn", "-"},
	{"T17", party(`"subject":1`), "/parties/0/subject", "warn", "-"},
	{"T17", whole(`"extra":1,"extensions":["my_own"]`), "/extra", "-", "-"},
	{"T17", text(`"campaign":"x"`), "/dialog/0/campaign", "warn", "-"},
	{"E01", whole(`"extensions":"CC"`), "/extensions", "error", "warn"},
	{"E01", whole(`"extensions":["CC","CC"]`), "/extensions/1", "error", "warn"},
	{"E01", whole(`"critical":[1]`), "/critical/0", "error", "warn"},
	{"E02", whole(`"critical":["CC"]`), "/critical", "error", "warn"},
	{"E02", whole(`"extensions":["CC"],"critical":["CC"]`), "/critical", "-", "-"},
	{"E03", whole(`"extensions":["my_own"],"must_support":["my_own"]`), "/must_support", "error", "warn"},
	{"E03", whole(`"extensions":["CC"],"critical":["CC"]`), "/critical", "-", "-"},
	{"E04", whole(`"extensions":["My-Own"]`), "/extensions", "warn", "-"},
	{"E04", whole(`"extensions":["my_own1"]`), "/extensions", "-", "-"},
	{"P01", party(`"tel":15550100`), "/parties/0/tel", "error", "warn"},
	{"P01", party(`"civicaddress":"here"`), "/parties/0/civicaddress", "error", "warn"},
	{"P02", party(`"tel":"tel:+1-555 0100"`), "/parties/0/tel", "warn", "-"},
	{"P02", party(`"tel":"Anonymous"`), "/parties/0/tel", "warn", "-"},
	{"P02", party(`"tel":"tel:+1-(555)-0100;ext=7"`), "/parties/0/tel", "-", "-"},
	{"P02", party(`"tel":"112"`), "/parties/0/tel", "-", "-"},
	{"P03", party(`"mailto":"nobody"`), "/parties/0/mailto", "warn", "-"},
	{"P03", party(`"sip":"a@example.com"`), "/parties/0/sip", "warn", "-"},
	{"P03", party(`"sip":"sips:a@example.com"`), "/parties/0/sip", "-", "-"},
	{"P03", party(`"did":"example"`), "/parties/0/did", "warn", "-"},
	{"P04", party(`"name":"Ann"`), "/parties/0/validation", "warn", "-"},
	{"P04", party(`"name":"Ann","validation":"none"`), "/parties/0/validation", "-", "-"},
	{"P05", party(`"type":"cat"`), "/parties/0/type", "warn", "-"},
	{"P06", party(`"civicaddress":{"country":"us","zip":"1"}`), "/parties/0/civicaddress/zip", "warn", "-"},
	{"P06", party(`"civicaddress":{"a1":7}`), "/parties/0/civicaddress/a1", "warn", "-"},
	{"P07", party(`"role":"agent"`), "/parties/0/role", "warn", "-"},
	{"P07", strictHead + `,"extensions":["CC"],"parties":[{"role":"agent"}]}`, "/parties/0/role", "-", "-"},
	{"D01", dialogs(`{"start":"2025-02-26T10:00:00Z"}`), "/dialog/0/type", "error", "warn"},
	{"D01", dialogs(`{"type":"chat"}`), "/dialog/0/type", "error", "warn"},
	{"D01", dialogs(`{"type":1}`), "/dialog/0/type", "error", "warn"},
	{"D02", dialogs(`{"type":"text"}`), "/dialog/0/start", "warn", "-"},
	{"D02", dialogs(`{"type":"transfer"}`), "/dialog/0/start", "-", "-"},
	{"D03", text(`"duration":-0.5`), "/dialog/0/duration", "error", "error"},
	{"D03", text(`"duration":-0.0e5`), "/dialog/0/duration", "-", "-"},
	{"D03", text(`"duration":"12.5"`), "/dialog/0/duration", "error", "warn"},
	{"D03", text(`"duration":"-1"`), "/dialog/0/duration", "error", "error"},
	{"D03", text(`"duration":"long"`), "/dialog/0/duration", "error", "error"},
	{"D03", text(`"duration":"NaN"`), "/dialog/0/duration", "error", "error"},
	{"D03", text(`"duration":true`), "/dialog/0/duration", "error", "error"},
	{"D04", content(`"parties":{}`), "/dialog/0/parties", "error", "error"},
	{"D04", content(`"parties":[0,[1,null]]`), "/dialog/0/parties/1/1", "error", "error"},
	{"D04", content(`"parties":[0.5]`), "/dialog/0/parties/0", "error", "error"},
	{"D04", content(`"parties":["1"]`), "/dialog/0/parties/0", "error", "warn"},
	{"D04", content(`"parties":[0,[1,0],null]`), "", "-", "-"},
	{"D04", content(`"parties":1`), "", "-", "-"},
	{"D05", content(`"parties":[0,2]`), "/dialog/0/parties/1", "error", "error"},
	{"D05", content(`"parties":[[0,9]]`), "/dialog/0/parties/0/1", "error", "error"},
	{"D05", content(`"parties":2`), "/dialog/0/parties", "error", "error"},
	{"D05", content(`"parties":[-1]`), "/dialog/0/parties/0", "error", "warn"},
	{"D05", content(`"parties":[-2]`), "/dialog/0/parties/0", "error", "error"},
	{"D05", text(`"originator":2`), "/dialog/0/originator", "error", "error"},
	{"D05", text(`"party_history":[{"party":2}]`), "/dialog/0/party_history/0/party", "error", "error"},
	{"D05", dialogs(`{"type":"transfer","transferee":2}`), "/dialog/0/transferee", "error", "error"},
	{"D05", dialogs(`{"type":"transfer","transfer-target":[0,2]}`), "/dialog/0/transfer-target/1", "error", "error"},
	{"D06", dialogs(`{"type":"transfer","original":1}`), "/dialog/0/original", "error", "warn"},
	{"D06", dialogs(`{"type":"transfer","target_dialog":0}`), "/dialog/0/target_dialog", "error", "warn"},
	{"D06", dialogs(strictDialog, `{"type":"transfer","consultation":"0"}`), "/dialog/1/consultation", "error", "warn"},
	{"D06", dialogs(`{"type":"recording","recording_set":7}`), "/dialog/0/recording_set", "error", "warn"},
	{"D06", dialogs(`{"type":"recording-set","recordings":7}`), "/dialog/0/recordings", "error", "warn"},
	{"D06", dialogs(`{"type":"recording-set","recordings":[0]}`), "/dialog/0/recordings/0", "error", "warn"},
	{"D07", dialogs(`{"type":"transfer","transferor":[0]}`), "/dialog/0/transferor", "warn", "-"},
	{"D08", dialogs(`{"type":"transfer","parties":[0]}`), "/dialog/0/parties", "error", "warn"},
	{"D08", dialogs(`{"type":"incomplete","body":"x"}`), "/dialog/0/body", "error", "warn"},
	{"D08", text(`"transfer_target":0`), "/dialog/0/transfer_target", "error", "warn"},
	{"D08", text(`"recordings":[0]`), "/dialog/0/recordings", "error", "warn"},
	{"D08", text(`"recording_set":7`), "/dialog/0/recording_set", "error", "warn"},
	{"D08", text(`"recordings":[]`), "/dialog/0/recordings", "-", "-"},
	{"D09", dialogs(`{"type":"incomplete"}`), "/dialog/0/disposition", "error", "warn"},
	{"D09", dialogs(`{"type":"incomplete","disposition":"tired"}`), "/dialog/0/disposition", "error", "warn"},
	{"D09", dialogs(`{"type":"incomplete","disposition":"busy"}`), "/dialog/0/disposition", "-", "-"},
	{"D10", text(`"disposition":"busy"`), "/dialog/0/disposition", "warn", "-"},
	{"D11", dialogs(`{"type":"recording-set"}`), "/dialog/0/recordings", "error", "warn"},
	{"D11", dialogs(`{"type":"recording-set","recordings":[1]}`, `{"type":"recording"}`), "/dialog/0/recordings", "error", "warn"},
	{"D11", dialogs(`{"type":"recording-set","recordings":[1]}`, `{"type":"recording","recording_set":0}`), "", "-", "-"},
	{"D11", dialogs(`{"type":"recording-set","recordings":[2]}`, `{"type":"recording","recording_set":0}`,
		`{"type":"recording","recording_set":0}`), "/dialog/1/recording_set", "error", "warn"},
	{"D12", dialogs(`{"type":"recording-set","recordings":[1]}`, strictDialog), "/dialog/0/recordings/0", "error", "warn"},
	{"D13", dialogs(`{"type":"transfer"}`), "/dialog/0/transferee", "warn", "-"},
	{"D13", dialogs(`{"type":"transfer","target-dialog":0}`), "/dialog/0/target_dialog", "-", "-"},
	{"D14", text(`"session_id":"x"`), "/dialog/0/session_id", "error", "-"},
	{"D14", text(`"session_id":{}`), "/dialog/0/session_id", "error", "warn"},
	{"D14", text(`"session_id":[{},{},{}]`), "/dialog/0/session_id", "error", "warn"},
	{"D14", text(`"session_id":[{}]`), "/dialog/0/session_id", "error", "warn"},
	{"D14", text(`"session_id":[{},{"local":"a","remote":"b"}]`), "/dialog/0/session_id", "-", "-"},
	{"D14", content(`"parties":[0,[1,0],null],"session_id":[{},[{},{}],null]`), "/dialog/0/session_id", "-", "-"},
	{"D14", content(`"session_id":{}`), "/dialog/0/session_id", "-", "-"},
	{"D15", text(`"party_history":{}`), "/dialog/0/party_history", "error", "warn"},
	{"D15", text(`"party_history":[7]`), "/dialog/0/party_history/0", "error", "warn"},
	{"D15", text(`"party_history":[{"time":"2025-02-26T10:00:00Z","event":"join"}]`), "/dialog/0/party_history/0/party", "error", "warn"},
	{"D15", text(`"party_history":[{"party":0,"event":"join"}]`), "/dialog/0/party_history/0/time", "error", "warn"},
	{"D15", text(`"party_history":[{"party":0}]`), "/dialog/0/party_history/0/event", "error", "warn"},
	{"D15", text(`"party_history":[{"event":"sneeze"}]`), "/dialog/0/party_history/0/event", "error", "warn"},
	{"D15", text(`"party_history":[{"event":"keyup"}]`), "/dialog/0/party_history/0/button", "error", "warn"},
	{"D15", text(`"party_history":[{"event":"keyup","dtmf":"1"}]`), "/dialog/0/party_history/0/button", "-", "-"},
	{"D16", text(`"originator":0`), "/dialog/0/originator", "warn", "-"},
	{"D16", text(`"originator":1`), "/dialog/0/originator", "-", "-"},
	{"D17", content(`"body":"x","encoding":"none"`), "/dialog/0/mediatype", "error", "-"},
	{"A01", attach(`"purpose":"x","party":0,"dialog":0`), "/attachments/0/start", "error", "warn"},
	{"A01", attach(`"purpose":"x","start":"x"`), "/attachments/0/party", "error", "warn"},
	{"A02", attach(`"party":2`), "/attachments/0/party", "error", "warn"},
	{"A02", attach(`"dialog":1`), "/attachments/0/dialog", "error", "warn"},
	{"A02", attach(`"dialog":"0"`), "/attachments/0/dialog", "error", "warn"},
	{"A03", attach(`"type":"tags"`), "/attachments/0/type", "warn", "-"},
	{"A03", attach(`"type":"lawful_basis"`), "/attachments/0/type", "-", "-"},
	{"A04", attach(attached + `,"body":""`), "/attachments/0", "error", "warn"},
	{"A04", attach(attached + `,"body":[],"encoding":"json"`), "/attachments/0", "-", "-"},
	{"N01", analysis(`"type":"summary"`), "/analysis/0/vendor", "error", "warn"},
	{"N01", analysis(`"vendor":"v"`), "/analysis/0/type", "error", "warn"},
	{"N02", analysis(`"type":"mood"`), "/analysis/0/type", "warn", "-"},
	{"N02", analysis(wtfHead), "/analysis/0/type", "warn", "-"},
	{"N02", whole(`"extensions":["wtf_transcription"],"analysis":[{` + wtfHead + `}]`), "/analysis/0/type", "-", "-"},
	{"N03", analysis(`"dialog":[0,1]`), "/analysis/0/dialog/1", "error", "warn"},
	{"N03", analysis(`"attachment":0`), "/analysis/0/attachment", "error", "warn"},
	{"N04", analysis(`"type":"summary"`), "/analysis/0", "error", "warn"},
	{"N04", analysis(`"transcript":"{}"`), "/analysis/0", "-", "-"},
	{"B01", content(`"body":"x","url":"https://e/x"`), "/dialog/0/body", "error", "warn"},
	{"B02", content(`"body":"x"`), "/dialog/0/encoding", "error", "-"},
	{"B03", content(`"body":"AAAA","encoding":"base64"`), "/dialog/0/encoding", "error", "-"},
	{"B03", content(`"body":"x","encoding":"utf-8"`), "/dialog/0/encoding", "error", "warn"},
	{"B03", content(`"body":"x","encoding":7`), "/dialog/0/encoding", "error", "warn"},
	{"B04", content(`"body":{"a":1},"encoding":"none"`), "/dialog/0/body", "error", "-"},
	{"B04", content(`"body":7,"encoding":"base64url"`), "/dialog/0/body", "error", "warn"},
	{"B05", content(`"body":"AAAAA","encoding":"base64url"`), "/dialog/0/body", "error", "warn"},
	{"B05", content(`"body":"AA$A","encoding":"base64url"`), "/dialog/0/body", "error", "warn"},
	{"B05", content(`"body":"AA==AA","encoding":"base64"`), "/dialog/0/body", "error", "warn"},
	{"B06", content(`"body":"AAA=","encoding":"base64url"`), "/dialog/0/body", "error", "-"},
	{"B06", content(`"body":"AA+\/","encoding":"base64url"`), "/dialog/0/body", "error", "-"},
	{"B06", content(`"body":"AA\r\nAA","encoding":"base64url"`), "/dialog/0/body", "error", "-"},
	{"B06", content(`"body":"AA-_","encoding":"base64url"`), "/dialog/0/body", "-", "-"},
	{"B07", content(`"body":"{}","encoding":"json"`), "/dialog/0/body", "warn", "-"},
	{"B07", content(`"body":"{","encoding":"json"`), "/dialog/0/body", "-", "-"},
	{"B08", content(`"encoding":"none"`), "/dialog/0/encoding", "warn", "-"},
	{"H01", content(`"url":"e/x"`), "/dialog/0/url", "error", "error"},
	{"H01", content(`"url":7`), "/dialog/0/url", "error", "error"},
	{"H01", attach(`"url":"://x"`), "/attachments/0/url", "error", "warn"},
	{"H01", content(`"url":""`), "/dialog/0/url", "-", "-"},
	{"H02", content(`"url":"https://e/x"`), "/dialog/0/content_hash", "error", "warn"},
	{"H02", content(`"url":"https://e/x","alg":"SHA-512","signature":"AAAA"`), "/dialog/0/content_hash", "-", "-"},
	{"H03", content(`"content_hash":"sha256"`), "/dialog/0/content_hash", "error", "warn"},
	{"H03", content(`"content_hash":"sha256-AAAA"`), "/dialog/0/content_hash", "error", "warn"},
	{"H03", content(`"content_hash":["` + strings.TrimSuffix(strings.TrimPrefix(sha, `"content_hash":"`), `"`) + `=",7]`), "/dialog/0/content_hash/0", "error", "warn"},
	{"H03", content(`"content_hash":[7]`), "/dialog/0/content_hash/0", "error", "warn"},
	{"H03", content(`"url":"https://e/x",` + sha), "", "-", "-"},
	{"H04", content(`"content_hash":"md5-AAAA"`), "/dialog/0/content_hash", "warn", "warn"},
	{"H05", content(`"url":"http://e/x"`), "/dialog/0/url", "error", "warn"},
	{"H05", content(`"url":"HTTPS://e/x"`), "/dialog/0/url", "-", "-"},
	{"M01", content(`"mediatype":"plain"`), "/dialog/0/mediatype", "error", "error"},
	{"M01", content(`"mimetype":7`), "/dialog/0/mimetype", "error", "error"},
	{"M01", attach(`"mimetype":"a b/c"`), "/attachments/0/mimetype", "error", "warn"},
	{"M01", content(`"mediatype":"multipart/mixed; \n\tboundary=\"x y\""`), "/dialog/0/mediatype", "-", "-"},
	{"M01", content(`"mediatype":""`), "/dialog/0/mediatype", "-", "-"},
	{"S01", jwe + `,"x":1}`, "", "-", "-"},
	{"S01", strings.Replace(jwe, `"tag":"AAAA",`, "", 1) + "}", "/tag", "error", "error"},
	{"S01", strings.Replace(jwe, `"iv":"AAAA"`, `"iv":"A A="`, 1) + "}", "/iv", "error", "error"},
	{"S01", strings.Replace(jwe, `[{}]`, `[]`, 1) + "}", "/recipients", "error", "error"},
	{"S01", strings.Replace(jwe, `[{}]`, `[{"encrypted_key":7}]`, 1) + "}", "/recipients/0/encrypted_key", "error", "error"},
	{"S01", strings.Replace(jwe, `[{}]`, `[{"header":7}]`, 1) + "}", "/recipients/0/header", "error", "error"},
	{"S01", strings.Replace(jwe, `[{}]`, `[7]`, 1) + "}", "/recipients/0", "error", "error"},
	{"S01", jws(whole(""), `{}`, protectedRS), "", "-", "-"},
	{"S01", jws(whole(""), `7`, protectedRS), "/signatures/0/header", "error", "error"},
	{"S01", jws(whole(""), `{}`, `[]`), "/signatures/0/protected", "error", "error"},
	{"S01", strings.Replace(jws(whole(""), `{}`, protectedRS), `,"signature":"AAAA"`, "", 1), "/signatures/0/signature", "error", "error"},
	{"S01", strings.Replace(jws(whole(""), `{}`, protectedRS), `"signatures":[`, `"signatures":[7,`, 1), "/signatures/0", "error", "error"},
	{"S02", jws(whole(""), `{}`, `{"alg":"RS256"}`), "/signatures/0", "error", "warn"},
	{"S04", jws(whole(""), `{"x5u":"http://e/x"}`, `{"alg":"RS256"}`), "/signatures/0", "error", "warn"},
	{"S05", jws(whole(""), `{}`, `{"alg":"none"}`), "/signatures/0", "error", "error"},
	{"S05", jws(whole(""), `{"alg":"hs256"}`, `{}`), "/signatures/0", "error", "error"},
	{"S05", jws(whole(""), `{}`, `{}`), "/signatures/0", "error", "error"},
	{"S06", jws(whole(""), `{"uuid":"019543da-b5aa-8d63-9dd8-000000000000"}`, protectedRS), "/signatures/0", "error", "error"},
	{"S06", jws(whole(""), `{"uuid":"019543DA-b5aa-8d63-9dd8-dd37220d739c"}`, protectedRS), "/signatures/0", "-", "-"},
	{"S07", jws(whole(""), `{"alg":"RS256"}`, protectedRS), "/signatures/0/header", "warn", "-"},
	{"S07", strings.Replace(jwe, `"unprotected":{`, `"unprotected":{"a":2,`, 1) + "}", "/unprotected", "warn", "-"},
	{"S09", strings.Replace(jwe, `"unprotected":{`, `"unprotected":{"cty":"text/plain",`, 1) + "}", "", "warn", "-"},
	{"D05", jws(content(`"parties":[7]`), `{}`, protectedRS), "/payload/dialog/0/parties/0", "error", "error"},
	{"L01", attach(lawfulHead + `,"body":{"expiration":null,"purpose_grants":[]}`), "/attachments/0/body/lawful_basis", "error", "warn"},
	{"L01", attach(lawfulHead + `,"body":{"lawful_basis":"whim","expiration":null,"purpose_grants":[]}`), "/attachments/0/body/lawful_basis", "error", "warn"},
	{"L01", attach(lawfulHead + `,"body":{"lawful_basis":"consent","purpose_grants":[]}`), "/attachments/0/body/expiration", "error", "warn"},
	{"L01", attach(lawfulHead + `,"body":{"lawful_basis":"consent","expiration":"soon","purpose_grants":[]}`), "/attachments/0/body/expiration", "error", "warn"},
	{"L01", attach(lawfulHead + `,"body":"{\"lawful_basis\":\"consent\",\"expiration\":null}"`), "/attachments/0/body/purpose_grants", "error", "warn"},
	{"L02", attach(lawfulHead + `,"body":{"expiration":"2020-01-01T00:00:00Z"}`), "/attachments/0/body/expiration", "warn", "warn"},
	{"L02", attach(lawfulHead + `,"body":{"expiration":"2999-01-01T00:00:00Z"}`), "/attachments/0/body/expiration", "-", "-"},
	{"W01", analysis(wtfHead + `,"body":{"transcript":{},"segments":[]}`), "/analysis/0/body/metadata", "error", "warn"},
	{"W01", analysis(wtfHead + `,"body":{"segments":[{"start":1,"end":1.0}]}`), "/analysis/0/body/segments/0/end", "error", "warn"},
	{"W01", analysis(wtfHead + `,"body":{"segments":[{"confidence":1.1}]}`), "/analysis/0/body/segments/0/confidence", "error", "warn"},
	{"W01", analysis(wtfHead + `,"body":{"transcript":{"confidence":-1}}`), "/analysis/0/body/transcript/confidence", "error", "warn"},
	{"W01", analysis(wtfHead + `,"body":{"transcript":{"confidence":1},"segments":[{"start":1,"end":2}],"metadata":{}}`), "", "-", "-"},
}

func TestRules(t *testing.T) {
	t.Parallel()
	for i, tt := range ruleCases {
		t.Run(fmt.Sprintf("%d %s", i, tt.rule), func(t *testing.T) {
			t.Parallel()
			v := mustParse(t, tt.text)
			for mode, want := range map[Mode]string{Strict: tt.strict, Lenient: tt.lenient} {
				if got := severityAt(Validate(v, mode), tt.rule, tt.pointer); got != want {
					t.Errorf("mode %d: %s, want %s\n%s\n%v", mode, got, want, tt.text, Validate(v, mode))
				}
			}
		})
	}
}

// severityAt is what is said of a rule at a pointer; "" stands for any rule and any pointer.
func severityAt(all []Finding, rule, pointer string) string {
	for _, f := range all {
		if (rule == "" || f.Rule == rule) && (pointer == "" || f.Pointer == pointer) {
			return [...]string{Warn: "warn", Error: "error"}[f.Severity]
		}
	}
	return "-"
}

// Every rule that is decided here has a case in which it fires in each mode that has something to say.
func TestRulesAreTested(t *testing.T) {
	t.Parallel()
	fired := map[string]bool{}
	for _, tt := range ruleCases {
		fired[tt.rule] = fired[tt.rule] || tt.strict != "-"
	}
	for _, r := range ruleTable {
		elsewhere := strings.HasPrefix(r.note, "by Parse") || strings.HasPrefix(r.note, "not decided") || r.strict == silent
		if !elsewhere && !fired[r.id] {
			t.Errorf("rule %s has no case", r.id)
		}
	}
}

// The documentation's table is the code's.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "validation.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- rules -->\n", "<!-- end of rules -->"
	before, rest, _ := strings.Cut(string(doc), begin)
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s has no place for the rules", path)
	}
	want := before + begin + ruleDocs() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(doc) != want {
		t.Errorf("%s is not what the code says; run with -update", path)
	}
}

func ruleDocs() string {
	var out strings.Builder
	out.WriteString("| Rule | Fires when | Strict | Lenient | Note |\n|---|---|---|---|---|\n")
	words := [...]string{silent: "-", fixed: "fix", warning: "warn", refusal: "error"}
	for _, r := range ruleTable {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.id, r.fires, words[r.strict], words[r.lenient], r.note)
	}
	return out.String()
}

func TestFieldNames(t *testing.T) {
	t.Parallel()
	for f, name := range fieldNames {
		if name != "" && fieldOf([]byte(name)) != field(f) {
			t.Errorf("%s is not found", name)
		}
	}
}
