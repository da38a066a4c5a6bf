package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A commandResult is what became of a command. What identifies its bundle is
// copied when the command starts: a reload may leave the bundle without members
// while the command runs.
type commandResult struct {
	bundle *bundle
	name   string   // of the bundle
	first  Template // the first that wanted the command
	args   []string // of the command
	files  []string
	output string // the end of what it printed
	err    error
	took   time.Duration
}

// startCommand runs the next command that is wanted, if none is running. They
// run one after another, in the order of passes and of the templates that want
// them, beside the loop (COMPAT 4.6.3).
func (r *Runner) startCommand(ctx context.Context, now time.Time) {
	if r.running != nil {
		return
	}
	b := r.nextCommand(now)
	if b == nil {
		return
	}
	why := b.why()
	res := commandResult{
		bundle: b,
		name:   b.name,
		first:  b.members[b.memberAt(b.first)].spec,
		args:   b.command.Args,
	}
	res.files = r.claim(b)
	r.running = b
	r.tell(CommandStarted{Args: res.args, Files: res.files})
	c := b.command
	c.Env = append(environ(c.Env, why, res.files), "RESTENCIL_BUNDLE="+res.name)
	go func() {
		start := time.Now()
		res.output, res.err = r.run(ctx, c)
		res.took = time.Since(start)
		r.results <- res
	}()
}

func (r *Runner) nextCommand(now time.Time) *bundle {
	var next *bundle
	for _, b := range r.wanted {
		at := b.runnableAt(now)
		if at.IsZero() || at.After(now) {
			continue
		}
		if next == nil || b.before(next) {
			next = b
		}
	}
	return next
}

// before tells whether b's command comes before that of c: those wanted by an
// earlier pass do, then those of earlier templates, as in consul-template. What
// is tried again comes first: it has waited.
func (b *bundle) before(c *bundle) bool {
	return cmp.Or(cmp.Compare(b.since, c.since), cmp.Compare(b.first, c.first)) < 0
}

// claim takes the files that the run of b's command is for. A bundle that has
// the same command, but another wait, is served by the same run.
func (r *Runner) claim(b *bundle) []string {
	var served, rest []*bundle
	for _, other := range r.wanted {
		if other.key.command == b.key.command {
			served = append(served, other)
		} else {
			rest = append(rest, other)
		}
	}
	slices.SortFunc(served, func(a, b *bundle) int { return a.members[0].index - b.members[0].index })
	var files fileSet
	r.wanted, r.runningSince = rest, 0
	for _, other := range served {
		files.add(other.files.list...)
		if r.runningSince == 0 || other.since > 0 && other.since < r.runningSince {
			r.runningSince = other.since
		}
		other.wanted, other.since, other.files, other.ran = false, 0, fileSet{}, true
	}
	return files.list
}

// why says why b's command is run.
func (b *bundle) why() reason {
	switch {
	case !b.ran:
		return reasonStart
	case b.failures > 0 && !b.retryAt.IsZero():
		return reasonRetry
	}
	return reasonChange
}

// commandEnded notes the end of the running command. The error ends Run.
func (r *Runner) commandEnded(res commandResult, now time.Time) error {
	b := res.bundle
	r.running = nil
	if res.err == nil {
		b.failures = 0
		r.tell(CommandDone{Args: res.args, Took: res.took})
		r.paid(b)
		return nil
	}
	ev := CommandFailed{Args: res.args, Err: res.err, Output: secretsOf(r.units...).Mask(res.output)}
	switch {
	case r.opts.Once:
		r.errs = append(r.errs, res.error())
	case r.opts.ExitOnFailure:
		r.tell(ev)
		return res.error()
	default:
		b.failures++
		ev.RetryIn = r.opts.Retry.Delay(b.failures)
		again := b.wanted // it was wanted anew meanwhile, which need not wait
		r.retry(b, res.files, now.Add(ev.RetryIn))
		if again {
			b.retryAt = time.Time{}
		}
	}
	r.tell(ev)
	return nil
}

// retry wants the command again, at the given time, for the same files; unless
// a reload has done away with it.
func (r *Runner) retry(b *bundle, files []string, at time.Time) {
	if len(b.members) == 0 {
		return
	}
	b.files.add(files...)
	b.retryAt = at
	r.want(b)
}

// want notes that a command is to be run.
func (r *Runner) want(b *bundle) {
	if !b.wanted {
		b.wanted = true
		r.wanted = append(r.wanted, b)
	}
}

// error words a failure as consul-template does (COMPAT 4.6.3).
func (r commandResult) error() error {
	return fmt.Errorf("failed to execute command %q from %q => %q: %w", quoteArgs(r.args), r.first.Name, r.first.Destination, r.err)
}

func (b *bundle) memberAt(index int) int {
	return max(0, slices.IndexFunc(b.members, func(u *unit) bool { return u.index == index }))
}

func quoteArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return "[" + strings.Join(quoted, " ") + "]"
}

// joinCommandErrors makes one error of those of a run with Once, nil where
// there are none.
func joinCommandErrors(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = "\t* " + err.Error()
	}
	return fmt.Errorf("%d errors occurred:\n%s", len(errs), strings.Join(lines, "\n"))
}
