package apply

import (
	"context"
	"time"

	"restencil/renderer"
	"restencil/runner/format"
)

// checkTimeout is how long a check may take that does not say.
const checkTimeout = 30 * time.Second

// check finds out whether what is staged may go in place.
func (tx *transaction) check(ctx context.Context) bool {
	if !tx.changes(renderer.Replaced) {
		return true
	}
	if !tx.enter(ctx, Check) {
		return false
	}
	if err := tx.checkFormats(time.Now()); err != nil {
		return tx.fail(err)
	}
	v := newView(tx)
	ok := tx.runChecks(ctx, v)
	tx.warn(v.tree.remove())
	return ok && tx.goOn(ctx)
}

// checkFormats tells which file is not what it should be.
func (tx *transaction) checkFormats(now time.Time) error {
	var pair []format.File
	var renewed bool
	for i, m := range tx.Members {
		replaced := tx.staged[i].Change() == renderer.Replaced
		file := format.File{Name: m.File.Path, Content: m.File.Content, Secret: m.Tainted}
		if m.Format == format.X509 {
			pair = append(pair, file)
			renewed = renewed || replaced
		}
		if !replaced {
			continue
		}
		if err := format.Check(m.Format, file, now); err != nil {
			return err
		}
	}
	if !renewed {
		return nil
	}
	return format.Pair(pair, now)
}

// runChecks runs the checks of the new files, and that of all.
func (tx *transaction) runChecks(ctx context.Context, v *view) bool {
	for i, m := range tx.Members {
		if len(m.Check.Args) == 0 || tx.staged[i].Change() != renderer.Replaced {
			continue
		}
		if !tx.runCheck(ctx, m.Check, v.of(i)) {
			return false
		}
	}
	return len(tx.Check.Args) == 0 || tx.runCheck(ctx, tx.Check, v)
}

func (tx *transaction) runCheck(ctx context.Context, c Command, v *view) bool {
	if namesTree(c.Args) || runsScript(c.Args) {
		if _, err := v.tree.path(); err != nil {
			// The command may well do without; an action says so again.
			tx.warn(err)
		}
	}
	args, err := v.expand(c.Args)
	if err != nil {
		return tx.fail(err)
	}
	if c.Timeout == 0 {
		c.Timeout = checkTimeout
	}
	c.Args, c.Env, c.Hide = args, v.environ(c.Env), tx.tools.Hide
	output, err := tx.tools.Run(ctx, c)
	if err != nil {
		tx.out.Output = output
		return tx.fail(err)
	}
	return true
}
