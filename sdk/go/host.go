// Package link is the SDK for authors of links in Go: the Host interface, one method per host function of the guest ABI
// "vcon:link/v1", and helpers that make them pleasant. The same source runs natively, as a builtin link, and as a
// sandboxed guest. Standard library only.
//
// A link is a function that looks at one vCon and may change it:
//
//	func Run(c *link.Call) link.Result {
//		var o struct {
//			Words []string `json:"words"`
//		}
//		if err := c.Options(&o); err != nil {
//			return link.Fail(err)
//		}
//		for dialog := range c.At("dialog").Each() {
//			text, err := dialog.At("body").Text()
//			if err != nil {
//				continue // no text
//			}
//			if mentions(text, o.Words) {
//				if err := c.AddTag("mentioned", "yes"); err != nil {
//					return link.Fail(err)
//				}
//			}
//		}
//		return link.Done()
//	}
//
// What a link changes is kept when it returns Done or Halt, and dropped otherwise. It sees one vCon and what its config
// grants, nothing else; it must keep nothing between two runs.
package link

// Host is what a link may ask of the server: one method per host function. A []byte parameter stands for pointer and
// length of the ABI; out is filled by the host. Results below zero are Codes; ErrorText tells more. The helpers of Call
// wrap all of these; use Host directly where they are not enough.
//
// Methods that fill out give the full length and write nothing when it exceeds len(out); an empty out asks for the size.
// Where a parameter may be nil, nil means what the ABI writes as 0xffffffff.
type Host interface {
	ABIInfo() int64

	DocType(h int32, p []byte) int32
	DocSize(h int32, p []byte) int64
	DocCount(h int32, p []byte) int64
	DocKeys(h int32, p, out []byte) int64
	DocRead(h int32, p []byte, as int32, off int64, out []byte) int64
	DocQuery(h int32, p, out []byte) int64
	DocOpen(h int32, p []byte) int32
	DocClose(h int32) int32
	DocEdit(h, op int32, p, v []byte) int32
	DocPatch(h int32, patch []byte) int32
	DocAppendBody(h, kind int32, meta []byte, s int32) int32

	TagGet(name, out []byte) int64
	TagAdd(name, value []byte) int32
	TagList(out []byte) int64
	TagRemove(name, value []byte) int32 // nil value: every value

	StreamOpen(h int32, p []byte) int32
	StreamFetch(h int32, p []byte) int32
	StreamNew() int32
	StreamWrite(s int32, p []byte) int32
	StreamRead(s int32, out []byte) int64
	StreamSize(s int32) int64
	StreamClose(s int32) int32

	HTTPSend(req []byte, body int32) int32
	HTTPStatus(r int32) int32
	HTTPHeader(r int32, name, out []byte) int64
	HTTPHeaders(r int32, out []byte) int64
	HTTPBody(r int32) int32
	HTTPPresign(req, out []byte) int64

	ConfigRead(p, out []byte) int64

	Route(list []byte) int32
	Expire(seconds int64) int32
	RetryAfter(ms int64) int32
	VconCreate(flags int32, lists, v, out []byte) int64

	KVGet(key, out []byte) int64
	KVPut(key, value []byte, ttl int64) int32
	KVCas(key, old, value []byte, ttl int64) int32 // nil old: must be absent; nil value: remove
	KVDel(key []byte) int32

	Now() int64
	Random(out []byte) int32
	Log(level int32, p []byte) int32
	Metric(kind int32, name []byte, value float64) int32
	ErrorSet(p []byte) int32
	ErrorText(out []byte) int64
}
