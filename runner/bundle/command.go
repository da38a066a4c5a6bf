package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/runner/event"
	"restencil/runner/probe"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// settle bounds how long the first run of a command waits for templates that
// share it and are about to have their first output, so that a start runs the
// command once.
const settle = time.Second

// A command is that which has the files loaded, and what is known of it.
type command struct {
	spec   Spec
	shared *Shared

	owed  bool
	files process.FileSet // the destinations that changed since it ran
	first int             // the first member that wants it
	debt  string          // what the journal knows its being owed by, "": it does not

	began    time.Time // when it was wanted for the first time since the start
	ran      bool      // it has been run since the start
	ended    time.Time // the last run
	failures int       // in a row
	retryAt  time.Time // not before this, after a failure
	resting  bool      // it waits for MinInterval

	running bool
	done    chan *commandRun // capacity 1: the run that has ended
}

// want notes that the command is owed for files that changed.
func (c *command) want(files []string, member int) {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	if !c.owed || member < c.first {
		c.first = member
	}
	c.owed, c.retryAt, c.failures = true, time.Time{}, 0 // new data is a new chance
	c.files.Add(files...)
}

// restedAt is when MinInterval allows another run, zero: it does.
func (c *command) restedAt() time.Time {
	if c.spec.MinInterval <= 0 || c.ended.IsZero() {
		return time.Time{}
	}
	return c.ended.Add(c.spec.MinInterval)
}

// at is when the command may be run, at the soonest. outstanding is as in Offer.
func (c *command) at(now time.Time, outstanding bool) time.Time {
	at := now
	if c.retryAt.After(at) {
		at = c.retryAt
	}
	c.resting = false
	if rested := c.restedAt(); rested.After(at) {
		at, c.resting = rested, true
	}
	if limit := c.began.Add(settle); !c.ran && outstanding && limit.After(at) {
		at = limit
	}
	return at
}

// run runs the command.
func (c *command) run(ctx context.Context, why process.Reason, files []string) (output string, err error) {
	cmd := c.spec.Reload
	cmd.Env = c.environ(why, files)
	return c.shared.Run(ctx, cmd)
}

func (c *command) environ(why process.Reason, files []string) []string {
	return append(process.Environ(c.spec.Reload.Env, why, files), "RESTENCIL_BUNDLE="+c.spec.Name)
}

// load has the program read the files of a change, and finds out whether it is
// well.
func (c *command) load(ctx context.Context, change *transaction.Change, why process.Reason, files []string) {
	if len(files) == 0 { // it is owed, and for which of them is not known
		for _, f := range change.Files {
			files = append(files, f.Destination)
		}
	}
	if !c.spec.Reload.None() {
		if output, err := c.run(ctx, why, files); err != nil {
			change.Fail(event.Reload, process.Brief(err))
			change.Output = c.shared.Secrets.All().Mask(output)
			return
		}
	}
	c.verify(ctx, change, c.environ(why, files))
}

// verify finds out whether the program is well: all probes must hold at the same
// time. The first that does not ends the others.
func (c *command) verify(ctx context.Context, change *transaction.Change, env []string) {
	mask := c.shared.Secrets.All().Masker()
	var once sync.Once
	g, probing := errgroup.WithContext(ctx)
	for _, p := range c.spec.Verify {
		g.Go(func() error {
			var last string
			err := p.Hold(probing, c.probeRun(env, mask, &last))
			if err != nil {
				once.Do(func() {
					change.Fail(event.Verify, err)
					change.Output = last
				})
			}
			return err
		})
	}
	_ = g.Wait() // the first error is noted
}

// probeRun returns what runs the command of a probe, and sets last to what it
// printed when it failed last.
func (c *command) probeRun(env []string, mask func(string) string, last *string) probe.Run {
	return func(ctx context.Context, args []string, timeout time.Duration) (string, error) {
		output, err := c.shared.Run(ctx, process.Command{Args: args, Timeout: timeout, Hide: mask, Env: env})
		if err == nil {
			return "", nil // nobody asks
		}
		*last = mask(output)
		return *last, process.Brief(err)
	}
}

