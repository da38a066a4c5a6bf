package transaction

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/runner/process"
)

// checkTimeout is how long a check may take that does not say.
const checkTimeout = 30 * time.Second

// Check finds out which changes may go in place: by the formats of their new
// files, their checks, and that of all.
func (tx *Transaction) Check(ctx context.Context) {
	for _, c := range tx.live() {
		if !c.Has(renderer.Replaced) {
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
		if !c.Has(renderer.Replaced) {
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
		replaced := p.staged.Change() == renderer.Replaced
		file := format.File{Name: p.want.Path, Content: p.want.Content, Secret: f.Secret}
		if f.Format == format.X509 {
			pair = append(pair, file)
			renewed = renewed || replaced
		}
		if !replaced {
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
	check.Hide = func(text string) string { return v.name(mask(text)) }
	if output, err := tx.tools.Run(ctx, check); err != nil {
		c.Fail(event.Check, errors.New(check.Hide(process.Brief(err).Error())))
		c.Output = check.Hide(output)
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
