package hostabi

//go:generate go run ./abigen

// ImportModule is the name that guests import the host functions from. It carries the major version of the ABI.
const ImportModule = "vcon:link/v1"

// ValueType is a type of core WebAssembly.
type ValueType byte

// The value types that the ABI uses.
const (
	I32 ValueType = iota
	I64
	F64
)

var valueTypeNames = [...]string{"i32", "i64", "f64"}

// String is the type's name in the text format.
func (t ValueType) String() string { return valueTypeNames[t] }

// ParamKind says what a parameter of a host function is: one number, or two that name bytes in the guest's memory.
type ParamKind byte

// The kinds. In, OptIn and Out are a pointer and a length, both i32, and a []byte in Go.
const (
	Num32 ParamKind = iota // an i32
	Num64                  // an i64
	Float                  // an f64
	In                     // bytes that the host reads
	OptIn                  // the same; length 0xffffffff is "not given", nil in Go
	Out                    // room that the host fills
)

// Param is one parameter.
type Param struct {
	Name string // "p"; the length that belongs to In, OptIn and Out is called Size
	Kind ParamKind
	Size string // "n", "cap"; "" for numbers
}

// Types are the parameter's types in WebAssembly.
func (p Param) Types() []ValueType {
	switch p.Kind {
	case Num32:
		return []ValueType{I32}
	case Num64:
		return []ValueType{I64}
	case Float:
		return []ValueType{F64}
	}
	return []ValueType{I32, I32}
}

// Function is one host function.
type Function struct {
	Name   string // "doc_read"
	Method string // of Call, and of the SDK's Host: "DocRead"
	Params []Param
	Result ValueType
	Starts bool   // works while a module starts, too
	Grant  string // key of allow: that it wants, "" = none
	Cost   int    // what one call costs beside the bytes that it moves, in units of a plain call
	Since  string // version that has it: "1.0"
	Rules  string // what the result means, for people; in Markdown
}

// Types is the function's type in WebAssembly.
func (f Function) Types() (params []ValueType, result ValueType) {
	for _, p := range f.Params {
		params = append(params, p.Types()...)
	}
	return params, f.Result
}

func num(name string) Param       { return Param{name, Num32, ""} }
func wide(name string) Param      { return Param{name, Num64, ""} }
func in(name, size string) Param  { return Param{name, In, size} }
func opt(name, size string) Param { return Param{name, OptIn, size} }

// out is room that the host fills; its length is cap.
var out = Param{"out", Out, "cap"}

// Functions is the one table of host functions: the binding of guests, the declarations of every SDK, the rows of
// ABI.md and the matrix of tests come from it.
func Functions() []Function {
	var all []Function
	for _, family := range [][]Function{hostFunctions(), documentFunctions(), tagFunctions(), streamFunctions(), httpFunctions(), effectFunctions(), kvFunctions(), reportFunctions()} {
		all = append(all, family...)
	}
	for i := range all {
		f := &all[i]
		if f.Cost == 0 {
			f.Cost = 1
		}
		if f.Since == "" {
			f.Since = "1.0"
		}
	}
	return all
}

func hostFunctions() []Function {
	return []Function{
		{Name: "abi_info", Method: "ABIInfo", Result: I64, Starts: true,
			Rules: "`1<<48 | minor<<32 | features`: bit 0 other spellings in pointers, 1 `http_presign`, 2 `kv_*`, 3 metered, 4 `doc_read` with `as` = 3"},
		{Name: "config_read", Method: "ConfigRead", Params: []Param{in("p", "n"), out}, Result: I64, Starts: true,
			Rules: "JSON text at a pointer into the options, \"\" = all. `/_link`: `{\"name\",\"chain\",\"list\",\"attempt\":1,\"deadline_ms\":Unix,\"traceparent\",\"run\":hex,\"digest\"}`; while a module starts it holds name and digest alone"},
		{Name: "now", Method: "Now", Result: I64,
			Rules: "Unix time in ns, in steps of 1 ms"},
		{Name: "random", Method: "Random", Params: []Param{{"out", Out, "n"}}, Result: I32,
			Rules: "fills all of `out`, at most 64 KiB, with secure random bytes; more is -11"},
	}
}

