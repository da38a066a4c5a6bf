package transaction

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"restencil/runner/process"
	"restencil/runner/process/overlay"
)

// A view is what a check sees: its exported methods are the actions.
type view struct {
	bundle string
	files  []viewFile // of the bundle
	about  []viewFile // those that are checked
	extras []viewFile // that writeToFile wrote besides
}

// A viewFile is a member as checks see it.
type viewFile struct {
	path     string // the destination
	template string
	staged   string // where its content is now
	temp     bool   // that is not the destination
}

// newView returns the view of the checks of a change.
func newView(c *Change) *view {
	v := &view{bundle: c.Bundle}
	for i, f := range c.Files {
		one := viewFile{path: f.Destination, template: f.Template, staged: f.Destination}
		for _, p := range c.placed {
			if p.file == &c.Files[i] && p.own {
				one.staged, one.temp = p.staged.Path(), p.staged.Temp() != ""
			}
		}
		v.files = append(v.files, one)
	}
	for _, p := range c.placed {
		if !p.own && p.staged.Temp() != "" {
			v.extras = append(v.extras, viewFile{path: p.want.Path, staged: p.staged.Temp(), temp: true})
		}
	}
	for _, files := range [][]viewFile{v.files, v.extras} {
		for i := range files {
			if path, err := filepath.Abs(files[i].path); err == nil {
				files[i].path = path
			}
		}
	}
	v.about = v.files
	return v
}

// overlay says which files a check is to see in their places.
func (v *view) overlay() []overlay.File {
	var all []overlay.File
	for _, f := range slices.Concat(v.files, v.extras) {
		if f.temp {
			all = append(all, overlay.File{Path: f.path, Content: f.staged})
		}
	}
	return all
}

// name puts the destinations in the place of staged paths, which mean nothing to
// whoever reads a message.
func (v *view) name(text string) string {
	for _, f := range slices.Concat(v.files, v.extras) {
		if f.temp {
			text = strings.ReplaceAll(text, f.staged, f.path)
		}
	}
	return text
}

// of returns the view of a check of the file at i alone.
func (v *view) of(i int) *view {
	one := *v
	one.about = v.files[i : i+1]
	return &one
}

// Bundle returns the bundle's name.
func (v *view) Bundle() string { return v.bundle }

// Files returns where the files are staged that are checked.
func (v *view) Files() []string {
	paths := make([]string, len(v.about))
	for i, f := range v.about {
		paths[i] = f.staged
	}
	return paths
}

// File returns where the one file is staged that is checked.
func (v *view) File() (string, error) {
	if len(v.about) != 1 {
		return "", viewError(fmt.Sprintf("bundle %q has several files, so say which: %s", v.bundle, v.names()))
	}
	return v.about[0].staged, nil
}

// Staged returns where the file of this name is staged; without a name it is
// File.
func (v *view) Staged(name ...string) (string, error) {
	switch len(name) {
	case 0:
		return v.File()
	case 1:
		return v.find(name[0])
	}
	return "", viewError(fmt.Sprintf("Staged wants one name, not %d", len(name)))
}

// StagedRoot says what took its place.
func (v *view) StagedRoot() (string, error) {
	return "", viewError("StagedRoot is not needed any more: a check sees the new files in their places, so use the paths that the program uses")
}

// find returns where the file is staged that a name fits.
func (v *view) find(name string) (string, error) {
	path, err := filepath.Abs(name) // as destinations are
	if err != nil {
		return "", err
	}
	for _, fits := range []func(viewFile) bool{
		func(f viewFile) bool { return f.path == path },
		func(f viewFile) bool { return filepath.Base(f.path) == name },
		func(f viewFile) bool { return f.template == name },
	} {
		var found []viewFile
		for _, f := range v.files {
			if fits(f) {
				found = append(found, f)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0].staged, nil
		}
		return "", viewError(fmt.Sprintf("%q fits both %s and %s: give the whole path", name, found[0].path, found[1].path))
	}
	return "", viewError(fmt.Sprintf("bundle %q has no file %q, but %s", v.bundle, name, v.names()))
}

// names lists the destinations, for a person.
func (v *view) names() string {
	const most = 10
	var names []string
	for i, f := range v.files {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(v.files)-most))
			break
		}
		names = append(names, f.path)
	}
	return strings.Join(names, ", ")
}

// A viewError says what is wrong with the words of an action.
type viewError string

func (e viewError) Error() string { return string(e) }

// expand returns args with what their actions stand for.
func (v *view) expand(args []string) ([]string, error) {
	expanded := make([]string, len(args))
	for i, arg := range args {
		t, err := parseArg(arg)
		if err != nil {
			return nil, err
		}
		if t == nil {
			expanded[i] = arg
			continue
		}
		var b strings.Builder
		if err := t.Execute(&b, v); err != nil {
			return nil, argError(arg, err)
		}
		expanded[i] = b.String()
	}
	return expanded, nil
}

// ValidateCheck tells what is wrong with the actions in the arguments of a
// check, as far as that can be told without its files.
func ValidateCheck(c process.Command) error {
	for _, arg := range c.Args {
		if _, err := parseArg(arg); err != nil {
			return err
		}
		if strings.Contains(arg, "StagedRoot") {
			_, err := new(view).StagedRoot()
			return argError(arg, err)
		}
	}
	return nil
}

// parseArg returns nil where arg has no actions.
func parseArg(arg string) (*template.Template, error) {
	if !strings.Contains(arg, "{{") {
		return nil, nil
	}
	t, err := template.New("check").Parse(arg)
	if err != nil {
		return nil, argError(arg, err)
	}
	return t, nil
}

// argError says what is wrong with an argument, in the words of the view where
// it was that which said so.
func argError(arg string, err error) error {
	var own viewError
	if errors.As(err, &own) {
		err = own
	}
	return fmt.Errorf("check %q: %w", arg, err)
}

// maxNamed is how many files may be in a bundle that have a variable each. Linux
// does not run a command whose environment is too large.
const maxNamed = 100

// environ returns env, or the process's own environment where that is nil, with
// what the package comment says.
func (v *view) environ(env []string) []string {
	if env == nil {
		env = os.Environ()
	}
	env = append(slices.Clip(env), v.named()...)
	env = append(env, process.Variables("RESTENCIL_STAGED", v.Files())...)
	return append(env, "RESTENCIL_BUNDLE="+v.bundle)
}

// named returns a variable for each file whose name is its own.
func (v *view) named() []string {
	if len(v.files) > maxNamed {
		return nil
	}
	// This has a meaning of its own.
	count := map[string]int{"RESTENCIL_STAGED_MORE": 1}
	for _, f := range v.files {
		count[variable(f.path)]++
	}
	var env []string
	for _, f := range v.files {
		if name := variable(f.path); count[name] == 1 {
			env = append(env, name+"="+f.staged)
		}
	}
	return env
}

// variable returns the name of the variable for a destination.
func variable(path string) string {
	return "RESTENCIL_STAGED_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, filepath.Base(path))
}
