package api

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/vconduit/vconduit/queue"
)

// problem is one entry of a 422, in the form of the seed README (pydantic v1). It never has the input.
type problem struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
	Ctx  *bound `json:"ctx,omitempty"`
}

type bound struct {
	Limit float64 `json:"limit_value"`
}

// The types of problems, and the text of those that have only one.
const (
	typeMissing  = "value_error.missing"
	typeDecode   = "value_error.jsondecode"
	typeNull     = "type_error.none.not_allowed"
	typeUUID     = "type_error.uuid"
	typeStr      = "type_error.str"
	typeList     = "type_error.list"
	typeDict     = "type_error.dict"
	typeInteger  = "type_error.integer"
	typeFloat    = "type_error.float"
	typeBool     = "value_error.boolean"
	typeDatetime = "value_error.datetime"
	typeNotGe    = "value_error.number.not_ge"
	typeNotLe    = "value_error.number.not_le"
	typeValue    = "value_error"
	typeReused   = "idempotency_key_reused"
)

var texts = map[string]string{
	typeMissing:  "field required",
	typeNull:     "none is not an allowed value",
	typeUUID:     "value is not a valid uuid",
	typeStr:      "str type expected",
	typeList:     "value is not a valid list",
	typeDict:     "value is not a valid dict",
	typeInteger:  "value is not a valid integer",
	typeFloat:    "value is not a valid float",
	typeBool:     "value could not be parsed to a boolean",
	typeDatetime: "invalid datetime format",
}

// fault is a problem whose text follows from its type.
func fault(kind string, loc ...any) problem { return problem{Loc: loc, Msg: texts[kind], Type: kind} }

// refusal is a problem with a text of our own.
func refusal(msg string, loc ...any) problem { return problem{Loc: loc, Msg: msg, Type: typeValue} }

// notJSON tells where a body stops being JSON, in characters as the Python server counts.
func notJSON(body []byte, offset int, reason string) problem {
	at := utf8.RuneCount(body[:min(max(offset, 0), len(body))])
	return problem{Loc: []any{"body", at}, Msg: reason, Type: typeDecode}
}

// reject answers 422 with all problems at once.
func (c *call) reject(problems []problem) {
	c.json(fasthttp.StatusUnprocessableEntity, struct {
		Detail []problem `json:"detail"`
	}{problems})
}

// storeFailed answers an error of the store. detail is the route's own text for the client; the error's text is logged.
func (c *call) storeFailed(err error, detail string) {
	status, problems := storeStatus(err)
	switch {
	case problems != nil:
		c.reject(problems)
		return
	case status == fasthttp.StatusServiceUnavailable:
		c.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter(err))
	default:
		c.s.log.Error("request failed in the store", "operation", detail, "error", err)
	}
	c.detail(status, detail)
}

// storeStatus is the HTTP side of the store's errors.
func storeStatus(err error) (int, []problem) {
	switch {
	case errors.Is(err, queue.ErrIdempotency):
		return fasthttp.StatusUnprocessableEntity, []problem{{
			Loc:  []any{"header", "Idempotency-Key"},
			Msg:  "this key came with another body before",
			Type: typeReused,
		}}
	case errors.Is(err, queue.ErrListName):
		return fasthttp.StatusUnprocessableEntity, []problem{refusal(err.Error(), "query", "ingress_list")}
	case errors.Is(err, queue.ErrFull), errors.Is(err, queue.ErrUnavailable), errors.Is(err, queue.ErrClosed),
		errors.Is(err, context.Canceled): // Shutdown gave up waiting
		return fasthttp.StatusServiceUnavailable, nil
	case errors.Is(err, queue.ErrNotFound):
		return fasthttp.StatusNotFound, nil
	}
	return fasthttp.StatusInternalServerError, nil
}

// retryAfter is in seconds: a full store needs somebody, an unavailable one a moment.
func retryAfter(err error) string {
	if errors.Is(err, queue.ErrFull) {
		return "30"
	}
	return "1"
}
