package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// partialFolder takes the files of a snapshot on their way back, so that the folder is a store when all of them are there
// and not before: Open refuses one in which it holds anything.
const partialFolder = "restore-partial"

// asidePrefix begins the name of the folder that takes what was there before.
const asidePrefix = "before-restore-"

// ErrPartial says that a restore into the folder did not end.
var ErrPartial = errors.New("embedded: a restore into this folder did not end")

// ErrNotEmpty says that the folder to restore into holds something already.
var ErrNotEmpty = errors.New("embedded: the folder is not empty")

// Receiver is a folder that takes the files of a snapshot. It holds the folder's lock.
type Receiver struct {
	// Aside is the folder, inside the other, that took what was there; "" when there was nothing.
	Aside string

	dir  string
	lock *os.File
	root *os.Root
}

// Receive makes dir ready to take a snapshot. It must hold nothing but a cache of modules; with aside, the store that it
// holds is moved into a folder inside of it, with all that lies beside. Nothing is ever deleted. End it with Commit or
// Discard. Errors: queue.ErrLocked when a server runs on it, ErrNotEmpty, errors of the file system.
func Receive(dir string, aside bool) (_ *Receiver, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := inTheWay(dir, aside); err != nil { // before it gets a lock: it may be no folder of ours
		return nil, err
	}
	r := &Receiver{dir: dir}
	if r.lock, err = acquire(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := r.clear(aside); err != nil {
		return nil, err
	}
	if err := os.Mkdir(r.partial(), 0o700); err != nil {
		return nil, err
	}
	r.root, err = os.OpenRoot(r.partial())
	return r, err
}

// bystander reports what a restore leaves where it is; a folder of another restore that has just begun, or ended, too.
func bystander(dir, name string) bool {
	if name == partialFolder {
		files, err := os.ReadDir(filepath.Join(dir, name))
		return err == nil && len(files) == 0
	}
	return name == "lock" || name == "modules" || strings.HasPrefix(name, asidePrefix)
}

// inTheWay is what would have to be moved aside. Errors: ErrNotEmpty, when it may not be.
func inTheWay(dir string, aside bool) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return bystander(dir, e.Name()) })
	ours := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == databaseFile || e.Name() == partialFolder })
	switch {
	case len(entries) > 0 && !aside:
		return nil, fmt.Errorf("%w: %s holds %s", ErrNotEmpty, dir, entries[0].Name())
	case len(entries) > 0 && !ours:
		return nil, fmt.Errorf("%w: %s holds %s and no store: that is left alone", ErrNotEmpty, dir, entries[0].Name())
	}
	return entries, nil
}

// clear moves what is in the way aside, if it may.
func (r *Receiver) clear(aside bool) error {
	if err := removePartial(r.dir); err != nil && !errors.Is(err, ErrPartial) {
		return err
	}
	entries, err := inTheWay(r.dir, aside)
	if err != nil || len(entries) == 0 {
		return err
	}
	to := filepath.Join(r.dir, asidePrefix+time.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	r.Aside = to
	for _, e := range entries {
		if err := os.Rename(filepath.Join(r.dir, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receiver) partial() string { return filepath.Join(r.dir, partialFolder) }

// Create makes one of the files, with its folders; name is slash-separated and stays inside. Closing the file makes it
// durable. Errors: fs.ErrExist for a second file of the same name.
func (r *Receiver) Create(name string) (io.WriteCloser, error) {
	name = filepath.FromSlash(name)
	if dir := filepath.Dir(name); dir != "." {
		if err := r.root.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return syncedFile{f}, nil
}

// syncedFile is on the disk when it is closed.
type syncedFile struct{ *os.File }

func (f syncedFile) Close() error { return errors.Join(f.Sync(), f.File.Close()) }

// Room refuses what the disk cannot take: queue.ErrFull.
func (r *Receiver) Room(bytes int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(r.dir, &st); err != nil {
		return err
	}
	if free := int64(st.Bavail) * st.Bsize; free < bytes {
		return fmt.Errorf("%w: %s needs %d MiB, there are %d", queue.ErrFull, r.dir, bytes>>20, free>>20)
	}
	return nil
}

// Dir is where the files lie until Commit.
func (r *Receiver) Dir() string { return r.partial() }

// Commit makes the folder the store that the files are. The database is the last to take its place. The folder is free
// then. Errors leave everything in it, and Open refuses it.
func (r *Receiver) Commit() error {
	entries, err := os.ReadDir(r.partial())
	if err != nil {
		return errors.Join(err, r.close())
	}
	last := func(e fs.DirEntry) int {
		if e.Name() == databaseFile {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return last(a) - last(b) })
	err = syncTree(r.partial())
	for _, e := range entries {
		if err == nil {
			err = os.Rename(filepath.Join(r.partial(), e.Name()), filepath.Join(r.dir, e.Name()))
		}
	}
	if err == nil {
		err = errors.Join(syncDir(r.dir), syncDir(filepath.Dir(r.dir)))
	}
	if err == nil {
		err = removePartial(r.dir)
	}
	return errors.Join(err, r.close())
}

// syncTree makes the names of all files below dir durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

// Discard removes what Create made. What was moved aside goes back.
func (r *Receiver) Discard() error {
	err := os.RemoveAll(r.partial())
	if r.Aside != "" && err == nil {
		err = r.moveBack()
	}
	return errors.Join(err, r.close())
}

func (r *Receiver) moveBack() error {
	entries, err := os.ReadDir(r.Aside)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(r.Aside, e.Name()), filepath.Join(r.dir, e.Name())); err != nil {
			return err
		}
	}
	err = os.Remove(r.Aside)
	r.Aside = ""
	return err
}

func (r *Receiver) close() error {
	var err error
	if r.root != nil {
		err = r.root.Close()
	}
	return errors.Join(err, r.lock.Close())
}

// removePartial lets Open pass unless a restore into the folder did not end. It ends by emptying its own folder.
func removePartial(dir string) error {
	err := os.Remove(filepath.Join(dir, partialFolder))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w: restore again with --force, or remove what lies in %s", ErrPartial, dir)
}