// A commandRun is one run of the command of a bundle with the policy Each, beside
// the bundle's goroutine: files follow their data meanwhile, however long it takes.
type commandRun struct {
	files  []string
	first  int // the first member that wanted it
	pass   int // the newest offer that it is for
	ticket *Ticket
	began  time.Time
	output string
	err    error
}

// startCommand starts the command of a bundle with the policy Each, if it is owed,
// due, not running, and its turn in the lane.
func (b *Bundle) startCommand(ctx context.Context) {
	c := &b.command
	if c.running {
		return
	}
	if now := time.Now(); !c.owed || !b.allPlaced() || c.at(now, b.offered.outstanding).After(now) {
		b.offered.ticket.Release()
		b.offered.ticket = nil
		return
	}
	if b.offered.ticket == nil {
		b.offered.ticket = b.shared.Lane.Reserve(b.offered.pass, c.first)
	}
	select {
	case <-b.offered.ticket.Turn():
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
		files: slices.Clone(c.files.List()), first: c.first, pass: b.offered.pass,
		ticket: b.offered.ticket, began: time.Now(),
	}
	b.offered.ticket = nil
	c.owed, c.running, c.files = false, true, process.FileSet{}
	b.shared.Events(event.CommandStarted{Args: b.spec.Reload.Args, Files: run.files})
	go func() {
		run.output, run.err = c.run(ctx, why, run.files)
		c.done <- run
	}()
}

// commandEnded notes the end of a run. What has changed since it began is owed
// still.
func (b *Bundle) commandEnded(ctx context.Context, run *commandRun) {
	c := &b.command
	run.ticket.Release()
	c.running, c.ran, c.ended = false, true, time.Now()
	b.report.Pass = run.pass
	switch {
	case run.err == nil:
		if !c.owed {
			b.memory.paid(c.debt)
			c.debt, c.failures, c.retryAt = "", 0, time.Time{}
		}
		b.shared.Events(event.CommandDone{Args: b.spec.Reload.Args, Took: time.Since(run.began)})
	case ctx.Err() == nil: // else it is owed still, and the journal knows
		b.commandFailed(run)
	}
}

// allPlaced tells whether a command that is owed from another process can be run:
// its files are there. What is owed because of this one can.
func (b *Bundle) allPlaced() bool {
	if !b.command.began.IsZero() {
		return true
	}
	return !slices.ContainsFunc(b.groups, func(g *group) bool {
		return slices.ContainsFunc(g.members, func(m *member) bool { return !m.placed })
	})
}

// commandFailed notes that a run failed, and that it is owed again.
func (b *Bundle) commandFailed(run *commandRun) {
	c := &b.command
	args := b.spec.Reload.Args
	e := event.CommandFailed{Args: args, Err: run.err, Output: b.shared.Secrets.All().Mask(run.output)}
	m := b.spec.Members[run.first]
	// As consul-template words it (COMPAT 4.6.3).
	whole := fmt.Errorf("failed to execute command %q from %q => %q: %w", quoteArgs(args), m.Template, m.Destination, run.err)
	switch {
	case b.shared.Once:
		b.report.Command = whole
		return // whose error says the same
	case b.spec.ExitOnFailure:
		b.fail(whole)
	case c.owed: // because of new data, which is a new chance
		c.files.Add(run.files...)
		c.first = min(c.first, run.first)
	default:
		c.owed, c.first = true, run.first
		c.files.Add(run.files...)
		c.failures++
		e.RetryIn = delay(b.spec.Retry, c.failures)
		c.retryAt = time.Now().Add(e.RetryIn)
	}
	b.shared.Events(e)
}

func quoteArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return "[" + strings.Join(quoted, " ") + "]"
}
