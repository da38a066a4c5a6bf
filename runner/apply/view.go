package apply

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// A view is what a check sees: its exported methods are the actions.
type view struct {
	bundle string
	files  []file // of the bundle
	about  []file // those that are checked
	tree   *lazyTree
}

// A file is a member as checks see it.
type file struct {
	path     string // the destination
	template string
	staged   string // where its content is now
	temp     bool   // that is not the destination
	secret   bool
}

func newView(tx *transaction) *view {
	files := make([]file, len(tx.Members))
	for i, m := range tx.Members {
		s := tx.staged[i]
		files[i] = file{m.File.Path, m.Template, s.Path(), s.Temp() != "", m.Secret}
	}
	return &view{bundle: tx.Bundle, files: files, about: files, tree: &lazyTree{files: files}}
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
		return "", &viewError{fmt.Sprintf("bundle %q has several files, so say which: %s", v.bundle, v.names())}
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
	return "", &viewError{fmt.Sprintf("Staged wants one name, not %d", len(name))}
}

// StagedRoot returns the staged tree.
func (v *view) StagedRoot() (string, error) { return v.tree.path() }

// find returns where the file is staged that a name fits.
func (v *view) find(name string) (string, error) {
	path, err := filepath.Abs(name) // as destinations are
	if err != nil {
		return "", err
	}
	for _, fits := range []func(file) bool{
		func(f file) bool { return f.path == path },
		func(f file) bool { return filepath.Base(f.path) == name },
		func(f file) bool { return f.template == name },
	} {
		var found []file
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
		return "", &viewError{fmt.Sprintf("%q fits both %s and %s: give the whole path", name, found[0].path, found[1].path)}
	}
	return "", &viewError{fmt.Sprintf("bundle %q has no file %q, but %s", v.bundle, name, v.names())}
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
type viewError struct{ text string }

func (e *viewError) Error() string { return e.text }

// expand returns args with what their actions stand for.
func (v *view) expand(args []string) ([]string, error) {
	expanded := make([]string, len(args))
	for i, arg := range args {
		t, err := parseArg(arg)
		if t == nil || err != nil {
			expanded[i] = arg
			if err != nil {
				return nil, err
			}
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
func ValidateCheck(c Command) error {
	for _, arg := range c.Args {
		if _, err := parseArg(arg); err != nil {
			return err
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
	var own *viewError
	if errors.As(err, &own) {
		err = own
	}
	return fmt.Errorf("check %q: %w", arg, err)
}
