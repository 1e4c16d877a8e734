package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/vconduit/vconduit/runtime/chain"
)

// hints say what to do about what a server answers, by how the answer begins. The first that fits counts.
var hints = [][2]string{
	{"NOAUTH", `option "redis_url" has no password, and the server wants one`},
	{"WRONGPASS", `option "redis_url" has a wrong user or password`},
	{"ERR AUTH", `option "redis_url" has a password, and the server has none`},
	{"ERR Client sent AUTH", `option "redis_url" has a password, and the server has none`},
	{"NOPERM", "its user may not do this; it needs get, set, unlink, ping and select on the keys with the prefix"},
	{"ERR DB index", `option "redis_url" names a database that the server has not`},
	{"ERR invalid DB index", `option "redis_url" names a database that the server has not`},
	{"ERR SELECT", `option "redis_url" names a database, and the server has only 0`},
	{"ERR max number of clients", "it has as many clients as it takes"},
	{"ERR unknown command", "it does not know the command"},
	{"OOM", "its memory is full and its policy evicts nothing"},
	{"READONLY", `option "redis_url" names a replica, which takes no writes`},
	{"LOADING", "it is still loading its data"},
	{"BUSY", "it is busy with a script"},
	{"MASTERDOWN", "it is a replica that has lost its master"},
	{"MISCONF", "it cannot write to its disk and so takes no writes"},
	{"NOREPLICAS", "it has fewer replicas than it needs for a write"},
	{"MOVED", `option "redis_url" names a node of a cluster, which this storage cannot use`},
	{"CLUSTERDOWN", `option "redis_url" names a node of a cluster, which this storage cannot use`},
	{"WRONGTYPE", "the key holds something else than a string: it is not this storage's"},
}

// explain makes an error of the client readable. The server's own words are left out: of a command that it does not
// know it repeats the arguments.
func explain(err error) error {
	var answer redis.Error
	switch {
	case errors.Is(err, redis.ErrClosed):
		return chain.ErrClosed
	case errors.As(err, &answer):
		return explainAnswer(answer.Error())
	case isNetwork(err):
		return err
	}
	return errors.New("what the server answers is not the protocol of Redis")
}

func explainAnswer(text string) error {
	code := text[:len(text)-len(strings.TrimLeft(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
	if code == "" || len(code) > 30 {
		code = "an error"
	}
	for _, h := range hints {
		if strings.HasPrefix(text, h[0]) {
			return fmt.Errorf("the server answers %s: %s", code, h[1])
		}
	}
	return fmt.Errorf("the server answers %s", code)
}

// isNetwork reports that an error came about on the way, so that it holds nothing of what the server wrote.
func isNetwork(err error) bool {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, redis.ErrPoolTimeout} {
		if errors.Is(err, known) {
			return true
		}
	}
	var network net.Error
	var unverified *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	return errors.As(err, &network) || errors.As(err, &unverified) || errors.As(err, &noTLS)
}
