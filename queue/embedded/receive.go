package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vconduit/vconduit/queue"
)

// partialFolder takes the files of a snapshot on their way back, so that the folder is a store when all of them are there
// and not before: Open refuses one in which it holds anything. While a restore is under way it holds at least the mark.
const (
	partialFolder = "restore-partial"
	partialMark   = ".not-finished"
)

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

	dir   string
	moved []string // what is in Aside, by its path in the folder
	lock  *os.File
	root  *os.Root
}

// Receive makes dir ready to take a snapshot. It must hold nothing but a cache of modules; with aside, the store that it
// holds is moved into a folder inside of it, with all that lies beside. Nothing is ever deleted. End it with Commit or
// Discard. Errors: queue.ErrLocked when a server runs on it, ErrNotEmpty, errors of the file system.
func Receive(dir string, aside bool) (*Receiver, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := inTheWay(dir, aside); err != nil { // before it gets a lock: it may be no folder of ours
		return nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	r := &Receiver{dir: dir, lock: lock}
	if err := r.begin(aside); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// begin marks the folder before it touches anything in it: a crash must not leave one that opens as an empty store.
func (r *Receiver) begin(aside bool) error {
	names, err := inTheWay(r.dir, aside)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.partial(), 0o700); err != nil {
		return err
	}
	mark, err := os.Create(r.mark())
	if err != nil {
		return err
	}
	if err := errors.Join(mark.Close(), syncDir(r.partial()), syncDir(r.dir)); err != nil {
		return err
	}
	if len(names) > 0 {
		r.Aside = filepath.Join(r.dir, asidePrefix+time.Now().UTC().Format("20060102T150405.000Z"))
	}
	for _, name := range names {
		if err := rename(filepath.Join(r.dir, name), filepath.Join(r.Aside, name)); err != nil {
			return errors.Join(err, r.undo())
		}
		r.moved = append(r.moved, name)
	}
	r.root, err = os.OpenRoot(r.partial())
	return err
}

// rename moves a file or folder into a folder that may have to be made.
func rename(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// inTheWay is what would have to be moved aside, by its path in the folder. Errors: ErrNotEmpty, when it may not be.
func inTheWay(dir string, aside bool) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	ours := false
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "lock", name == "modules", strings.HasPrefix(name, asidePrefix):
		case name == partialFolder:
			ours = true
			left, err := unfinished(dir)
			if err != nil {
				return nil, err
			}
			names = append(names, left...)
		default:
			ours = ours || name == databaseFile
			names = append(names, name)
		}
	}
	switch {
	case len(names) > 0 && !aside:
		return nil, fmt.Errorf("%w: %s holds %s", ErrNotEmpty, dir, names[0])
	case len(names) > 0 && !ours:
		return nil, fmt.Errorf("%w: %s holds %s and no store: that is left alone", ErrNotEmpty, dir, names[0])
	}
	return names, nil
}

// unfinished is what a restore that did not end has left in its folder.
func unfinished(dir string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, partialFolder))
	for _, e := range entries {
		if e.Name() != partialMark {
			names = append(names, filepath.Join(partialFolder, e.Name()))
		}
	}
	return names, err
}

func (r *Receiver) partial() string { return filepath.Join(r.dir, partialFolder) }
func (r *Receiver) mark() string    { return filepath.Join(r.partial(), partialMark) }

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

// Commit makes the folder the store that the files are, and frees it. Errors leave everything in it, and Open refuses it.
func (r *Receiver) Commit() error { return errors.Join(r.commit(), r.close()) }

func (r *Receiver) commit() error {
	if err := syncTree(r.partial()); err != nil {
		return err
	}
	names, err := unfinished(r.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(r.dir, name), filepath.Join(r.dir, filepath.Base(name))); err != nil {
			return err
		}
	}
	if err := errors.Join(syncDir(r.dir), syncDir(filepath.Dir(r.dir))); err != nil {
		return err
	}
	return r.unmark()
}

// unmark ends the restore: the folder opens from now on, unless an older one had not ended.
func (r *Receiver) unmark() error {
	if err := os.Remove(r.mark()); err != nil {
		return err
	}
	if err := removePartial(r.dir); err != nil && !errors.Is(err, ErrPartial) {
		return err
	}
	return syncDir(r.dir)
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
func (r *Receiver) Discard() error { return errors.Join(r.undo(), r.close()) }

func (r *Receiver) undo() error {
	names, err := unfinished(r.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(r.dir, name)); err != nil {
			return err
		}
	}
	for _, name := range r.moved {
		if err := os.Rename(filepath.Join(r.Aside, name), filepath.Join(r.dir, name)); err != nil {
			return err
		}
	}
	if r.Aside != "" {
		// Empty now, the inner one only where there was one; what is not empty stays.
		_, _ = os.Remove(filepath.Join(r.Aside, partialFolder)), os.Remove(r.Aside)
		r.Aside = ""
	}
	return r.unmark()
}

func (r *Receiver) close() error {
	var err error
	if r.root != nil {
		err = r.root.Close()
	}
	return errors.Join(err, r.lock.Close())
}

// removePartial lets Open pass unless a restore into the folder did not end.
func removePartial(dir string) error {
	err := os.Remove(filepath.Join(dir, partialFolder))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w: restore again with --force, or remove what lies in %s", ErrPartial, dir)
}
