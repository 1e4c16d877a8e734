package hostabi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"io"
	"net/http"

	"github.com/vconduit/vconduit/hostabi/outbound"
)

// maxRemembered is the largest answer, body and headers, that is kept.
const maxRemembered = 1 << 20

// requestID says which request this is: request is the same for the same method, URL and body; key also tells run, step
// and how many such requests were answered before in this run. A request repeated after a failure keeps its key, so
// that neither the memo nor the receiver takes it for another.
type requestID struct{ request, key [32]byte }

func (c *Call) identify(out *outbound.Request) (requestID, *callError) {
	body, err := hashBody(out)
	if err != nil {
		return requestID{}, failure(Network, "http_send: reading the body: %v", err)
	}
	h := sha256.New()
	writeField(h, out.Method)
	writeField(h, out.URL)
	h.Write(body[:])
	id := requestID{request: [32]byte(h.Sum(nil))}
	if c.answered == nil {
		c.answered = map[[32]byte]uint32{}
	}
	k := sha256.New()
	k.Write(c.o.Run[:])
	writeField(k, c.o.Step)
	k.Write(binary.BigEndian.AppendUint32(nil, c.answered[id.request]))
	writeField(k, out.Method)
	writeField(k, out.URL)
	k.Write(body[:])
	id.key = [32]byte(k.Sum(nil))
	return id, nil
}

// writeField hashes a text with its length, so that no two sequences of fields are the same bytes.
func writeField(h hash.Hash, s string) {
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
	io.WriteString(h, s)
}

// paid: requests whose answers are kept. The safe methods ask for news, and would see the old answer for ever.
func paid(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// succeeded: answers that are final. Any other is not kept, so that the next attempt asks again.
func succeeded(status int) bool { return status >= 200 && status < 300 }

// remembered is the answer that an earlier attempt of this run had, nil when there is none.
func (c *Call) remembered(method string, key [32]byte) (*response, *callError) {
	if c.o.Memo == nil || !paid(method) {
		return nil, nil
	}
	data, ok, err := c.o.Memo.Load(c.ctx, key)
	if err != nil {
		return nil, waitError("http_send: looking for a remembered answer", err) // not sent: it might be paid twice
	}
	if !ok {
		return nil, nil
	}
	return decodeAnswer(data), nil
}

// remember keeps an answer before the link sees it. When that fails the link goes on: its answer is here, and asking
// again would pay again.
func (c *Call) remember(method string, key [32]byte, answer *response) {
	if c.o.Memo == nil || !paid(method) || !succeeded(answer.status) {
		return
	}
	data := answer.encode()
	if len(data) > maxRemembered {
		return
	}
	if err := c.o.Memo.Save(c.ctx, key, data); err != nil && c.o.Log != nil {
		c.o.Log(2, "host: an answer could not be remembered: a repetition of this run sends the request again")
	}
}

// answerHead is the first line of a remembered answer; the body follows as it is.
type answerHead struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
}

func (r *response) encode() []byte {
	head, err := json.Marshal(answerHead{r.status, r.header})
	if err != nil {
		panic("hostabi: answer: " + err.Error()) // a number and texts always encode
	}
	return append(append(head, '\n'), r.body...)
}

// decodeAnswer is nil for what encode did not make.
func decodeAnswer(data []byte) *response {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	var head answerHead
	if !ok || json.Unmarshal(line, &head) != nil {
		return nil
	}
	return &response{head.Status, head.Header, body}
}
