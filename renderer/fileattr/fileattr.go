// Package fileattr sets mode and owner of open files. In between, nobody can open a
// file who may do so neither before nor after.
package fileattr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"strconv"
)

// Bits are the mode bits that a file keeps: the permissions and the special ones,
// which the kernel drops at a change of owner.
const Bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// ErrOwner says that a file cannot have the owner that was asked for.
var ErrOwner = errors.New("failed setting file ownership")

// An Owner is a user id and a group id; -1 keeps that of the file.
type Owner struct {
	UID, GID int
}

// KeepOwner returns the owner that changes nothing.
func KeepOwner() Owner { return Owner{-1, -1} }

// LookUp returns the owner with these names or decimal ids. "" is -1.
func LookUp(userName, groupName string) (Owner, error) {
	uid, err := id(userName, func() (string, error) {
		u, err := user.Lookup(userName)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return Owner{}, fmt.Errorf("failed looking up user: %w", err)
	}
	gid, err := id(groupName, func() (string, error) {
		g, err := user.LookupGroup(groupName)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return Owner{}, fmt.Errorf("failed looking up group: %w", err)
	}
	return Owner{uid, gid}, nil
}

// id returns the number that name is, or that lookUp returns; -1 for "".
func id(name string, lookUp func() (string, error)) (int, error) {
	switch {
	case name == "":
		return -1, nil
	case runtime.GOOS == "windows":
		return 0, errors.New("managing file ownership is not supported on Windows")
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int(n), nil
	}
	number, err := lookUp()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(number)
}

// Or returns o with the ids of other in the place of -1.
func (o Owner) Or(other Owner) Owner {
	if o.UID == -1 {
		o.UID = other.UID
	}
	if o.GID == -1 {
		o.GID = other.GID
	}
	return o
}

// apply gives f, which has the attributes now, the owner o. It returns the attributes
// that f has then.
func (o Owner) apply(f *os.File, now Attrs) (Attrs, error) {
	if o = o.Or(now.Owner); o == now.Owner {
		return now, nil
	}
	if err := f.Chown(o.UID, o.GID); err != nil {
		return now, err
	}
	return of(f) // chown drops special bits
}

// Attrs are the mode and the owner of a file.
type Attrs struct {
	Mode  fs.FileMode // within Bits
	Owner Owner
}

// Of returns the attributes in info.
func Of(info fs.FileInfo) Attrs {
	return Attrs{Mode: info.Mode() & Bits, Owner: ownerOf(info)}
}

// of returns the attributes of an open file.
func of(f *os.File) (Attrs, error) {
	info, err := f.Stat()
	if err != nil {
		return Attrs{}, err
	}
	return Of(info), nil
}

// String returns a such as "mode 0644, owner root:root".
func (a Attrs) String() string {
	mode := uint32(a.Mode.Perm())
	for bit, is := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if a.Mode&is != 0 {
			mode |= bit
		}
	}
	text := fmt.Sprintf("mode %04o", mode)
	if a.Owner == KeepOwner() { // the system has none
		return text
	}
	owner, group := strconv.Itoa(a.Owner.UID), strconv.Itoa(a.Owner.GID)
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return text + ", owner " + owner + ":" + group
}

// Equal reports whether a file with the attributes now has those of a, as far as the
// system can tell them apart.
func (a Attrs) Equal(now Attrs) bool {
	different := a.Mode ^ now.Mode
	if runtime.GOOS == "windows" {
		different &= 0o200 // a file is read-only or not
	}
	return different == 0 && a.Owner.Or(now.Owner) == now.Owner
}

// Apply gives the open file the attributes a, and calls write, unless nil, in between.
// The file never has permissions that it had neither before nor will have after, and
// what write adds is never seen under the old ones. If a step fails, Apply restores
// the attributes.
func (a Attrs) Apply(f *os.File, write func() error) (err error) {
	was, err := of(f)
	if err != nil || write == nil && a.Equal(was) {
		return err
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
	if _, err := a.Owner.apply(f, was); err != nil {
		return fmt.Errorf("%w: %w", ErrOwner, Cause(err))
	}
	if write != nil {
		if err := write(); err != nil {
			return err
		}
	}
	return a.force(f)
}

// force sets owner and mode where they differ. In between, the file has the new owner
// and the old mode.
func (a Attrs) force(f *os.File) error {
	now, err := of(f)
	if err == nil {
		now, err = a.Owner.apply(f, now)
	}
	if err != nil || now.Mode == a.Mode {
		return err
	}
	return f.Chmod(a.Mode)
}

// ApplyNew gives the new file f the mode of a, and the owner asked for, with the ids
// of a in the place of -1 if the process may set them. Otherwise the warning says why,
// and ApplyNew tries to set the group at least, on which the access of readers depends.
func (a Attrs) ApplyNew(f *os.File, asked Owner) (warning, err error) {
	now, err := of(f)
	if err != nil {
		return nil, err
	}
	now, warning = asked.Or(a.Owner).apply(f, now)
	if warning != nil {
		if now, err = asked.Or(Owner{-1, a.Owner.GID}).apply(f, now); err != nil {
			now, err = asked.apply(f, now)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOwner, Cause(err))
		}
		// The program must not run as another user than before.
		a.Mode &^= fs.ModeSetuid | fs.ModeSetgid
	}
	if now.Mode != a.Mode {
		err = f.Chmod(a.Mode)
	}
	return warning, err
}

// Cause returns the error of the system, without the path.
func Cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
