//go:build unix

package transaction

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"restencil/funcs"
)

// What writeToFile asks for goes in place in the order in which it is asked for.
func TestExtras(t *testing.T) {
	b := newBench(t)
	b.put("there", "there ", 0o640)
	if err := errors.Join(os.Symlink("sub", b.at("linked")), syscall.Mkfifo(b.at("fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	b.writers = map[string]string{b.at("other"): "other.ctmpl"}
	tests := []struct {
		name  string
		asked []funcs.File // in the bench's directory
		holds string       // the first of them
		err   string
	}{
		{"new", []funcs.File{{Path: "x/y/new", Content: "1"}}, "1", ""},
		{"appended", []funcs.File{{Path: "there", Content: "1", Append: true}, {Path: "./there", Content: "2", Append: true}}, "there 12", ""},
		{"appended to nothing", []funcs.File{{Path: "none", Content: "1", Append: true}}, "1", ""},
		{"written twice", []funcs.File{{Path: "twice", Content: "1"}, {Path: "twice", Content: "2"}}, "2", ""},
		{"in a linked directory", []funcs.File{{Path: "linked/x", Content: "1"}}, "", "refusing to write through symlinked directory in path"},
		{"a pipe", []funcs.File{{Path: "fifo", Content: "1", Append: true}}, "", "not a regular file"},
		{"where a template writes", []funcs.File{{Path: "sub/../other", Content: "1"}}, "", "it is the destination of template other.ctmpl"},
		{"a pipe that is replaced", []funcs.File{{Path: "fifo", Content: "1"}}, "", "not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.change.Files = []File{{Template: "a.ctmpl", Destination: b.at("a")}}
			for _, f := range tt.asked {
				f.Path, f.Perms = b.dir+"/"+f.Path, 0o600
				b.change.Files[0].Extras = append(b.change.Files[0].Extras, f)
			}
			tx, c := b.apply(t.Context())
			tx.Discard()
			if tt.err != "" {
				if !strings.Contains(errText(c.Err), tt.err) {
					t.Errorf("error %v, want %s", c.Err, tt.err)
				}
				return
			}
			wantErr(t, c, "", "")
			if got, err := os.ReadFile(b.at(tt.asked[0].Path)); string(got) != tt.holds {
				t.Errorf("it holds %q (%v), want %q", got, err, tt.holds)
			}
		})
	}
}

// Several templates append to one file, of one change or of several: none is lost.
func TestExtrasOfSeveralTemplates(t *testing.T) {
	for _, together := range []bool{false, true} {
		b := newBench(t)
		b.put("log", "0", 0o600)
		var changes []*Change
		for _, text := range []string{"1", "2", "3"} {
			f := File{Template: text, Destination: b.at(text), Extras: []funcs.File{{Path: b.at("log"), Content: text, Append: true, Perms: 0o600}}}
			if together && len(changes) > 0 {
				changes[0].Files = append(changes[0].Files, f)
			} else {
				changes = append(changes, &Change{Files: []File{f}})
			}
		}
		tx := New(Tools{Writer: func(string) string { return "" }}, changes...)
		tx.Stage(t.Context())
		tx.Swap()
		for _, c := range changes {
			wantErr(t, c, "", "")
			if got := len(c.staged()); got != 1 {
				t.Errorf("together %v: %d files are staged, want 1", together, got)
			}
		}
		tx.Discard()
		if got, err := os.ReadFile(b.at("log")); string(got) != "0123" {
			t.Errorf("together %v: it holds %q (%v), want 0123", together, got, err)
		}
	}
}
