package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"modernc.org/sqlite"
)

// conn is one connection with its prepared statements. It is used by one goroutine at a time.
//
// It calls the driver without database/sql: a pool with locks, contexts and reflection per statement costs about as
// much as the statements themselves, and a writer needs no pool.
type conn struct {
	raw   driver.Conn
	stmts map[string]stmt
	args  []driver.NamedValue
	row   []driver.Value
}

type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// result is what a statement did.
type result struct{ rows, lastID int64 }

func openConn(dsn string) (*conn, error) {
	raw, err := new(sqlite.Driver).Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: make(map[string]stmt)}, nil
}

func (c *conn) prepare(query string) (stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	raw, err := c.raw.Prepare(query)
	if err != nil {
		return nil, err
	}
	st, ok := raw.(stmt)
	if !ok {
		return nil, errors.New("sqlite: the driver lacks statements with context")
	}
	c.stmts[query] = st
	return st, nil
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a statement. Arguments are int64, string, []byte or nil.
func (c *conn) exec(query string, args ...any) (result, error) {
	st, err := c.prepare(query)
	if err != nil {
		return result{}, err
	}
	r, err := st.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return result{}, err
	}
	n, _ := r.RowsAffected()
	id, _ := r.LastInsertId()
	return result{n, id}, nil
}

// execUntil is exec of a statement that is not worth keeping and that may take long: the end of ctx interrupts it.
func (c *conn) execUntil(ctx context.Context, query string, args ...any) error {
	st, err := c.raw.Prepare(query)
	if err != nil {
		return err
	}
	_, err = st.(stmt).ExecContext(ctx, c.bind(args))
	return errors.Join(err, st.Close())
}

// once runs a statement that is not worth keeping.
func (c *conn) once(query string) error {
	st, err := c.raw.Prepare(query)
	if err != nil {
		return err
	}
	_, err = st.(stmt).ExecContext(context.Background(), nil)
	return errors.Join(err, st.Close())
}

// query calls each for every row; the row is valid during the call, what its values point to stays.
func (c *conn) query(each func(row []driver.Value) error, query string, args ...any) error {
	return c.queryUntil(context.Background(), each, query, args...)
}

// queryUntil is query; the end of ctx interrupts it.
func (c *conn) queryUntil(ctx context.Context, each func(row []driver.Value) error, query string, args ...any) error {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	row := c.takeRow(len(rows.Columns()))
	defer func() { c.row = row }()
	for {
		switch err := rows.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// takeRow lends the connection's row buffer; a nested query gets its own.
func (c *conn) takeRow(n int) []driver.Value {
	row := c.row
	c.row = nil
	if cap(row) < n {
		return make([]driver.Value, n)
	}
	return row[:n]
}

// one reads at most one row, if read is not nil, and reports whether there was one.
func (c *conn) one(read func(row []driver.Value), query string, args ...any) (bool, error) {
	found := false
	err := c.query(func(row []driver.Value) error {
		if !found && read != nil {
			read(row)
		}
		found = true
		return nil
	}, query, args...)
	return found, err
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// asInt, asBlob and asText read a column; NULL is the zero value.
func asInt(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func asBlob(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}

func asText(v driver.Value) string {
	s, _ := v.(string)
	return s
}

// orNull is nil for the zero value.
func orNull[T int64 | string](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// blobOrNull is nil for an empty blob.
func blobOrNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
