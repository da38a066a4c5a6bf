package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/format"
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
	if own, ok := errors.AsType[viewError](err); ok {
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
	env = append(slices.Clip(env), process.Variables("RESTENCIL_STAGED", v.Files())...)
	env = append(env, "RESTENCIL_BUNDLE="+v.bundle)
	if len(v.files) > maxNamed {
		return env
	}
	count := map[string]int{"RESTENCIL_STAGED_MORE": 1} // which has a meaning of its own
	for _, f := range v.files {
		count[variable(f.path)]++
	}
	for _, f := range v.files {
		if name := variable(f.path); count[name] == 1 {
			env = append(env, name+"="+f.staged)
		}
	}
	return env
}

// variable returns the name of the variable for a destination.
func variable(path string) string {
	return "RESTENCIL_STAGED_" + notInNames.ReplaceAllString(strings.ToUpper(filepath.Base(path)), "_")
}

var notInNames = regexp.MustCompile("[^A-Z0-9]")

const checkTimeout = 30 * time.Second // how long a check may take that does not say

// Check finds out which changes may go in place: by the formats of their new
// files, their checks, and that of all.
func (tx *Transaction) Check(ctx context.Context) {
	for _, c := range tx.live() {
		if !c.ReplacesAny() {
			continue
		}
		c.Fail(event.Check, c.checkFormats(time.Now()))
		if c.Err == nil {
			tx.runChecks(ctx, c, false)
		}
	}
}

// CheckLate runs the checks that could not be run before the swap, since they
// cannot see what is staged in its place. The old files are put back at once
// where one fails: nothing has been reloaded.
func (tx *Transaction) CheckLate(ctx context.Context) {
	if !tx.late {
		return
	}
	for _, c := range tx.live() {
		if !c.ReplacesAny() {
			continue
		}
		tx.runChecks(ctx, c, true)
		if c.Err == nil {
			continue
		}
		_ = tx.PutBack(c) // which notes what it could not do
		for _, p := range c.placed {
			p.result = renderer.Result{}
		}
	}
}

// checkFormats tells which file is not what it should be.
func (c *Change) checkFormats(now time.Time) error {
	var pair []format.File
	var renewed bool
	for _, p := range c.placed {
		f := p.file
		if !p.own || f.Format == "" {
			continue
		}
		file := format.File{Name: p.want.Path, Content: p.want.Content, Secret: f.Secret}
		if f.Format == format.X509 {
			pair = append(pair, file)
			renewed = renewed || p.replaced()
		}
		if !p.replaced() {
			continue
		}
		if err := format.Check(f.Format, file, now); err != nil {
			return err
		}
	}
	if !renewed {
		return nil
	}
	return format.Pair(pair, now)
}

// runChecks runs the checks of the new files of c, and that of all. The late ones
// are those that see the files only in their places.
func (tx *Transaction) runChecks(ctx context.Context, c *Change, late bool) {
	has := func(f File) bool { return len(f.Check.Args) > 0 }
	if len(c.Check.Args) == 0 && !slices.ContainsFunc(c.Files, has) {
		return
	}
	v := newView(c)
	for i, f := range c.Files {
		if len(f.Check.Args) > 0 && c.Replaces(i) {
			tx.runCheck(ctx, c, f.Check, v.of(i), late)
		}
	}
	if len(c.Check.Args) > 0 {
		tx.runCheck(ctx, c, c.Check, v, late)
	}
}

func (tx *Transaction) runCheck(ctx context.Context, c *Change, check process.Command, v *view, late bool) {
	if c.Err != nil || tx.isLate(check) != late {
		return
	}
	if tx.tools.InPlace() == nil {
		check.Overlay = v.overlay()
	}
	args, err := v.expand(check.Args)
	if err != nil {
		c.Fail(event.Check, err)
		return
	}
	if check.Timeout == 0 {
		check.Timeout = checkTimeout
	}
	mask := tx.tools.Mask()
	check.Args, check.Env = args, v.environ(check.Env)
	check.Mask = func(text string) string { return v.name(mask(text)) }
	if output, err := tx.tools.Run(ctx, check); err != nil {
		c.Fail(event.Check, process.Brief(err, check.Mask))
		c.Output = check.Mask(output)
	}
}

// isLate tells whether a check can be run only after the swap: it cannot see
// staged files in their places, and its arguments do not name them.
func (tx *Transaction) isLate(check process.Command) bool {
	namesStaged := func(arg string) bool {
		return strings.Contains(arg, "{{") || strings.Contains(arg, "RESTENCIL_STAGED")
	}
	return len(check.Args) > 0 && !slices.ContainsFunc(check.Args, namesStaged) && tx.tools.InPlace() != nil
}
