package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/vconduit/vconduit/runtime/chain"
)

// The classes and codes are those of the manual's appendix "PostgreSQL Error Codes".

// code is the SQLSTATE of an answer of the server, "" for every other error.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// class is the first two characters of code.
func class(err error) string {
	c := code(err)
	return c[:min(2, len(c))]
}

// refused reports that JSONB, or the encoding of the database, cannot hold the document, or not so much of it.
func refused(err error) bool { return class(err) == "22" || class(err) == "54" }

// changed reports a table or column that is not there.
func changed(err error) bool { return code(err) == "42P01" || code(err) == "42703" }

// busy reports a lock that did not come in time.
func busy(err error) bool { return code(err) == "55P03" }

// permanent reports what is wrong with this one vCon: the database, a constraint or a trigger refuses it. Missing rights,
// tables and databases are wrong with every vCon, until somebody mends them.
func permanent(err error) bool {
	switch class(err) {
	case "23", "44", "P0":
		return true
	}
	return refused(err)
}

// lost reports that the connection, or the server, may be gone.
func lost(err error) bool {
	switch {
	case code(err) == "57014": // the server gave up a statement that took too long
		return false
	case class(err) == "08", class(err) == "57":
		return true
	case errors.Is(err, context.Canceled):
		return false
	}
	_, network := errors.AsType[net.Error](err) // as a deadline is
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// explain makes an error of the driver readable: on one line, with the options that it may come from, and without what
// the server says of data, as that can be part of a conversation.
func explain(err error) error {
	if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("connect as %q%s: %w", c.Config.User, hint(err, true), oneLine{c.Unwrap()})
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	answered := fmt.Errorf("%s%s", answer(e), hint(err, false))
	if permanent(err) {
		return chain.Permanent(answered)
	}
	return answered
}

// answer is what may be shown of an answer of the server.
func answer(e *pgconn.PgError) string {
	switch class(e) {
	case "22", "54":
		return fmt.Sprintf("the database cannot hold this document (SQLSTATE %s)", e.Code)
	case "23", "44":
		return fmt.Sprintf("a constraint refuses the row (SQLSTATE %s, column %q, constraint %q)", e.Code, e.ColumnName, e.ConstraintName)
	case "P0":
		return fmt.Sprintf("a trigger refuses the row (SQLSTATE %s)", e.Code)
	}
	return e.Error()
}

// hint names the options to look at.
func hint(err error, connecting bool) string {
	switch {
	case class(err) == "28":
		return ` (options "user", "password")`
	case code(err) == "3D000":
		return ` (option "database")`
	case code(err) == "53300":
		return ` (option "pool_size")`
	case code(err) == "42501":
		return ` (option "user")`
	case class(err) == "42", class(err) == "3F":
		return ` (option "table_name")`
	case busy(err):
		return ` (others lock the table)`
	case code(err) == "25006":
		return ` (option "host": a standby takes no writes)`
	case connecting && code(err) == "" && !errors.Is(err, context.Canceled):
		return ` (options "host", "port", "sslmode")`
	}
	return ""
}

// oneLine is an error whose text has no line breaks: the driver writes one line for each address that it tried.
type oneLine struct{ error }

func (e oneLine) Error() string {
	return strings.Join(strings.FieldsFunc(e.error.Error(), func(r rune) bool { return r == '\n' || r == '\t' }), "; ")
}

func (e oneLine) Unwrap() error { return e.error }
