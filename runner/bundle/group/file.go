package group

import (
	"crypto/sha256"
	"os"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/template"
)

// A File is the file of a member: what it is to hold, and what is in place.
type File struct {
	Member
	Index  int             // of the member in the bundle
	Stream renderer.Stream // where the destination leads

	newest *template.Result // nil: it is not complete, or in place and not needed any more
	known
}

// known is what is known of a destination. A bundle takes it over from the one
// whose place it takes.
type known struct {
	placed  bool                // it has been right at some time
	sum     template.Sum        // of what was put there last
	there   bool                // that is there still, as far as is known
	secret  bool                // a secret was used for it
	secrets [2]template.Secrets // that may be in it, and in what was there before
	shown   [sha256.Size]byte   // of the content that was written to Stream last

	offered  template.Sum // of the newest output
	announce bool         // people were told of a failure: that it is right is news
	failure  string       // why it could not be written, as it was told last
	unstable bool         // it was told that its output differs each time
	exposed  bool         // it was told that everybody can read it
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
		Differs:   f.there && f.sum.Content != out.Sum.Content,
		Shown:     f.isStream() && f.shown == out.Sum.Content,
	}
	if file.Perm == 0 && out.Secret {
		file.Perm = f.SecretPerm
	}
	return Want{File: f, Output: out, Place: file}
}

// resized tells whether the destination is not a file of the size that the newest
// output has. One that was deleted or edited by hand is restored, as by
// consul-template.
func (f *File) resized() bool {
	if f.Destination == "" || f.Shadowed || f.isStream() {
		return false
	}
	info, err := os.Stat(f.Destination)
	return err != nil || info.Size() != int64(len(f.newest.Content))
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
