package token

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
)

// A Manager has a token, and sees to it that there is one at all times. Until
// Start is called, it makes no call. All its methods but Run are for any
// goroutine.
type Manager struct {
	caller client.Caller
	notify func(error)                          // nil: nobody wants to know
	obtain func(context.Context) (grant, error) // nil: there is nothing to obtain
	logsIn bool                                 // the token is of no use to anybody else
	file   *file                                // that has the token; nil: none does
	life   *life                                // Run's own; see publish

	wake  schedule.Wakeup // something is in the inbox
	news  schedule.Wakeup // what Changed returns
	mu    sync.Mutex
	inbox inbox
	epoch Epoch // as published
	err   error
}

// An inbox holds what Run has not heard yet.
type inbox struct {
	started bool
	refused int  // the number of an epoch; 0: none
	changed bool // the file has, perhaps
}

// New returns a Manager, which makes its calls with c. It contacts nobody. What
// people should know is told to notice; nil: nobody wants to know.
func New(o Options, retry schedule.Backoff, c client.Caller, notice func(error)) (*Manager, error) {
	m := &Manager{
		caller: c, notify: notice,
		wake: schedule.NewWakeup(), news: schedule.NewWakeup(),
		life: newLife(o, retry),
	}
	l := m.life
	switch {
	case o.File != "":
		m.file = &file{path: o.File, read: filewatch.ReadFile, unwrap: o.Unwrap, source: filewatch.NewSource()}
		l.from = "the file " + o.File
		m.obtain = func(ctx context.Context) (grant, error) { return m.file.obtain(ctx, c) }
	case o.Text != "":
		text := tokenIn(o.Text)
		if text == "" {
			return nil, errors.New("vaultwatcher: empty token")
		}
		l.from = "the configuration"
		if !o.Unwrap {
			l.accept(time.Now(), time.Now(), grant{token: text})
			break
		}
		l.due.Set(obtain, time.Now())
		m.obtain = func(ctx context.Context) (grant, error) { return unwrapToken(ctx, c, text) }
	case len(o.Command) > 0:
		l.again, l.from = true, "token_command"
		m.obtain = func(ctx context.Context) (grant, error) { return commandToken(ctx, o) }
	case o.Login.Method != "":
		in := &login{o: o.Login, caller: c}
		m.logsIn, l.again, l.from = true, true, in.String()
		m.obtain = in.token
	default:
		l.accept(time.Time{}, time.Time{}, grant{})
	}
	m.publish()
	return m, nil
}

// Start lets the manager make calls. It may be called at any time, and often.
func (m *Manager) Start() { m.post(func(in *inbox) { in.started = true }) }

// Refused tells that Vault does not know the token of this epoch any more. That
// one that is not the newest was refused is no news.
func (m *Manager) Refused(e Epoch) {
	m.post(func(in *inbox) { in.refused = max(in.refused, e.Number) })
}

func (m *Manager) post(write func(*inbox)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	write(&m.inbox)
	m.wake.Wake()
}

// Current returns the newest epoch. Where there is no token yet, or none any
// more, the error says why; then requests are not to be made. While the first
// attempt to get one is under way that is ErrPending.
func (m *Manager) Current() (Epoch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.err
}

// Changed receives when Current says something else than before.
func (m *Manager) Changed() <-chan struct{} { return m.news }

// publish shows the outside what is known.
func (m *Manager) publish() {
	l := m.life
	for _, notice := range l.notices {
		if m.notify != nil {
			m.notify(notice)
		}
	}
	l.notices = nil
	var epoch Epoch
	if l.usable() {
		epoch = l.epoch
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch != m.epoch || l.err != m.err {
		m.epoch, m.err = epoch, l.err
		m.news.Wake()
	}
}

// Run keeps the token until ctx ends, and then returns when all that it has
// started has ended.
func (m *Manager) Run(ctx context.Context) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if m.file != nil {
		m.file.source.Watch(watch.Subscription{ID: watch.Query{Kind: watch.FileContent, Name: m.file.path}.ID(), Sink: fileSink{m}})
		helpers.Go(func() { m.file.source.Run(ctx) })
	}
	w := &worker{results: make(chan result, 1)}
	defer func() {
		if w.busy() {
			w.cancel()
			// What a login has given in spite of that must not be forgotten: it is
			// to be revoked.
			m.take(<-w.results)
			w.end()
			m.publish()
		}
	}()
	for ctx.Err() == nil {
		m.life.tick(time.Now())
		m.publish()
		timer := time.NewTimer(m.proceed(ctx, w))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.wake:
			m.read(w)
		case r := <-w.results:
			w.end()
			m.take(r)
		}
		timer.Stop()
	}
}

func (m *Manager) read(w *worker) {
	m.mu.Lock()
	in := m.inbox
	m.inbox.refused, m.inbox.changed = 0, false
	m.mu.Unlock()
	now := time.Now()
	if in.started && !w.open {
		w.open = true
		if m.life.again {
			m.life.due.Set(obtain, now)
		}
	}
	if in.refused > 0 {
		known := m.life.warned
		m.life.refuse(now, in.refused)
		in.changed = in.changed || m.file != nil && !known && m.life.warned // perhaps nobody has told
	}
	if in.changed {
		m.life.due.Set(obtain, now)
	}
}

