package group

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/template"
)

// A File is the file of a member: what it is to hold, and what is in place.
type File struct {
	Member
	Index  int             // of the member in the bundle
	Stream renderer.Stream // where the destination leads

	newest   *template.Result // nil: it is not complete, or in place and not needed any more
	offered  template.Sum     // of the newest output
	announce bool             // as in Rendered

	inPlace
	shown    [sha256.Size]byte // of the content that was written to Stream last
	failure  string            // why it could not be written, as it was told last
	unstable bool              // it was told that its output differs each time
	exposed  bool              // it was told that everybody can read it
}

// inPlace is what is known of what was put at a destination last.
type inPlace struct {
	placed  bool // the destination has been right at some time
	sum     template.Sum
	known   bool                // it is there still, as far as is known
	secret  bool                // a secret was used
	secrets [2]template.Secrets // that may be in it, and in what was there before
}

// Key tells f apart from other files. Several may be written to one stream.
func (f *File) Key() string {
	if f.isStream() {
		return f.Template + " => " + f.Destination
	}
	return f.Destination
}

func (f *File) isStream() bool { return f.Stream != renderer.NoStream }

// Secrets returns those that may be in the file now, or soon.
func (f *File) Secrets() template.Secrets {
	all := f.secrets[0].With(f.secrets[1])
	if f.newest != nil {
		all = all.With(f.newest.Secrets)
	}
	return all
}

// want returns what f is to be with this output.
func (f *File) want(out *template.Result) Want {
	file := renderer.File{
		Path:      f.Destination,
		Content:   out.Content,
		Perm:      f.Perm,
		User:      f.User,
		Group:     f.Group,
		DirPerm:   f.DirPerm,
		NoParents: f.NoParents,
		Backup:    f.Backup,
		Differs:   f.known && f.sum.Content != out.Sum.Content,
		Shown:     f.isStream() && f.shown == out.Sum.Content,
	}
	if file.Perm == 0 && out.Secret {
		file.Perm = f.SecretPerm
	}
	return Want{File: f, Output: out, Place: file}
}

// differsEachTime tells whether an output differs from the last one though there
// is no new data, so that it would differ each time: what is in place stays then.
// The event is nil where that was told before.
func (f *File) differsEachTime(r Rendered) (bool, event.Event) {
	if !r.SameData || !f.placed || !f.known || r.Output.Sum == f.offered {
		f.unstable = f.unstable && r.SameData
		return false, nil
	}
	old, err := atomicfile.ReadFile(f.Destination)
	if err != nil || sha256.Sum256(old) != f.sum.Content {
		return false, nil // it is to be put right anyway
	}
	f.offered = r.Output.Sum
	if f.unstable {
		return true, nil
	}
	f.unstable = true
	return true, event.Unstable{Template: f.Template, Destination: f.Destination, Difference: difference(old, r.Output)}
}

// difference says where an output begins to differ from the old one.
func difference(old []byte, out *template.Result) string {
	was, is := bytes.Split(old, []byte("\n")), bytes.Split(out.Content, []byte("\n"))
	line := 0
	for line < min(len(was), len(is)) && bytes.Equal(was[line], is[line]) {
		line++
	}
	switch {
	case out.Secret:
		return fmt.Sprintf("line %d", line+1)
	case line >= len(was) || line >= len(is):
		return fmt.Sprintf("line %d is there or not", line+1)
	}
	return fmt.Sprintf("line %d is %q and %q", line+1, was[line], is[line])
}

// hasSize tells whether the destination is a file of the size that the newest
// output has. One that was deleted or edited by hand is restored, as by
// consul-template.
func (f *File) hasSize() bool {
	if f.Destination == "" || f.Shadowed || f.isStream() {
		return true
	}
	info, err := os.Stat(f.Destination)
	return err == nil && info.Size() == int64(len(f.newest.Content))
}

// drifted tells whether somebody has changed the destination.
func (f *File) drifted() bool {
	if !f.placed || f.Shadowed || f.isStream() {
		return false
	}
	content, err := atomicfile.ReadFile(f.Destination)
	if err != nil || sha256.Sum256(content) != f.sum.Content {
		return true
	}
	want := f.want(&template.Result{Content: content, Secret: f.secret}).Place
	want.Differs = false
	change, err := renderer.Compare(want)
	return err != nil || change != renderer.Unchanged
}

// facts returns what the newest output comes to.
func (f *File) facts() guard.Facts {
	file := guard.File{
		Path: f.Destination, Old: -1, New: len(f.newest.Content),
		Blank: len(bytes.TrimSpace(f.newest.Content)) == 0,
	}
	if info, err := os.Stat(f.Destination); err == nil && !f.isStream() {
		file.Old = int(info.Size())
	}
	return guard.Facts{Files: []guard.File{file}, Instances: f.newest.Instances}
}

// readableByAll are the mode bits that a file with secrets should not have.
const readableByAll = 0o004

// exposure returns the event, once, that everybody may read a file that was made
// of secrets. The mode stays as it is: the program that reads the file relies on it.
func (f *File) exposure(out *template.Result) event.Event {
	if f.exposed || runtime.GOOS == "windows" || !out.Private || f.isStream() {
		return nil
	}
	info, err := os.Stat(f.Destination)
	if err != nil || info.Mode()&readableByAll == 0 {
		return nil
	}
	f.exposed = true
	return event.Exposed{Template: f.Template, Destination: f.Destination, Mode: info.Mode() & fs.ModePerm}
}
