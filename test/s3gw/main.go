// Command s3gw is the S3 server of the tests: versitygw's gateway over a folder, with two accounts. The owner may do
// everything; the guest, what a bucket policy grants. A module of its own keeps the gateway out of the server's go.mod.
package main

import (
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

func main() {
	var (
		addr   = flag.String("addr", "127.0.0.1:9000", "`address` to listen on")
		dir    = flag.String("dir", "", "`folder` for everything; it must exist")
		region = flag.String("region", "us-east-1", "the only region that signatures may name")
		owner  = flag.String("owner", "owner", "access key of the owner; secret is KEY-secret")
		guest  = flag.String("guest", "guest", "access key of the guest; likewise")
	)
	flag.Parse()
	if err := run(*addr, *dir, *region, account(*owner, auth.RoleAdmin), account(*guest, auth.RoleUser)); err != nil {
		log.Fatal(err)
	}
}

func account(key string, role auth.Role) auth.Account {
	return auth.Account{Access: key, Secret: key + "-secret", Role: role}
}

func run(addr, dir, region string, owner, guest auth.Account) error {
	folders := map[string]string{}
	for _, name := range []string{"data", "meta", "iam"} {
		folders[name] = filepath.Join(dir, name)
		if err := os.MkdirAll(folders[name], 0o700); err != nil {
			return err
		}
	}
	// Metadata beside the data, for not every file system that holds temporary files has extended attributes.
	store, err := meta.NewSideCar(folders["meta"])
	if err != nil {
		return err
	}
	back, err := posix.New(folders["data"], store, posix.PosixOpts{SideCarDir: folders["meta"], ValidateBucketNames: true})
	if err != nil {
		return err
	}
	iam, err := auth.NewInternal(owner, folders["iam"])
	if err != nil {
		return err
	}
	if _, err := iam.GetUserAccount(guest.Access); err != nil {
		if err := iam.CreateAccount(guest); err != nil {
			return err
		}
	}
	root := middlewares.RootUserConfig{Access: owner.Access, Secret: owner.Secret}
	// The default limits answer 503 to the tests' parallel requests.
	server, err := s3api.New(back, root, region, iam, nil, nil, nil, nil, s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithConcurrencyLimiter(1000, 1000))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stop
		server.ShutDown()
	}()
	return server.ServeMultiPort([]string{addr})
}
