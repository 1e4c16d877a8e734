package api

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
	"github.com/vconduit/vconduit/vcon"
)

// inBody is where the problems of a document are, shared so that a good one costs nothing.
var inBody = []any{"body"}

const failedToStore = "Failed to store vCon"

// postVCon answers POST /vcon: the document is stored as received, and put on the lists that the query names.
func postVCon(c *call) {
	q := c.query()
	lists := c.checkLists(q, q.lists("ingress_list", "ingress_lists"))
	if problems := append(q.problems, c.checkDocument()...); len(problems) > 0 {
		c.reject(problems)
		return
	}
	if err := c.submit(c.doc, lists, 0, sourceNew); err != nil {
		c.storeFailed(err, failedToStore)
		return
	}
	c.raw(fasthttp.StatusCreated, c.doc.Bytes())
}

// postExternal answers POST /vcon/external-ingress: a partner's submission to the one list that its key is for. What is
// wrong with the request is told before what is wrong with the key, as the Python server does.
func postExternal(c *call) {
	q := c.query()
	list := q.required("ingress_list")
	if problems := append(q.problems, c.checkDocument()...); len(problems) > 0 {
		c.reject(problems)
		return
	}
	if c.who.denial != "" {
		c.detail(fasthttp.StatusForbidden, c.who.denial)
		return
	}
	err := c.submit(c.doc, []string{list}, c.set.Dedupe, sourceExternal)
	if errors.Is(err, queue.ErrQuota) {
		c.tooMany(refusedQuota, "Daily quota exceeded", untilMidnight(time.Now()))
		return
	}
	if err != nil {
		c.storeFailed(err, failedToStore)
		return
	}
	c.empty()
}

// submit hands a document to the store and counts it, unless it was a retry.
func (c *call) submit(doc *vcon.VCon, lists []string, dedupe time.Duration, source string) error {
	h := &c.ctx.Request.Header
	receipt, err := c.s.store.Submit(c.s.base, queue.Submission{
		Doc: doc, Lists: lists, Principal: c.who.name, Quota: c.who.quota, Dedupe: dedupe, Lifetime: c.set.Lifetime,
		IdempotencyKey: string(h.Peek("Idempotency-Key")), Context: c.trace,
	})
	if err != nil || receipt.Duplicate {
		return err
	}
	for _, list := range lists {
		c.queued(list, source, 1)
		c.used(list, len(doc.Bytes()))
	}
	if len(lists) == 0 {
		c.used("", len(doc.Bytes()))
	}
	return nil
}

// checkLists refuses names that no list can have, and, if so configured, lists that no chain reads; otherwise those get
// a warning in the answer.
func (c *call) checkLists(q *query, names []string) []string {
	var unread []string
	for _, name := range names {
		switch err := queue.CheckListName(name); {
		case err != nil:
			q.add(refusal(strings.TrimPrefix(err.Error(), "queue: "), "query", "ingress_list"))
		case c.set.Lists[name]:
		case c.set.RejectUnknownLists:
			q.add(refusal(fmt.Sprintf("no chain reads list %q", name), "query", "ingress_list"))
		default:
			unread = append(unread, strconv.QuoteToASCII(name))
		}
	}
	if len(unread) > 0 {
		c.ctx.Response.Header.Set("X-Vcon-Warning", warning(unread))
	}
	return names
}

// warning is one header of bounded length: clients refuse answers with many or long ones.
func warning(unread []string) string {
	const shown = 8
	text := "no chain reads list " + strings.Join(unread[:min(len(unread), shown)], ", ")
	if more := len(unread) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// checkDocument says what keeps the body from being a document by the rules in force.
func (c *call) checkDocument() []problem {
	switch {
	case c.doc != nil:
		return c.validate(c.doc, inBody...)
	case isSpace(c.body), c.null():
		return []problem{fault(typeMissing, "body")}
	case c.unfit != nil:
		return c.unfitProblems(c.body, c.unfit, "body")
	}
	return []problem{fault(typeDict, "body")}
}

// null reports the body null, which the Python server takes for none.
func (c *call) null() bool {
	return topKind(c.body) == vcon.Null && isJSONType(c.ctx.Request.Header.ContentType())
}

func (c *call) validate(doc *vcon.VCon, loc ...any) []problem {
	mode := c.set.Validation
	if c.who.mode != vcon.Lenient {
		mode = c.who.mode
	}
	var problems []problem
	for _, f := range vcon.Validate(doc, mode) {
		if f.Severity == vcon.Error {
			problems = append(problems, fromFinding(f, loc...))
		}
	}
	return problems
}

// fromFinding is a finding in the form of a 422.
func fromFinding(f vcon.Finding, loc ...any) problem {
	p := problem{Loc: append(slices.Clip(loc), location(f.Pointer)...), Msg: f.Message, Type: orDefault(f.Type, typeValue)}
	if f.Limit != nil {
		p.Ctx = &bound{*f.Limit}
	}
	return p
}

// location is a JSON Pointer as pydantic writes it: member names and, as numbers, positions.
func location(pointer string) []any {
	if pointer == "" {
		return nil
	}
	var loc []any
	for segment := range strings.SplitSeq(pointer[1:], "/") {
		if n, err := strconv.Atoi(segment); err == nil && n >= 0 {
			loc = append(loc, n)
			continue
		}
		loc = append(loc, strings.NewReplacer("~1", "/", "~0", "~").Replace(segment))
	}
	return loc
}
