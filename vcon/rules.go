package vcon

// rule is one row of the table of rules: an index into ruleTable.
type rule uint8

// The rules, in the order of the table.
const (
	ruleV01 rule = iota
	ruleV02
	ruleV03
	ruleV04
	ruleT01
	ruleT02
	ruleT03
	ruleT04
	ruleT05
	ruleT06
	ruleT07
	ruleT08
	ruleT09
	ruleT10
	ruleT11
	ruleT12
	ruleT13
	ruleT14
	ruleT15
	ruleT16
	ruleT17
	ruleE01
	ruleE02
	ruleE03
	ruleE04
	ruleP01
	ruleP02
	ruleP03
	ruleP04
	ruleP05
	ruleP06
	ruleP07
	ruleD01
	ruleD02
	ruleD03
	ruleD04
	ruleD05
	ruleD06
	ruleD07
	ruleD08
	ruleD09
	ruleD10
	ruleD11
	ruleD12
	ruleD13
	ruleD14
	ruleD15
	ruleD16
	ruleD17
	ruleA01
	ruleA02
	ruleA03
	ruleA04
	ruleN01
	ruleN02
	ruleN03
	ruleN04
	ruleB01
	ruleB02
	ruleB03
	ruleB04
	ruleB05
	ruleB06
	ruleB07
	ruleB08
	ruleH01
	ruleH02
	ruleH03
	ruleH04
	ruleH05
	ruleM01
	ruleS01
	ruleS02
	ruleS03
	ruleS04
	ruleS05
	ruleS06
	ruleS07
	ruleS08
	ruleS09
	ruleL01
	ruleL02
	ruleW01
	ruleU01
	ruleU02
	ruleMore
)

// weight is what a rule means in a mode.
type weight uint8

const (
	silent  weight = iota // nothing is said
	fixed                 // understood as if it were right, nothing is said
	warning               // reported, accepted
	refusal               // reported, refused
)

// ruleRow is a rule as the documentation and the checks know it. A note names the cases that weigh otherwise.
type ruleRow struct {
	id, fires       string
	strict, lenient weight
	note            string
}

