package compat

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestSubjects renders the templates of testdata/*.txtar with both programs.
//
// A section of such a file is one template. What its name says in brackets at
// its end makes more of it:
//
//	[fails]        each line is a template of its own, and must end both programs with exit 14
//	[waits]        each line is a template of its own, which must not render until late.txtar's keys are there
//	[prints]       is rendered by a process of its own, whose standard output counts too
//	[dry]          likewise, with -dry
//	[KEY = VALUE]  is put into its template block
func TestSubjects(t *testing.T) {
	newRig(t).subjects(t, "testdata/*.txtar")
}

// subjects compares the templates of all files of that pattern.
func (r *rig) subjects(t *testing.T, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no subjects:", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			r.subject(t, parseCases(t, archive))
		})
	}
}

// cases are the templates of a subject, by what is to become of them.
type cases struct {
	render, fail, wait, print, dry []source
}

func parseCases(t *testing.T, archive *txtar.Archive) cases {
	t.Helper()
	var c cases
	for _, file := range archive.Files {
		name, marks := splitName(file.Name)
		s := source{name: name, text: string(file.Data)}
		into := &c.render
		for _, mark := range marks {
			switch {
			case mark == "fails":
				into = &c.fail
			case mark == "waits":
				into = &c.wait
			case mark == "prints":
				into = &c.print
			case mark == "dry":
				into = &c.dry
			case strings.Contains(mark, "="):
				s.settings = append(s.settings, mark)
			default:
				t.Fatalf("%s: unknown mark [%s]", file.Name, mark)
			}
		}
		if into == &c.fail || into == &c.wait {
			*into = append(*into, s.lines()...)
		} else {
			*into = append(*into, s)
		}
	}
	return c
}

// splitName parts "a name [mark] [mark]".
func splitName(text string) (name string, marks []string) {
	name, rest, _ := strings.Cut(text, " [")
	if rest == "" {
		return name, nil
	}
	return name, strings.Split(strings.TrimSuffix(rest, "]"), "] [")
}

// lines returns each line as a template of its own.
func (s source) lines() []source {
	var all []source
	for line := range strings.Lines(s.text) {
		line = strings.TrimSuffix(line, "\n")
		all = append(all, source{name: s.name + ": " + line, text: line, settings: s.settings})
	}
	return all
}

// subject compares the templates of one subject, side by side.
func (r *rig) subject(t *testing.T, c cases) {
	side := func(name string, compare func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t)
		})
	}
	side("renders", func(t *testing.T) { r.compareRendered(t, c.render) })
	side("waits", func(t *testing.T) { r.compareWaiting(t, c.wait) })
	for _, s := range c.fail {
		side("fails", func(t *testing.T) { r.compareFailure(t, s) })
	}
	for _, s := range c.print {
		side("prints", func(t *testing.T) { r.compareAlone(t, s) })
	}
	for _, s := range c.dry {
		side("dry", func(t *testing.T) { r.compareAlone(t, s, "-dry") })
	}
}
