package bundle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// firstRunDelay bounds how long the first run of a command waits for templates that
// are about to have their first output, so that a start runs the command once.
const firstRunDelay = time.Second

// A command loads the files of a bundle.
type command struct {
	spec    group.Spec
	shared  *Shared
	entry   *entry
	offered Offer // the newest, without the outputs; with the place in the queue

	runs
	running bool             // with Each
	again   time.Time        // when to try to start it, with Together for the old files that are back; zero: not by itself
	done    chan *commandRun // capacity 1: the run that has ended
}

// runs are the past and coming runs of a command.
type runs struct {
	owed  bool
	files process.FileSet // the destinations that changed since it ran
	first int             // the first member that wants it

	wanted   time.Time // when it was wanted for the first time since the start
	ran      bool      // it has been run since the start
	ended    time.Time // the last run, with Together
	failures int       // in a row, with the same data
	failed   int       // how many times since it succeeded
	retryAt  time.Time // not before this, after a failure
}

// want records that the command is owed for files that changed.
func (c *command) want(files []string, member int) {
	if len(files) == 0 || c.spec.Reload.None() {
		return
	}
	if c.wanted.IsZero() {
		c.wanted = time.Now()
	}
	if !c.owed || member < c.first {
		c.first = member
	}
	c.owed, c.retryAt, c.failures = true, time.Time{}, 0 // new data is a new chance
	c.files.Add(files...)
}

// run runs the command and returns the end of what it printed.
func (c *command) run(ctx context.Context, why process.Reason, files []string) (output string, err error) {
	cmd := c.spec.Reload
	cmd.Env = c.environ(why, files)
	return c.shared.Run(ctx, cmd)
}

func (c *command) environ(why process.Reason, files []string) []string {
	return append(process.Environ(c.spec.Reload.Env, why, files), "RESTENCIL_BUNDLE="+c.spec.Name)
}

// verify has the change fail unless all probes hold at the same time. The first that
// does not ends the others.
func (c *command) verify(ctx context.Context, change *transaction.Change, env []string) {
	mask := c.shared.Registry.Secrets().Masker()
	var once sync.Once
	g, probing := errgroup.WithContext(ctx)
	for _, p := range c.spec.Verify {
		g.Go(func() error {
			var printed string // by the command of the probe, when it failed last
			err := p.Wait(probing, func(ctx context.Context, args []string, timeout time.Duration) (string, error) {
				output, err := c.shared.Run(ctx, process.Command{Args: args, Timeout: timeout, Mask: mask, Env: env})
				if err == nil {
					return "", nil // nobody asks
				}
				printed = mask(output)
				return printed, process.Brief(err, nil)
			})
			if err != nil {
				once.Do(func() {
					change.Fail(event.Verify, err)
					change.Output = printed
				})
			}
			return err
		})
	}
	_ = g.Wait() // the first error is noted
}

// A commandRun is one run of the command of a bundle with the policy Each. The
// bundle's goroutine goes on to put files in place meanwhile.
type commandRun struct {
	files  []string
	first  int // the first member that wanted it
	pass   int // the newest offer that it is for
	ticket *turn.Ticket
	began  time.Time
	output string
	err    error
}

// start starts the command of a bundle with the policy Each, if it is owed, due, not
// running, and has its turn. What another process owed waits for all files.
func (c *command) start(ctx context.Context, groups *group.Set) {
	c.again = time.Time{}
	if c.running {
		return
	}
	now, ready := time.Now(), c.owed && (!c.wanted.IsZero() || groups.AllPlaced())
	if ready && c.retryAt.After(now) {
		c.again = c.retryAt
	}
	if limit := c.wanted.Add(firstRunDelay); ready && !c.ran && c.offered.Outstanding && limit.After(now) {
		c.again = limit
	}
	if !ready || !c.again.IsZero() {
		c.offered.ticket.Release()
		c.offered.ticket = nil
		return
	}
	if c.offered.ticket == nil {
		c.offered.ticket = c.shared.Queue.Reserve(c.offered.Pass, c.first)
	}
	select {
	case <-c.offered.ticket.Turn():
	default:
		return
	}
	why := process.ReasonChange
	switch {
	case !c.ran:
		why = process.ReasonStart
	case c.failures > 0:
		why = process.ReasonRetry
	}
	run := &commandRun{
		files: slices.Clone(c.files.List()), first: c.first, pass: c.offered.Pass,
		ticket: c.offered.ticket, began: now,
	}
	c.offered.ticket = nil
	c.owed, c.running, c.files = false, true, process.FileSet{}
	c.shared.Events(event.CommandStarted{Args: c.spec.Reload.Args, Files: run.files})
	go func() {
		run.output, run.err = c.run(ctx, why, run.files)
		c.done <- run
	}()
}

// finish reports the end of a run, which may be the last. For what has changed since it
// began, the command is owed still.
func (c *command) finish(ctx context.Context, run *commandRun, report *Report, last bool) {
	run.ticket.Release()
	c.running, c.ran = false, true
	report.Pass = run.pass
	args := c.spec.Reload.Args
	if run.err == nil {
		if !c.owed {
			if id := c.entry.owed; id != "" {
				c.entry.do(func(j *journal.Journal) error {
					_, err := j.Applied(c.entry.key, id, nil)
					return err
				})
				c.entry.owed = ""
			}
			c.failures, c.retryAt = 0, time.Time{}
		}
		c.shared.Events(event.CommandDone{Args: args, Files: run.files, Took: time.Since(run.began), Failures: c.failed})
		c.failed = 0
		return
	}
	if ctx.Err() != nil {
		return // it is owed still, as the journal has it
	}
	c.failed++
	e := event.CommandFailed{Args: args, Files: run.files, Err: process.Brief(run.err, nil), Output: c.shared.Registry.Secrets().Mask(run.output), Attempt: c.failed}
	m := c.spec.Members[run.first]
	whole := fmt.Errorf("%s: command failed: %w (the new files stay)", m.Destination, e.Err)
	if c.shared.ConsulTemplate {
		whole = fmt.Errorf("failed to execute command %q from %q => %q: %w", fmt.Sprintf("%q", args), m.Template, m.Destination, run.err)
	}
	switch {
	case c.shared.Once:
		report.Command = whole
		return // which says the same
	case c.spec.ExitOnFailure:
		report.Fatal = errors.Join(report.Fatal, whole)
	case last, c.owed: // because of new data, which is a new chance
		c.files.Add(run.files...)
		c.owed, c.first = true, min(c.first, run.first)
	default: // it is owed again
		c.files.Add(run.files...)
		c.owed, c.first = true, run.first
		c.failures++
		e.RetryIn = group.Delay(c.spec.Retry, c.failures)
		c.retryAt = time.Now().Add(e.RetryIn)
	}
	c.shared.Events(e)
}