const idle = 24 * time.Hour // the wait where nothing is due

// proceed begins what is due, and returns how long there is nothing to do.
func (m *Manager) proceed(ctx context.Context, w *worker) time.Duration {
	now := time.Now()
	wait := idle
	ends := m.life.epoch.Ends
	if !m.life.expires() {
		ends = time.Time{}
	}
	if at := schedule.Earliest(m.life.warnAt, ends); !at.IsZero() {
		wait = min(wait, at.Sub(now))
	}
	if w.busy() && !m.wanted(w.result) {
		w.cancel() // its result comes at once, and is of no use
	}
	if w.open && !w.busy() {
		if next, ok := m.life.due.Pop(now); ok {
			m.begin(ctx, w, next)
		} else if at := m.life.due.Next(); !at.IsZero() {
			wait = min(wait, at.Sub(now))
		}
	}
	return max(wait, 0)
}

// A worker is the one task that is under way, if any. It has a goroutine.
type worker struct {
	result                     // of the task, as far as it is known
	open    bool               // Start was called
	cancel  context.CancelFunc // nil: no task is under way
	results chan result        // gets one result for each task
}

func (w *worker) busy() bool { return w.cancel != nil }

func (w *worker) end() {
	w.cancel()
	w.cancel = nil
}

// A result is how a task has gone.
type result struct {
	task   task
	serial int
	began  time.Time
	grant  grant
	err    error
}

func (m *Manager) begin(ctx context.Context, w *worker, t task) {
	now := time.Now()
	limit := longestTask
	if left := m.life.epoch.Ends.Sub(now) / 2; t != obtain && left > 0 { // an attempt that hangs must leave time for others
		if m.life.due.Has(obtain) {
			left = m.life.due.Due(obtain).Sub(now)
		}
		limit = min(max(time.Second, left), limit)
	}
	ctx, w.cancel = context.WithTimeout(ctx, limit)
	r := result{task: t, serial: m.life.serial, began: now}
	w.result = r
	bearer := m.life.epoch.Token
	go func() {
		switch t {
		case obtain:
			r.grant, r.err = m.obtain(ctx)
		case renew:
			r.grant, r.err = renewSelf(ctx, m.caller, bearer)
		case lookup:
			r.grant, r.err = lookupSelf(ctx, m.caller, bearer)
		}
		w.results <- r
	}()
}

// wanted reports whether a result is of use: not where there is another token by
// now, or none any more to renew.
func (m *Manager) wanted(r result) bool {
	return r.serial == m.life.serial && (r.task == obtain || m.life.usable())
}

var errSameToken error = &Error{Text: "the token is the one that is in use already"}

// take takes note of how a task has gone.
func (m *Manager) take(r result) {
	now := time.Now()
	l := m.life
	switch {
	case !m.wanted(r), errors.Is(r.err, errUnchanged):
	case r.task == obtain && r.err != nil:
		l.obtainFailed(now, r.err)
	case r.task == obtain && l.usable() && r.grant.token == l.epoch.Token:
		l.obtainFailed(now, errSameToken)
	case r.task == obtain:
		l.accept(now, r.began, r.grant)
	case r.err != nil:
		l.checkFailed(now, r.task, r.err)
	default:
		l.setTerms(r.began, r.grant)
	}
}

var errRevoked error = &Error{Class: watch.Denied, Text: "the token was given back"}

// Revoke ends the life of a token that came from a login. It is for the time
// after Run.
func (m *Manager) Revoke(ctx context.Context) error {
	e, err := m.Current()
	if err != nil || !m.logsIn || e.Token == "" {
		return nil
	}
	if _, err = m.caller.Call(ctx, client.RevokeToken(e.Token)); err != nil && !client.RefusedToken(err) {
		return fmt.Errorf("revoking the token of %s: %w", m.life.from, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch, m.err = Epoch{}, errRevoked
	return nil
}

// An Epoch is the time of one token.
type Epoch struct {
	Token  client.Token // "": requests bear none
	Number int          // 1 and up; another token has another
	Ends   time.Time    // as far as known; zero: not known, or never
}

// An Error says why there is no token.
type Error struct {
	Class      watch.Class
	RetryAfter time.Duration // what Vault asked for, 0 if it did not
	Attempts   int           // how many attempts in a row have failed
	Text       string
	Err        error // the cause; nil: there is none but the text
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrPending says that the first attempt to get a token is under way: nothing
// has failed yet.
var ErrPending error = &Error{Text: "the token for Vault is being fetched"}

// failed returns an Error for what was being done.
func failed(text string, err error) *Error {
	e := &Error{Text: text, Err: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.Class, e.RetryAfter = inner.Class, inner.RetryAfter
	} else {
		e.Class, e.RetryAfter = client.Class(err), client.RetryAfter(err)
	}
	return e
}

// denied returns an Error about something that others must change.
func denied(format string, args ...any) *Error {
	return &Error{Class: watch.Denied, Text: fmt.Sprintf(format, args...)}
}
