// Package fileattr sets mode and owner of open files, so that nobody can open one
// who may do so neither before nor after.
package fileattr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Bits are the mode bits that a file keeps: the permissions and the special ones,
// which the kernel drops at a change of owner.
const Bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// ErrOwner is why a file cannot have the owner that was asked for.
var ErrOwner = errors.New("failed setting file ownership")

// An Owner is a user and a group by number; -1 stands for "as it is".
type Owner struct {
	UID, GID int
}

// AsItIs returns the owner that changes nothing.
func AsItIs() Owner { return Owner{-1, -1} }

// LookUp returns the owner with these names or decimal ids. "" is -1.
func LookUp(user, group string) (Owner, error) {
	uid, err := userID(user)
	if err != nil {
		return Owner{}, fmt.Errorf("failed looking up user: %w", err)
	}
	gid, err := groupID(group)
	if err != nil {
		return Owner{}, fmt.Errorf("failed looking up group: %w", err)
	}
	return Owner{uid, gid}, nil
}

// Or returns o with what it leaves open taken from other.
func (o Owner) Or(other Owner) Owner {
	if o.UID == -1 {
		o.UID = other.UID
	}
	if o.GID == -1 {
		o.GID = other.GID
	}
	return o
}

func (o Owner) apply(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now := ownerOf(info)
	if o = o.Or(now); o == now {
		return nil
	}
	return f.Chown(o.UID, o.GID)
}

// Attrs are what a file has besides its bytes.
type Attrs struct {
	Mode  fs.FileMode // of Bits
	Owner Owner
}

// Of returns the attributes that info tells.
func Of(info fs.FileInfo) Attrs {
	return Attrs{Mode: info.Mode() & Bits, Owner: ownerOf(info)}
}

// Equal reports whether a file with the attributes now has those of a, as far as the
// system can tell them apart.
func (a Attrs) Equal(now Attrs) bool {
	return attainable(a.Mode) == attainable(now.Mode) && a.Owner.Or(now.Owner) == now.Owner
}

// Apply gives the open file the attributes a, and calls write, if not nil, in
// between. At no time does the file have permissions that it had neither before nor
// shall have after, and what write adds is never seen under the old ones. Where a
// step fails the attributes are put back as they were.
func (a Attrs) Apply(f *os.File, write func() error) (err error) {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	was := Of(info)
	if write == nil && a.Equal(was) {
		return nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, was.force(f))
		}
	}()
	if narrow := was.Mode & a.Mode & fs.ModePerm; narrow != was.Mode {
		if err := f.Chmod(narrow); err != nil {
			return err
		}
	}
	if err := a.Owner.apply(f); err != nil {
		return fmt.Errorf("%w: %w", ErrOwner, Cause(err))
	}
	if write != nil {
		if err := write(); err != nil {
			return err
		}
	}
	return a.force(f)
}

// force sets owner and mode, as far as they are not right already, without care for
// the time between.
func (a Attrs) force(f *os.File) error {
	if err := a.Owner.apply(f); err != nil {
		return err
	}
	// Looked at only now: a change of owner drops special bits.
	return setMode(f, a.Mode)
}

// setMode sets the mode of f, unless it has it.
func setMode(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode()&Bits == mode {
		return err
	}
	return f.Chmod(mode)
}

// ApplyNew gives the new file f the mode of a and the owner asked for; what that
// leaves open is taken from a, where the process may. If it may not, the warning says
// why, and the group at least is tried: it is what a reader's access depends on.
func (a Attrs) ApplyNew(f *os.File, asked Owner) (warning, err error) {
	warning = asked.Or(a.Owner).apply(f)
	if warning != nil && asked.Or(Owner{-1, a.Owner.GID}).apply(f) != nil {
		if err := asked.apply(f); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOwner, Cause(err))
		}
	}
	if warning != nil {
		// A program must not run as whoever has the file now instead.
		a.Mode &^= fs.ModeSetuid | fs.ModeSetgid
	}
	return warning, setMode(f, a.Mode)
}

// Cause returns what the system said, without the file that it was about.
func Cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