func documentFunctions() []Function {
	h, at := num("h"), in("p", "n")
	return []Function{
		{Name: "doc_type", Method: "DocType", Params: []Param{h, at}, Result: I32, Grant: "read",
			Rules: "0 absent (also: not granted), 1 null, 2 bool, 3 number, 4 string, 5 array, 6 object; never -1 or -5"},
		{Name: "doc_size", Method: "DocSize", Params: []Param{h, at}, Result: I64, Grant: "read",
			Rules: "bytes of the JSON text as `doc_read` with `as` = 0 gives it; absent -1"},
		{Name: "doc_count", Method: "DocCount", Params: []Param{h, at}, Result: I64, Grant: "read",
			Rules: "items or distinct members; neither array nor object -2; absent -1"},
		{Name: "doc_keys", Method: "DocKeys", Params: []Param{h, at, out}, Result: I64, Grant: "read",
			Rules: "member names in UTF-8, each ended by NUL, in document order; a name that holds NUL is left out; not an object -2"},
		{Name: "doc_read", Method: "DocRead", Params: []Param{h, at, num("as"), wide("off"), out}, Result: I64, Grant: "read",
			Rules: "the full length; writes `min(cap, full - off)` bytes from `off` on. `as` 0 JSON text as stored, 1 decoded string (else -2; a lone surrogate becomes U+FFFD), 2 decoded body at a `body` member (broken encoding -2), 3 the whole document as receivers outside get it (handle 1 and \"\" alone; only parts granted -5). `off` behind the end writes nothing, below 0 -11"},
		{Name: "doc_query", Method: "DocQuery", Params: []Param{h, at, out}, Result: I64, Grant: "read", Cost: 4,
			Rules: "`p` = JSON array of at most 256 pointers relative to `h`; `out` = JSON array of the values in that order, null for what is absent or not granted; one bad pointer is -3 for all"},
		{Name: "doc_open", Method: "DocOpen", Params: []Param{h, at}, Result: I32, Grant: "read",
			Rules: "a handle above 1; absent -1; more than 256 open -6"},
		{Name: "doc_close", Method: "DocClose", Params: []Param{h}, Result: I32,
			Rules: "closes a handle of any kind; handle 1 and what is not open -11"},
		{Name: "doc_edit", Method: "DocEdit", Params: []Param{h, num("op"), at, in("v", "vn")}, Result: I32, Grant: "write", Cost: 4,
			Rules: "`op` 0 add, 1 replace, 2 remove (`vn` 0), 3 append to the array at `p`, 4 test. Missing parent -1; not granted, `/uuid` and the root -5; `v` not one JSON value, deeper than 128, or no vCon afterwards -11; a test that differs -9 (numbers by value, objects without order)"},
		{Name: "doc_patch", Method: "DocPatch", Params: []Param{h, in("v", "vn")}, Result: I32, Grant: "write", Cost: 4,
			Rules: "RFC 6902 array, pointers relative to `h`; all or nothing; `error_text` has the index of the operation that failed; `copy` and `move` want read and write"},
		{Name: "doc_append_body", Method: "DocAppendBody", Params: []Param{h, num("kind"), in("meta", "mn"), num("s")}, Result: I32, Grant: "write", Cost: 4,
			Rules: "`h` = 1; `kind` 0 dialog, 1 analysis, 2 attachment; `meta` a JSON object without `body` and `url`; its `encoding` (`base64url`, `json`, `none`) is obeyed and checked (-2), absent = `none` for text media types, else `base64url`; `s` is read from its start. The new index is `doc_count` - 1"},
	}
}

func tagFunctions() []Function {
	name := in("name", "n")
	return []Function{
		{Name: "tag_get", Method: "TagGet", Params: []Param{name, out}, Result: I64, Grant: "read",
			Rules: "the first value, of any tags attachment, list or object body; none -1; a name with `:` -11"},
		{Name: "tag_add", Method: "TagAdd", Params: []Param{name, in("v", "vn")}, Result: I32, Grant: "write: tags",
			Rules: "0, also when the pair was there"},
		{Name: "tag_list", Method: "TagList", Params: []Param{out}, Result: I64, Grant: "read",
			Rules: "JSON array of `\"name:value\"` in document order; none = `[]`"},
		{Name: "tag_remove", Method: "TagRemove", Params: []Param{name, opt("v", "vn")}, Result: I32, Grant: "write: tags",
			Rules: "the number removed; `vn` = 0xffffffff: every value"},
	}
}

func streamFunctions() []Function {
	h, s, at := num("h"), num("s"), in("p", "n")
	return []Function{
		{Name: "stream_open", Method: "StreamOpen", Params: []Param{h, at}, Result: I32, Grant: "read", Cost: 4,
			Rules: "decoded bytes of a `body` member (as `doc_read` with `as` = 2), or of any string; absent -1, broken encoding -2"},
		{Name: "stream_fetch", Method: "StreamFetch", Params: []Param{h, at}, Result: I32, Grant: "fetch", Cost: 100,
			Rules: "`p` = a dialog, analysis or attachment; the host fetches its `url`, whole, if it stood there before this run (else -5), and checks `content_hash` (-9) before it gives the handle; no url -1; not 2xx -8"},
		{Name: "stream_new", Method: "StreamNew", Result: I32,
			Rules: "an empty stream on the host: memory, then a file"},
		{Name: "stream_write", Method: "StreamWrite", Params: []Param{s, at}, Result: I32,
			Rules: "appends; 0 = all taken; only to streams of `stream_new`, else -10"},
		{Name: "stream_read", Method: "StreamRead", Params: []Param{s, out}, Result: I64,
			Rules: "bytes read from the cursor, may be short; 0 = end; `cap` 0 gives 0"},
		{Name: "stream_size", Method: "StreamSize", Params: []Param{s}, Result: I64,
			Rules: "bytes of the whole stream"},
		{Name: "stream_close", Method: "StreamClose", Params: []Param{s}, Result: I32,
			Rules: "as `doc_close`"},
	}
}

