package renderer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const (
	// defaultMode is that of a new file where none was asked for.
	defaultMode fs.FileMode = 0o644

	// defaultDirMode is that of a new directory, less the umask.
	defaultDirMode fs.FileMode = 0o755

	// specialBits are the mode bits besides the permissions that are kept.
	// The kernel drops them at a change of owner.
	specialBits = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

	modeBits = fs.ModePerm | specialBits
)

var errOwnership = errors.New("failed setting file ownership")

// An owner is a user and a group by number; -1 stands for "as it is".
type owner struct {
	uid, gid int
}

// owner returns the owner that f asks for.
func (f File) owner() (owner, error) {
	uid, err := userID(f.User)
	if err != nil {
		return owner{}, fmt.Errorf("failed looking up user: %w", err)
	}
	gid, err := groupID(f.Group)
	if err != nil {
		return owner{}, fmt.Errorf("failed looking up group: %w", err)
	}
	return owner{uid, gid}, nil
}

// isOwn tells whether a file that the process makes has this owner by itself.
func (o owner) isOwn() bool {
	return (o.uid == -1 || o.uid == os.Geteuid()) && (o.gid == -1 || o.gid == os.Getegid())
}

// or returns o with what it leaves open taken from other.
func (o owner) or(other owner) owner {
	if o.uid == -1 {
		o.uid = other.uid
	}
	if o.gid == -1 {
		o.gid = other.gid
	}
	return o
}

// attrs are what a file has besides its bytes.
type attrs struct {
	mode  fs.FileMode
	owner owner
}

// attrsOf returns the attributes that info tells.
func attrsOf(info fs.FileInfo) attrs {
	return attrs{mode: info.Mode() & modeBits, owner: ownerOf(info)}
}

// foreign tells whether a link to a file with these attributes says nothing about
// what is to be in the place of the link: it is another user's, or runs as another.
func (a attrs) foreign() bool {
	return a.mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 || a.owner.uid != -1 && a.owner.uid != os.Geteuid()
}

// equal reports whether a file with the attributes now has those of a, as far
// as the system can tell them apart.
func (a attrs) equal(now attrs) bool {
	return attainable(a.mode) == attainable(now.mode) && a.owner.or(now.owner) == now.owner
}

// apply gives the open file the attributes a, and calls write, if not nil,
// in between. At no time does the file have permissions that it had neither
// before nor shall have after, and what write adds is never seen under the
// old ones. Where a step fails the attributes are put back as they were.
func (a attrs) apply(f *os.File, write func() error) (err error) {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	was := attrsOf(info)
	if write == nil && a.equal(was) {
		return nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, was.force(f))
		}
	}()
	if narrow := was.mode & a.mode & fs.ModePerm; narrow != was.mode {
		if err := f.Chmod(narrow); err != nil {
			return err
		}
	}
	if err := a.owner.apply(f); err != nil {
		return fmt.Errorf("%w: %w", errOwnership, cause(err))
	}
	if write != nil {
		if err := write(); err != nil {
			return err
		}
	}
	return a.force(f)
}

// force sets owner and mode, as far as they are not right already, without
// care for the time between.
func (a attrs) force(f *os.File) error {
	if err := a.owner.apply(f); err != nil {
		return err
	}
	// Looked at only now: a change of owner drops special bits.
	return setMode(f, a.mode)
}

// setMode sets the mode of f, unless it has it.
func setMode(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode()&modeBits == mode {
		return err
	}
	return f.Chmod(mode)
}

// apply makes o the owner of f.
func (o owner) apply(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now := ownerOf(info)
	if o = o.or(now); o == now {
		return nil
	}
	return f.Chown(o.uid, o.gid)
}

// adopt gives the new file f the mode of a and the owner asked for; what that
// leaves open is taken from a, where the process may. If it may not, the
// warning says why, and the group at least is tried: it is what a reader's
// access hangs on.
func adopt(f *os.File, asked owner, a attrs) (warning, err error) {
	warning = asked.or(a.owner).apply(f)
	if warning != nil && asked.or(owner{-1, a.owner.gid}).apply(f) != nil {
		if err := asked.apply(f); err != nil {
			return nil, fmt.Errorf("%w: %w", errOwnership, cause(err))
		}
	}
	if warning != nil {
		// A program must not run as whoever has the file now instead.
		a.mode &^= fs.ModeSetuid | fs.ModeSetgid
	}
	return warning, setMode(f, a.mode)
}
