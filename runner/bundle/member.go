package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/transaction"
	"restencil/template"
)

// A member is a template of a group, and its file.
type member struct {
	Member
	index  int             // among those of the bundle
	stream renderer.Stream // where the destination leads, as the bundle began

	latest  *Output // the newest one, nil: it is not complete, or in place and not needed any more
	offered Sum     // of the newest one
	told    bool    // as in Rendered

	placed  bool // the destination has been right at some time
	written Sum  // what was put there last
	known   bool // written is there still, as far as is known
	secret  bool // it used a secret
	failure string
	hides   [2]template.Secrets // what is in place may hold, and what was there before

	shown [sha256.Size]byte // of what the stream has been given last that it leads to

	unstable bool // it was told that its output differs each time
	exposed  bool // it was told that everybody can read it
}

// want returns what the destination is to be with this output.
func (m *member) want(out *Output) renderer.File {
	perm := m.Perm
	if perm == 0 && out.Secret {
		perm = m.SecretPerm
	}
	return renderer.File{
		Path:      m.Destination,
		Content:   out.Content,
		Perm:      perm,
		User:      m.User,
		Group:     m.Group,
		DirPerm:   m.DirPerm,
		NoParents: m.NoParents,
		Backup:    m.Backup,
		Differs:   m.known && m.written.content != out.Sum.content,
	}
}

// file returns m as a transaction has it.
func (m *member) file(ctx context.Context, p Policy, s *Shared) transaction.File {
	f := transaction.File{
		Template:    m.Template,
		Destination: m.Destination,
		Extras:      m.latest.Files,
		Format:      m.Format,
		Check:       m.Check,
		Secret:      m.latest.Secret,
	}
	if !m.Shadowed && p != Print {
		want := m.want(m.latest)
		if stream := m.stream; stream != renderer.NoStream {
			want.Shown = m.shown == m.latest.Sum.content
			want.Stream = &show{ctx: ctx, to: s.stream(stream), m: m, sum: m.latest.Sum.content}
		}
		f.Own = &want
	}
	return f
}

// hide says which secrets may be in m's file now, or soon.
func (m *member) hide(s *Secrets) {
	all := m.hides[:]
	if m.latest != nil {
		all = append(slices.Clip(all), m.latest.Secrets)
	}
	s.Set(m.key(), all...)
}

// differsEachTime tells whether an output differs from the last one though there
// is no new data, so that it would differ each time: what is in place stays then.
func (m *member) differsEachTime(r Rendered, events func(event.Event)) bool {
	if !r.Unfed || !m.placed || !m.known || r.Output.Sum == m.offered {
		m.unstable = m.unstable && r.Unfed
		return false
	}
	old, err := atomicfile.ReadFile(m.Destination)
	if err != nil || sha256.Sum256(old) != m.written.content {
		return false // it is to be put right anyway
	}
	m.offered = r.Output.Sum
	if !m.unstable {
		m.unstable = true
		events(event.Unstable{Template: m.Template, Destination: m.Destination, Difference: difference(old, r.Output)})
	}
	return true
}

// difference says where an output begins to differ from the old one.
func difference(old []byte, out *Output) string {
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

// isStream tells whether the destination is no file, but leads to a stream.
func (m *member) isStream() bool { return m.stream != renderer.NoStream }

// key tells m's file apart from others. Several may be written to one stream.
func (m *member) key() string {
	if m.isStream() {
		return m.Template + " => " + m.Destination
	}
	return m.Destination
}

// stillThere tells whether the destination is a file of the right size. One that
// was deleted or edited by hand is restored, as by consul-template.
func (m *member) stillThere() bool {
	if m.Destination == "" || m.Shadowed || m.isStream() {
		return true
	}
	info, err := os.Stat(m.Destination)
	return err == nil && info.Size() == int64(len(m.latest.Content))
}

// drifted tells whether the destination is not what it was made to be.
func (m *member) drifted() bool {
	if m.isStream() {
		return false
	}
	content, err := atomicfile.ReadFile(m.Destination)
	if err != nil || sha256.Sum256(content) != m.written.content {
		return true
	}
	f := m.want(&Output{Content: content, Secret: m.secret})
	f.Differs = false
	change, err := renderer.Compare(f)
	return err != nil || change != renderer.Unchanged
}

// facts returns what the newest output comes to.
func (m *member) facts() guard.File {
	f := guard.File{
		Path: m.Destination, Old: -1, New: len(m.latest.Content),
		Blank: len(bytes.TrimSpace(m.latest.Content)) == 0,
	}
	if info, err := os.Stat(m.Destination); err == nil && !m.isStream() {
		f.Old = int(info.Size())
	}
	return f
}

// readableByAll are the mode bits of which a file with secrets should have none.
const readableByAll = 0o004

// checkExposed tells, once, that everybody may read a file that was made of
// secrets. The mode stays as it is: whatever reads the file relies on it.
func (m *member) checkExposed(out *Output, events func(event.Event)) {
	if m.exposed || runtime.GOOS == "windows" || !out.Private || m.isStream() {
		return
	}
	info, err := os.Stat(m.Destination)
	if err != nil || info.Mode()&readableByAll == 0 {
		return
	}
	m.exposed = true
	events(event.Exposed{Template: m.Template, Destination: m.Destination, Mode: info.Mode() & fs.ModePerm})
}