func httpFunctions() []Function {
	r, req := num("r"), in("p", "n")
	return []Function{
		{Name: "http_send", Method: "HTTPSend", Params: []Param{req, num("body")}, Result: I32, Grant: "http", Cost: 100,
			Rules: "`p` = JSON `{method:\"GET\", url, headers:{name: text or [text]}, timeout_ms:30000, parts:[…], redirects:0, sign:{…}}`; `body` a stream, sent from its start with its length, or 0; `parts` and `body` together -11. Any status is a success: a response handle. The host sets Idempotency-Key unless given. Waits at most `min(timeout_ms, the run's deadline)`: -7. The reply is decoded (gzip) and capped (-6)"},
		{Name: "http_status", Method: "HTTPStatus", Params: []Param{r}, Result: I32,
			Rules: "100 to 599"},
		{Name: "http_header", Method: "HTTPHeader", Params: []Param{r, in("name", "n"), out}, Result: I64,
			Rules: "the value, any case of the name, several joined by \", \"; none -1"},
		{Name: "http_headers", Method: "HTTPHeaders", Params: []Param{r, out}, Result: I64,
			Rules: "JSON object with lower-case names"},
		{Name: "http_body", Method: "HTTPBody", Params: []Param{r}, Result: I32,
			Rules: "a new stream with its own cursor at each call"},
		{Name: "http_presign", Method: "HTTPPresign", Params: []Param{req, out}, Result: I64, Grant: "http, secrets", Cost: 100,
			Rules: "`p` = `{method, url, expires_s, sign:{aws4:{service, region, key:\"{{secret:A}}\", secret:\"{{secret:B}}\"}}}`; gives a URL; both secrets need `in: [query]`"},
	}
}

func effectFunctions() []Function {
	return []Function{
		{Name: "route", Method: "Route", Params: []Param{in("list", "n")}, Result: I32, Grant: "queues",
			Rules: "the vCon goes to `list` when the chain ends, also on halt; the same list once; not in `queues` -5; no legal name -11"},
		{Name: "expire", Method: "Expire", Params: []Param{wide("seconds")}, Result: I32, Grant: "ttl",
			Rules: "the last call wins; 0 = with the end of the chain; below 0 or above 10 years -11"},
		{Name: "retry_after", Method: "RetryAfter", Params: []Param{wide("ms")}, Result: I32,
			Rules: "the delay for result 2 or exit 11: 0 to 1 h, else -11; ignored with other results"},
		{Name: "vcon_create", Method: "VconCreate", Params: []Param{num("flags"), in("lists", "ln"), in("v", "vn"), out}, Result: I64, Grant: "create", Cost: 4,
			Rules: "`flags` 1 = it becomes the chain's vCon; `lists` = JSON array, each in `queues` (-5), or empty; 36 = the uuid's length, with a smaller `cap` nothing is made; an existing uuid -9; at most 100 a run"},
	}
}

func kvFunctions() []Function {
	k := in("k", "kn")
	return []Function{
		{Name: "kv_get", Method: "KVGet", Params: []Param{k, out}, Result: I64, Grant: "kv", Cost: 10,
			Rules: "none or expired -1; a key has 1 to 256 bytes"},
		{Name: "kv_put", Method: "KVPut", Params: []Param{k, in("v", "vn"), wide("ttl")}, Result: I32, Grant: "kv", Cost: 10,
			Rules: "a value has at most 64 KiB; `ttl` in seconds, 0 = none, below 0 -11"},
		{Name: "kv_cas", Method: "KVCas", Params: []Param{k, opt("old", "on"), opt("v", "vn"), wide("ttl")}, Result: I32, Grant: "kv", Cost: 10,
			Rules: "`on` = 0xffffffff: it must be absent; `vn` = 0xffffffff: remove it; another value is there -9"},
		{Name: "kv_del", Method: "KVDel", Params: []Param{k}, Result: I32, Grant: "kv", Cost: 10,
			Rules: "0 removed, -1 none"},
	}
}

func reportFunctions() []Function {
	text := in("p", "n")
	return []Function{
		{Name: "log", Method: "Log", Params: []Param{num("level"), text}, Result: I32, Starts: true,
			Rules: "`level` 0 debug, 1 info, 2 warn, 3 error; 0, or 1 when the line was dropped; cut at 1 KiB"},
		{Name: "metric", Method: "Metric", Params: []Param{num("kind"), text, {"value", Float, ""}}, Result: I32,
			Rules: "`kind` 0 counter (not below 0, added), 1 gauge, 2 histogram; name `[A-Za-z_][A-Za-z0-9_.-]{0,63}`, 32 names a link, then -6; NaN and Inf -11"},
		{Name: "error_set", Method: "ErrorSet", Params: []Param{text}, Result: I32, Starts: true,
			Rules: "why the run is about to fail; the last call wins, 1 KiB; unused unless it fails"},
		{Name: "error_text", Method: "ErrorText", Params: []Param{out}, Result: I64, Starts: true,
			Rules: "the words for the last failed call of this run; none = 0"},
	}
}
