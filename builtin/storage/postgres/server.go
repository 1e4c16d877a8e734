package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// place is what errors say of the server and the table.
func (c Config) place() string {
	return fmt.Sprintf("table %q of postgres at %s, database %q", c.Table, net.JoinHostPort(c.Host, strconv.FormatInt(c.Port, 10)), c.Database)
}

// pool makes the connections; they are opened when they are used. The file of certificates is read here. The variables
// of libpq (PGSSLMODE, PGPASSWORD, PGSSLCERT, ...) stand in for what is not given, as they do for the Python server.
func (c Config) pool() (*pgxpool.Pool, error) {
	p, err := pgxpool.ParseConfig(c.connString())
	if err != nil {
		return nil, fmt.Errorf(`options "host", "sslmode", "sslrootcert", or variables of libpq: %w`, oneLine{cmp.Or(errors.Unwrap(err), err)})
	}
	if c.Password != "" { // not in the string, which is in errors
		p.ConnConfig.Password = c.Password
	}
	p.ConnConfig.ConnectTimeout = c.ConnectTimeout
	p.PingTimeout = c.ConnectTimeout
	p.MaxConns = int32(c.PoolSize)
	// Statements without a name: a pooler such as PgBouncer may give each to another connection.
	p.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	params := p.ConnConfig.RuntimeParams
	params["client_encoding"] = "UTF8"
	params["timezone"] = "UTC" // for tables whose times have a zone
	if params["application_name"] == "" {
		params["application_name"] = "vconduit"
	}
	return pgxpool.NewWithConfig(context.Background(), p)
}

// connString is the connection string of libpq.
func (c Config) connString() string {
	var b strings.Builder
	for _, o := range [][2]string{
		{"host", c.Host}, {"port", strconv.FormatInt(c.Port, 10)}, {"user", c.User}, {"dbname", c.Database},
		{"sslmode", c.SSLMode}, {"sslrootcert", c.SSLRootCert},
	} {
		if o[1] != "" {
			fmt.Fprintf(&b, "%s='%s' ", o[0], strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(o[1]))
		}
	}
	return b.String()
}

// maxName is the length from which the server cuts a name.
const maxName = 63

// parseTable reads TABLE or SCHEMA.TABLE. Names are taken as they are written, capitals included, as the Python server
// takes them.
func parseTable(text string) (pgx.Identifier, error) {
	names := strings.Split(text, ".")
	if len(names) > 2 {
		return nil, errors.New("must be a TABLE or SCHEMA.TABLE")
	}
	for _, n := range names {
		switch {
		case n == "":
			return nil, errors.New("must not be empty, nor a part of it")
		case len(n) > maxName:
			return nil, fmt.Errorf("must have at most %d bytes, as a part of it", maxName)
		case strings.ContainsRune(n, 0):
			return nil, errors.New("must not have a NUL character")
		}
	}
	return names, nil
}
