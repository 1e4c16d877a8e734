package hostabi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// abi is the version that abi_info tells: major, minor.
const abiMajor, abiMinor = 1, 0

// The feature bits of abi_info.
const (
	FeatureSpellings = 1 << 0 // pointers take old and new names of core members
	FeaturePresign   = 1 << 1 // http_presign works; whether it is granted is another question
	FeatureKV        = 1 << 2
	FeatureMetered   = 1 << 3
	FeatureFormat    = 1 << 4 // doc_read takes AsFormat
)

// ABIInfo is 1<<48 | minor<<32 | feature bits.
func (c *Call) ABIInfo() int64 {
	c.used.HostCalls++
	features := int64(FeatureSpellings | FeaturePresign | FeatureFormat)
	if c.o.KV != nil {
		features |= FeatureKV
	}
	return abiMajor<<48 | abiMinor<<32 | features
}

// linkInfo is what config_read gives at /_link.
type linkInfo struct {
	Name        string `json:"name"`
	Chain       string `json:"chain"`
	List        string `json:"list"`
	Attempt     int    `json:"attempt"`
	DeadlineMS  int64  `json:"deadline_ms"` // Unix; 0 = none
	TraceParent string `json:"traceparent"`
	Run         string `json:"run"`
	Digest      string `json:"digest"`
}

// ConfigRead gives the JSON text at a pointer into the link's options; "" is all of them, /_link what the host says of
// this run. Also while the module starts. Errors: -1, -3, -11.
func (c *Call) ConfigRead(p, out []byte) int64 {
	c.used.HostCalls++
	if err := checkPointer(p); err != nil {
		return int64(c.fail(err))
	}
	pointer := string(p)
	text, err := c.options()
	if within(pointer, "/_link") {
		text, pointer = c.linkInfo(), strings.TrimPrefix(pointer, "/_link")
	}
	if err == nil {
		text, err = lookup(text, pointer)
	}
	if err != nil {
		return int64(c.fail(err))
	}
	return give(text, out)
}

func (c *Call) linkInfo() []byte {
	if c.starts || c.o.Doc == nil {
		return startInfo(c.o.Link, c.o.Digest)
	}
	info := linkInfo{Name: c.o.Link, Chain: c.o.Chain, List: c.o.List, Attempt: max(c.o.Attempt, 1),
		TraceParent: c.o.TraceParent, Run: hex.EncodeToString(c.o.Run[:]), Digest: c.o.Digest}
	if d, ok := c.ctx.Deadline(); ok {
		info.DeadlineMS = d.UnixMilli()
	}
	text, err := json.Marshal(info)
	if err != nil {
		panic("hostabi: link info: " + err.Error()) // strings and numbers always encode
	}
	return text
}

// startInfo is linkInfo while a module starts: what is the same for every run.
func startInfo(name, digest string) []byte {
	text, err := json.Marshal(linkInfo{Name: name, Attempt: 1, Digest: digest})
	if err != nil {
		panic("hostabi: link info: " + err.Error()) // strings and numbers always encode
	}
	return text
}

// Link is the link's name in the config.
func (c *Call) Link() string { return c.o.Link }

// Environ is the environment of a command: its options as JSON, its name, attempt, chain and list.
func (c *Call) Environ() []string {
	options, err := c.options()
	if err != nil {
		options = []byte("{}") // no object: the config refuses it before
	}
	return []string{
		"VCON_LINK_OPTIONS=" + string(options),
		"VCON_LINK_NAME=" + c.o.Link,
		"VCON_LINK_ATTEMPT=" + strconv.Itoa(max(c.o.Attempt, 1)),
		"VCON_LINK_CHAIN=" + c.o.Chain,
		"VCON_LINK_LIST=" + c.o.List,
	}
}

// options are the link's own, without a member _link.
func (c *Call) options() ([]byte, *callError) {
	text := bytes.TrimSpace(c.o.Config)
	if len(text) == 0 || string(text) == "null" {
		return []byte("{}"), nil
	}
	if !bytes.Contains(text, []byte("_link")) {
		return text, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, failure(WrongType, "the options are no JSON object")
	}
	if _, has := members["_link"]; !has {
		return text, nil
	}
	delete(members, "_link")
	text, err := json.Marshal(members)
	if err != nil {
		return nil, failure(WrongType, "the options: %v", err)
	}
	return text, nil
}

// lookup finds the value at pointer in a JSON text.
func lookup(text []byte, pointer string) ([]byte, *callError) {
	if pointer == "" {
		return bytes.TrimSpace(text), nil
	}
	for _, step := range strings.Split(pointer[1:], "/") {
		next := member(text, unescape(step))
		if next == nil {
			return nil, failure(NotFound, "options: nothing at %q", pointer)
		}
		text = next
	}
	return bytes.TrimSpace(text), nil
}

// member is one step of lookup, nil when there is nothing.
func member(text []byte, step string) []byte {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) == nil {
		return object[step]
	}
	var array []json.RawMessage
	i, err := strconv.Atoi(step)
	if err != nil || strconv.Itoa(i) != step || json.Unmarshal(text, &array) != nil || i < 0 || i >= len(array) {
		return nil
	}
	return array[i]
}
