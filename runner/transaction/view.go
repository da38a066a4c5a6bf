package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	bundle  string
	all     []viewFile // the files of the bundle
	files   []viewFile // those of all that the change does not remove
	checked []viewFile // those that are checked
	extras  []viewFile // of writeToFile
}

// A viewFile is a file as a check sees it.
type viewFile struct {
	path     string // the destination
	template string
	staged   string // where its content is now; "": the change removes it
	temp     bool   // that is not the destination
}

func newView(c *Change) *view {
	v := &view{bundle: c.Bundle}
	absolute := func(path string) string {
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
		return path
	}
	staged := make(map[*File]*renderer.StagedFile)
	for _, p := range c.placements {
		if p.own {
			staged[p.file] = p.staged
		} else if p.staged.Temp() != "" {
			v.extras = append(v.extras, viewFile{path: absolute(p.want.Path), staged: p.staged.Temp(), temp: true})
		}
	}
	for i, f := range c.Files {
		file := viewFile{path: absolute(f.Destination), template: f.Template, staged: f.Destination}
		if s := staged[&c.Files[i]]; s != nil {
			file.staged, file.temp = s.Path(), s.Temp() != ""
		}
		if f.removed() {
			file.staged = ""
		} else {
			v.files = append(v.files, file)
		}
		v.all = append(v.all, file)
	}
	v.checked = v.files
	return v
}

// overlay returns the files that a check is to see in their places.
func (v *view) overlay() []overlay.File {
	var all []overlay.File
	for _, f := range slices.Concat(v.all, v.extras) {
		if f.temp || f.staged == "" {
			all = append(all, overlay.File{Path: f.path, Content: f.staged})
		}
	}
	return all
}

// name replaces staged paths in a message by the destinations.
func (v *view) name(text string) string {
	for _, f := range v.overlay() {
		if f.Content == "" {
			continue
		}
		text = strings.ReplaceAll(text, f.Content, f.Path)
	}
	return text
}

// Bundle returns the bundle's name.
func (v *view) Bundle() string { return v.bundle }

// Files returns the staged paths of the files that are checked.
func (v *view) Files() []string {
	paths := make([]string, len(v.checked))
	for i, f := range v.checked {
		paths[i] = f.staged
	}
	return paths
}

// File returns the staged path of the one file that is checked.
func (v *view) File() (string, error) {
	if len(v.checked) != 1 {
		return "", fmt.Errorf("bundle %q has several files, so say which: %s", v.bundle, v.names())
	}
	return v.checked[0].staged, nil
}

// Staged returns the staged path of the file of this name, or without a name File.
func (v *view) Staged(name ...string) (string, error) {
	switch len(name) {
	case 0:
		return v.File()
	case 1:
		return v.find(name[0])
	}
	return "", fmt.Errorf("Staged wants one name, not %d", len(name))
}

// find returns the staged path of the file that a name fits.
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
		return "", fmt.Errorf("%q fits both %s and %s: give the whole path", name, found[0].path, found[1].path)
	}
	return "", fmt.Errorf("bundle %q has no file %q, but %s", v.bundle, name, v.names())
}

// names returns the first destinations, for a message.
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

// expand returns arguments with the results of their actions.
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

// ValidateCheck returns an error if the arguments of a check cannot be parsed.
func ValidateCheck(c process.Command) error {
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

// argError returns the error of an argument, without text/template's words around the
// error of an action.
func argError(arg string, err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Errorf("check %q: %w", arg, err)
}

// maxNamed is how many files a bundle may have for each to have a variable: Linux does
// not run a command whose environment is too large.
const maxNamed = 100

// environ returns env, or the process's own environment where that is nil, with the
// variables of the package comment.
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
	return "RESTENCIL_STAGED_" + strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(filepath.Base(path)))
}

const checkTimeout = 30 * time.Second // how long a check may take that does not say

// Check fails the changes whose new files have not their format, or fail a check.
func (tx *Transaction) Check(ctx context.Context) {
	for _, c := range tx.live() {
		if c.ReplacesAny() {
			c.Fail(event.Check, c.checkFormats(time.Now()))
			tx.runChecks(ctx, c, false)
		}
	}
}

// CheckLate runs the checks that could not be run before the swap, since they cannot
// see what is staged in its place. Where one fails, the old files are put back before
// anything is reloaded.
func (tx *Transaction) CheckLate(ctx context.Context) {
	for _, c := range tx.live() {
		if !c.late || !c.ReplacesAny() {
			continue
		}
		tx.runChecks(ctx, c, true)
		if c.Err == nil {
			continue
		}
		_ = tx.PutBack(c) // the error is in c.Err
		for _, p := range c.placements {
			p.result = renderer.Result{}
		}
	}
}

// checkFormats returns an error if a new file has not its format.
func (c *Change) checkFormats(now time.Time) error {
	var pair []format.File
	var renewed bool
	for _, p := range c.placements {
		f := p.file
		if !p.own || f.Format == "" || p.want.Remove {
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

// runChecks runs the late or other checks of the new files of c, and that of all.
func (tx *Transaction) runChecks(ctx context.Context, c *Change, late bool) {
	v := newView(c)
	for i, f := range c.Files {
		if c.Checked(i) {
			one := *v
			one.checked = v.all[i : i+1]
			tx.runCheck(ctx, c, f.Check, &one, late)
		}
	}
	tx.runCheck(ctx, c, c.Check, v, late)
}

func (tx *Transaction) runCheck(ctx context.Context, c *Change, check process.Command, v *view, late bool) {
	if c.Err != nil || check.None() || tx.isLate(check) != late {
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

// isLate reports whether a check can be run only after the swap: it cannot see staged
// files in their places, and its arguments do not name them.
func (tx *Transaction) isLate(check process.Command) bool {
	namesStaged := func(arg string) bool {
		return strings.Contains(arg, "{{") || strings.Contains(arg, "RESTENCIL_STAGED")
	}
	return len(check.Args) > 0 && !slices.ContainsFunc(check.Args, namesStaged) && tx.tools.InPlace() != nil
}