// ruleTable is checked against docs/validation.md by a test.
var ruleTable = [...]ruleRow{
	ruleV01:  {"V01", "not JSON, not UTF-8, or the top is not an object", refusal, refusal, "by Parse"},
	ruleV02:  {"V02", "deeper, larger or with more elements than the limits", refusal, refusal, "by Parse, also of a signed payload"},
	ruleV03:  {"V03", "a member name twice in an object of the core", refusal, warning, "the last one counts"},
	ruleV04:  {"V04", "neither unsigned, signed nor encrypted", refusal, refusal, "by Parse"},
	ruleT01:  {"T01", "`uuid` missing or not of UUID shape", refusal, refusal, "by Parse; a signed vCon's payload is what counts"},
	ruleT02:  {"T02", "`uuid` is not version 8", warning, silent, ""},
	ruleT03:  {"T03", "`created_at` missing", refusal, fixed, ""},
	ruleT04:  {"T04", "a date is not RFC 3339", refusal, warning, "lenient: nothing when only the offset is missing"},
	ruleT05:  {"T05", "`vcon` is not `0.4.0`", refusal, warning, "lenient: nothing for 0.0.1, 0.0.2, 0.3.0"},
	ruleT06:  {"T06", "`vcon` is there at all", warning, silent, ""},
	ruleT07:  {"T07", "`updated_at` before `created_at`", warning, silent, ""},
	ruleT08:  {"T08", "none of `parties`, `dialog`, `analysis`, `attachments`", warning, warning, ""},
	ruleT09:  {"T09", "one of these four is not an array", refusal, refusal, "lenient: null counts as absent"},
	ruleT10:  {"T10", "an element of them is not an object", refusal, refusal, ""},
	ruleT11:  {"T11", "`redacted` and `amended` both there", refusal, warning, ""},
	ruleT12:  {"T12", "`redacted` without `type`", refusal, warning, ""},
	ruleT13:  {"T13", "leftovers: `redacted: {}`, `amended: {}`, null members, `group`", warning, fixed, "strict: error for `redacted: {}`"},
	ruleT14:  {"T14", "`amended` or `redacted` with `url` but without `content_hash`", refusal, warning, ""},
	ruleT15:  {"T15", "`amended` with neither `uuid` nor `url`", refusal, warning, ""},
	ruleT16:  {"T16", "a member has the name of an older draft", warning, fixed, "strict: error when the current name is there too and differs"},
	ruleT17:  {"T17", "an unknown member while no extension is named", warning, silent, ""},
	ruleE01:  {"E01", "`extensions`, `critical` are not arrays of unique strings", refusal, warning, ""},
	ruleE02:  {"E02", "`critical` names what `extensions` does not", refusal, warning, ""},
	ruleE03:  {"E03", "`critical` names an extension that no reader here knows", refusal, warning, "stored; no chain runs over such a vCon"},
	ruleE04:  {"E04", "an extension's name is not snake_case", warning, silent, ""},
	ruleP01:  {"P01", "a party's member has the wrong JSON type", refusal, warning, ""},
	ruleP02:  {"P02", "`tel` is no number by RFC 3966", warning, silent, ""},
	ruleP03:  {"P03", "`mailto` without `@`; `sip`, `did` no such URI", warning, silent, ""},
	ruleP04:  {"P04", "`name` without `validation`", warning, silent, ""},
	ruleP05:  {"P05", "party `type` is not person, bot, organization", warning, silent, ""},
	ruleP06:  {"P06", "`civicaddress` has an unknown key, or a value that is no string", warning, silent, ""},
	ruleP07:  {"P07", "`role`, `contact_list` without `CC` in `extensions`", warning, silent, ""},
	ruleD01:  {"D01", "dialog `type` missing or not one of the five", refusal, warning, ""},
	ruleD02:  {"D02", "`start` missing where it should be", warning, silent, ""},
	ruleD03:  {"D03", "`duration` negative or not a number", refusal, refusal, "lenient: warning for a numeric string"},
	ruleD04:  {"D04", "`parties` of another shape than the three", refusal, refusal, "lenient: warning for a numeric string"},
	ruleD05:  {"D05", "party index out of range", refusal, refusal, "lenient: warning for -1"},
	ruleD06:  {"D06", "dialog index out of range, or pointing at itself", refusal, warning, ""},
	ruleD07:  {"D07", "an index of a transfer given as an array", warning, silent, ""},
	ruleD08:  {"D08", "a member that this type must not have", refusal, warning, ""},
	ruleD09:  {"D09", "`incomplete` without `disposition`, or its value is unknown", refusal, warning, ""},
	ruleD10:  {"D10", "`disposition` on another type", warning, silent, ""},
	ruleD11:  {"D11", "`recording-set` without `recordings`, or the two directions disagree", refusal, warning, ""},
	ruleD12:  {"D12", "an entry of `recordings` is not a recording", refusal, warning, ""},
	ruleD13:  {"D13", "`transfer` lacks `transferee`, `transferor`, `original` or `target_dialog`", warning, silent, ""},
	ruleD14:  {"D14", "`session_id` is a string, or of another shape than `parties`", refusal, warning, "lenient: nothing for the string"},
	ruleD15:  {"D15", "`party_history` entry lacks a member, its `event` is unknown, or a key event has no `button`", refusal, warning, ""},
	ruleD16:  {"D16", "`originator` is the first party", warning, silent, ""},
	ruleD17:  {"D17", "inline content without `mediatype`", refusal, silent, ""},
	ruleA01:  {"A01", "attachment lacks `start`, `party` or `dialog`", refusal, warning, ""},
	ruleA02:  {"A02", "attachment's index out of range", refusal, warning, ""},
	ruleA03:  {"A03", "attachment has `type` and no `purpose`", warning, fixed, "nothing for lawful_basis"},
	ruleA04:  {"A04", "attachment has neither body nor url", refusal, warning, ""},
	ruleN01:  {"N01", "analysis lacks `type` or `vendor`", refusal, warning, ""},
	ruleN02:  {"N02", "analysis `type` not one of the six, and of no listed extension", warning, silent, ""},
	ruleN03:  {"N03", "analysis `dialog` or `attachment` index out of range", refusal, warning, ""},
	ruleN04:  {"N04", "analysis has neither body nor url", refusal, warning, ""},
	ruleB01:  {"B01", "both body and url", refusal, warning, ""},
	ruleB02:  {"B02", "body without `encoding`", refusal, fixed, ""},
	ruleB03:  {"B03", "`encoding` is not one of the three", refusal, warning, "lenient: nothing for `base64`"},
	ruleB04:  {"B04", "`none` or `base64url` with a body that is no string", refusal, warning, "lenient: nothing for objects and arrays"},
	ruleB05:  {"B05", "`base64url` body that does not decode", refusal, warning, ""},
	ruleB06:  {"B06", "`base64url` body with padding, white space or the standard alphabet", refusal, fixed, ""},
	ruleB07:  {"B07", "`json` with a string that is an object's or array's text", warning, fixed, ""},
	ruleB08:  {"B08", "`encoding` without body", warning, silent, ""},
	ruleH01:  {"H01", "`url` is no absolute URL", refusal, warning, "lenient: error in a dialog"},
	ruleH02:  {"H02", "`url` without `content_hash`", refusal, warning, ""},
	ruleH03:  {"H03", "`content_hash` of another form, or of the wrong length for its algorithm", refusal, warning, ""},
	ruleH04:  {"H04", "unknown hash algorithm", warning, warning, ""},
	ruleH05:  {"H05", "`url` with another scheme than https", refusal, warning, ""},
	ruleM01:  {"M01", "`mediatype` is not `type/subtype`", refusal, warning, "lenient: error in a dialog"},
	ruleS01:  {"S01", "JWS or JWE lacks a part, or a part is not base64url", refusal, refusal, ""},
	ruleS02:  {"S02", "JWS without `x5c` and `x5u`", refusal, warning, ""},
	ruleS03:  {"S03", "signature does not verify with an accepted key", refusal, refusal, "not decided here: needs keys"},
	ruleS04:  {"S04", "certificate chain not trusted or expired; `x5u` not https", refusal, warning, "here: `x5u` alone; the chain needs roots"},
	ruleS05:  {"S05", "`alg` not accepted, or `none`", refusal, refusal, "here: `none`, missing and HMAC; the list of accepted ones needs the setting"},
	ruleS06:  {"S06", "header `uuid` differs from the payload's", refusal, refusal, ""},
	ruleS07:  {"S07", "a header parameter both protected and unprotected", warning, silent, ""},
	ruleS08:  {"S08", "the plaintext of a JWE is not a JWS", refusal, warning, "not decided here: needs keys"},
	ruleS09:  {"S09", "`cty` is not one of the two media types", warning, silent, ""},
	ruleL01:  {"L01", "lawful basis lacks one of its three members, or its value is unknown", refusal, warning, ""},
	ruleL02:  {"L02", "lawful basis has expired", warning, warning, ""},
	ruleW01:  {"W01", "WTF transcript lacks `transcript`, `segments` or `metadata`; `end` before `start`; confidence outside 0 to 1", refusal, warning, ""},
	ruleU01:  {"U01", "a field of the Python server's model is missing or of the wrong type", silent, silent, "upstream mode only"},
	ruleU02:  {"U02", "a field breaks one of the Python server's own rules", silent, silent, "upstream mode only"},
	ruleMore: {"MORE", "more findings than are reported", silent, silent, "the last finding says how many, and refuses if one of them does"},
}

func (r rule) row() *ruleRow { return &ruleTable[r] }

// weight is what the rule means in a mode, exceptions aside.
func (r rule) weight(m Mode) weight {
	if m == Strict {
		return ruleTable[r].strict
	}
	return ruleTable[r].lenient
}
