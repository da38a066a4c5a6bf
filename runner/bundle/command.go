package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/runner/bundle/group"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// settle bounds how long the first run of a command waits for templates that
// share it and are about to have their first output, so that a start runs the
// command once.
const settle = time.Second

// A command has the files loaded.
type command struct {
	spec    group.Spec
	shared  *Shared
	entry   *entry
	offered Offer // the newest, without the outputs; with the place in the lane

	runs
	running bool             // with Each
	again   time.Time        // when to try to start it, with Together for the old files that are back; zero: not by itself
	done    chan *commandRun // capacity 1: the run that has ended
}

// runs is what is known of the runs of a command, past and to come.
type runs struct {
	owed  bool
	files process.FileSet // the destinations that changed since it ran
	first int             // the first member that wants it

	wanted   time.Time // when it was wanted for the first time since the start
	ran      bool      // it has been run since the start
	ended    time.Time // the last run, with Together
	failures int       // in a row, with the same data
	row      int       // failures since it succeeded
	retryAt  time.Time // not before this, after a failure
}

// want notes that the command is owed for files that changed.
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

// owedFiles returns for which destinations the command is owed: with the policy
// Together, or where that is not known, for all.
func (c *command) owedFiles() (files []string) {
	if known := c.files.List(); c.spec.Policy == group.Each && len(known) > 0 {
		return slices.Clone(known)
	}
	for _, m := range c.spec.Members {
		files = append(files, m.Destination)
	}
	return files
}

func (c *command) run(ctx context.Context, why process.Reason, files []string) (output string, err error) {
	cmd := c.spec.Reload
	cmd.Env = c.environ(why, files)
	return c.shared.Run(ctx, cmd)
}

func (c *command) environ(why process.Reason, files []string) []string {
	return append(process.Environ(c.spec.Reload.Env, why, files), "RESTENCIL_BUNDLE="+c.spec.Name)
}

// verify finds out whether the program is well: all probes must hold at the same
// time. The first that does not ends the others.
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

// start starts the command of a bundle with the policy Each, if it is owed, due,
// not running, and its turn in the lane. What another process owed waits for all
// files.
func (c *command) start(ctx context.Context, groups *group.Set) {
	c.again = time.Time{}
	if c.running {
		return
	}
	now, ready := time.Now(), c.owed && (!c.wanted.IsZero() || groups.AllPlaced())
	if ready && c.retryAt.After(now) {
		c.again = c.retryAt
	}
	if limit := c.wanted.Add(settle); ready && !c.ran && c.offered.Outstanding && limit.After(now) {
		c.again = limit
	}
	if !ready || !c.again.IsZero() {
		c.offered.ticket.Release()
		c.offered.ticket = nil
		return
	}
	if c.offered.ticket == nil {
		c.offered.ticket = c.shared.Lane.Reserve(c.offered.Pass, c.first)
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

// finish notes the end of a run, and reports it. What has changed since it began
// is owed still.
func (c *command) finish(ctx context.Context, run *commandRun, report *Report) {
	run.ticket.Release()
	c.running, c.ran = false, true
	report.Pass = run.pass
	args := c.spec.Reload.Args
	if run.err == nil {
		if !c.owed {
			if debt := c.entry.debt; debt != "" {
				c.entry.note(func(j *journal.Journal) error { return j.Applied(c.entry.key, debt, nil) })
				c.entry.debt = ""
			}
			c.failures, c.retryAt = 0, time.Time{}
		}
		c.shared.Events(event.CommandDone{Args: args, Files: run.files, Took: time.Since(run.began), Failures: c.row})
		c.row = 0
		return
	}
	if ctx.Err() != nil {
		return // it is owed still, and the journal knows
	}
	c.row++
	e := event.CommandFailed{Args: args, Files: run.files, Err: process.Brief(run.err, nil), Output: c.shared.Registry.Secrets().Mask(run.output), Attempt: c.row}
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
	case c.owed: // because of new data, which is a new chance
		c.files.Add(run.files...)
		c.first = min(c.first, run.first)
	default: // it is owed again
		c.files.Add(run.files...)
		c.owed, c.first = true, run.first
		c.failures++
		e.RetryIn = group.Delay(c.spec.Retry, c.failures)
		c.retryAt = time.Now().Add(e.RetryIn)
	}
	c.shared.Events(e)
}

// A Lane has the commands of several bundles run one after another: those of an
// earlier pass of the runner first, and within a pass in the order of templates,
// as in consul-template (COMPAT 4.6.3). A bundle takes its place when it is
// offered outputs, before it is known whether its command is to run, and gives
// it back. The zero Lane is empty and ready. Its methods may be called from any
// goroutine.
type Lane struct {
	mu    sync.Mutex
	queue []*Ticket // the first has its turn
}

// A Ticket is a place in a Lane.
type Ticket struct {
	lane        *Lane
	pass, order int
	turn        chan struct{} // closed when it is the first
}

// Reserve takes a place. One that has its turn keeps it, whoever comes.
func (l *Lane) Reserve(pass, order int) *Ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &Ticket{lane: l, pass: pass, order: order, turn: make(chan struct{})}
	at, _ := slices.BinarySearchFunc(l.queue, t, func(a, b *Ticket) int {
		return cmp.Or(cmp.Compare(a.pass, b.pass), cmp.Compare(a.order, b.order), -1)
	})
	if at == 0 && len(l.queue) > 0 {
		at = 1
	}
	l.queue = slices.Insert(l.queue, at, t)
	if at == 0 {
		close(t.turn)
	}
	return t
}

// Turn is closed when it is t's turn, which lasts until Release.
func (t *Ticket) Turn() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.turn
}

// Release gives the place back. A nil Ticket has none.
func (t *Ticket) Release() {
	if t == nil {
		return
	}
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	i := slices.Index(t.lane.queue, t)
	if i < 0 {
		return
	}
	t.lane.queue = slices.Delete(t.lane.queue, i, i+1)
	if i == 0 && len(t.lane.queue) > 0 {
		close(t.lane.queue[0].turn)
	}
}
