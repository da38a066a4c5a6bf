package group

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"restencil/runner/format"
	"restencil/runner/guard"
	"restencil/runner/probe"
	"restencil/runner/process"
	"restencil/watch/schedule"
)

// A Policy says which files of a bundle go in place together.
type Policy int

const (
	// Together: all or none.
	Together Policy = iota
	// Each: every template's by themselves.
	Each
	// Print: none; the outputs are printed in the form of COMPAT 1.7.
	Print
)

// A Spec is the configuration of a bundle. Two bundles with equal specs are the
// same one.
type Spec struct {
	// Name is that of a named bundle, or else the first destination. Events and
	// RESTENCIL_BUNDLE have it.
	Name string

	Policy  Policy
	Members []Member // in the order of the templates

	// Check must succeed before the files of a group go in place, unless none
	// has new bytes. Its arguments may hold actions, see ValidateCheck. A zero
	// Timeout is 30 s here.
	Check process.Command

	// Reload is run when files are in place that have new bytes.
	Reload process.Command

	// Verify must hold after that, all at the same time. The commands among
	// them have the environment of Reload.
	Verify []probe.Probe

	// Rollback puts the old files back where Reload or Verify fails.
	Rollback bool

	// Wait delays changes, but not the first rendering. With Each, members have
	// their own.
	Wait Wait

	// Splay bounds the random delay of each change after Wait, so that many hosts do
	// not make the same change at the same time. The first rendering has none.
	Splay time.Duration

	// Guard holds a change until it is taken back or accepted.
	Guard guard.Rules

	// MinInterval is the least time from the end of one run of Reload to the
	// next. Changes in between are one change at its end.
	MinInterval time.Duration

	// Rolling has the hosts of a fleet make their changes a few at a time.
	Rolling Rolling

	// Retry delays the next attempt at what fails.
	Retry schedule.Backoff

	// ExitOnFailure ends the runner where Reload fails or, with Together, any
	// step, as consul-template does.
	ExitOnFailure bool
}

// A Rolling says how many hosts of a fleet make a change at a time.
type Rolling struct {
	Limit int    // 0: any number
	Key   string // what the hosts have in common

	// Timeout is how long to wait for the others at most. After that the change is made
	// without waiting with Proceed; otherwise it waits on, and says so. Zero: for ever.
	Timeout time.Duration
	Proceed bool

	// StopOnFailure has no other host go on after a change that failed here, until
	// somebody accepts.
	StopOnFailure bool
}

// A Member is a template of a bundle.
type Member struct {
	Template    string // its name
	Destination string

	// As in renderer.File.
	Perm        fs.FileMode
	DirPerm     fs.FileMode
	User, Group string
	NoParents   bool
	Backup      bool

	// SecretPerm replaces a Perm that is zero where the output used a secret.
	SecretPerm fs.FileMode

	// Format is what the content must be, and Check a command that must succeed
	// on it, before it goes in place.
	Format format.Format
	Check  process.Command

	Guard guard.Rules // for this file alone
	Wait  Wait        // with Each

	// Fatal ends the runner where the file cannot be written.
	Fatal bool

	Presence
}

// Presence says whether the file of a member is to be there, and why. The zero Presence is
// that of a plain template's.
type Presence struct {
	// ElementOf names the template that was made into the member for an element of a
	// list, in the journal; "" for other members. Absent says that the list has no such
	// element any more, so that there is to be no file.
	ElementOf string
	Absent    bool

	// Shadowed: a later template has the same destination, so that this one is
	// never written. At rest consul-template leaves the same.
	Shadowed bool
}

// Overlaps reports whether s and t may not run at the same time: they have a
// destination, a name or a command in common.
func (s Spec) Overlaps(t Spec) bool {
	if s.Key() == t.Key() || len(s.Reload.Args) > 0 && slices.Equal(s.Reload.Args, t.Reload.Args) {
		return true
	}
	mine := s.destinations()
	return slices.ContainsFunc(t.destinations(), func(path string) bool {
		_, ok := slices.BinarySearch(mine, path)
		return ok
	})
}

// Key identifies the bundle in the journal, also after a restart: the name of a named
// bundle; the absolute path of the only file of a bundle that is named after it; for
// an implicit bundle its command and sorted destinations.
func (s Spec) Key() string {
	if s.Policy == Together {
		if len(s.Members) == 1 && s.Members[0].Destination == s.Name {
			return Path(s.Name)
		}
		return s.Name
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q\n%q", s.Reload.Args, s.destinations())
	return "command " + hex.EncodeToString(h.Sum(nil)[:12])
}

func (s Spec) destinations() []string {
	var paths []string
	for _, m := range s.Members {
		paths = append(paths, Path(m.Destination))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Path returns a destination as the journal has it: absolute.
func Path(destination string) string {
	if path, err := filepath.Abs(destination); err == nil {
		return path
	}
	return destination
}

// Wait is a quiet period: a change waits until there has been no other for Min,
// but no longer than Max after the first. The zero Wait does not wait.
type Wait struct {
	Min, Max time.Duration
}
