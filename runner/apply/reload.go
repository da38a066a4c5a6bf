package apply

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/renderer"
	"restencil/runner/probe"
)

// reload has the program read the new files.
func (tx *transaction) reload(ctx context.Context) bool {
	if len(tx.Reload.Args) == 0 || !tx.due() {
		return true
	}
	if !tx.enter(ctx, Reload) {
		return false
	}
	output, err := tx.tools.Run(ctx, tx.Reload)
	if err != nil {
		return tx.failBack(ctx, err, output)
	}
	return true
}

// verify finds out whether the program is well.
func (tx *transaction) verify(ctx context.Context) bool {
	if len(tx.Verify) == 0 || !tx.due() {
		return true
	}
	if !tx.enter(ctx, Verify) {
		return false
	}
	var once sync.Once
	var failed error
	var output string
	g, probing := errgroup.WithContext(ctx)
	for _, p := range tx.Verify {
		g.Go(func() error {
			var last string
			err := p.Hold(probing, tx.probeRun(&last))
			if err != nil {
				// The first ends the others, which then fail too.
				once.Do(func() { failed, output = err, last })
			}
			return err
		})
	}
	if g.Wait() != nil {
		return tx.failBack(ctx, failed, output)
	}
	return true
}

// probeRun returns what runs the command of a probe, and sets last to what it
// printed when it failed last.
func (tx *transaction) probeRun(last *string) probe.Run {
	return func(ctx context.Context, args []string, timeout time.Duration) (string, error) {
		output, err := tx.tools.Run(ctx, Command{Args: args, Timeout: timeout, Env: tx.Reload.Env, Hide: tx.tools.Hide})
		if err != nil {
			*last = output
		}
		return output, err
	}
}

// failBack fails, and goes back to the old files where that is asked for.
func (tx *transaction) failBack(ctx context.Context, err error, output string) bool {
	tx.fail(err)
	tx.out.Output = output
	if tx.mayRollBack() && tx.changes(renderer.Replaced) && ctx.Err() == nil {
		tx.rollBack(ctx)
	}
	return false
}

func (tx *transaction) rollBack(ctx context.Context) {
	tx.tell(Rollback)
	if !tx.putBack() {
		return
	}
	tx.out.RolledBack = true
	if len(tx.Reload.Args) > 0 {
		if _, err := tx.tools.Run(ctx, tx.Reload); err != nil {
			tx.out.RollbackErr = fmt.Errorf("reloading with the old files: %w", err)
			return
		}
	}
	tx.noteUndone()
}

// applied notes that nothing is left to do.
func (tx *transaction) applied() {
	tx.out.Step = Applied
	tx.tell(Applied)
	tx.noteApplied()
}
