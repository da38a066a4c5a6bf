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

// A Manager keeps a token. It makes no call before Run. All methods except Run are for
// any goroutine.
type Manager struct {
	caller client.Caller
	notify func(error)                          // may be nil
	obtain func(context.Context) (grant, error) // nil if the token is fixed
	logsIn bool                                 // the token comes from a login, and is revoked in the end
	file   *file                                // that contains the token, or nil
	life   *life                                // Run's own; see publish

	inbox   *schedule.Inbox[inbox]
	changed schedule.Wakeup // see Changed
	mu      sync.Mutex
	epoch   Epoch // as published
	err     error
}

// An inbox holds calls that Run has not handled yet.
type inbox struct {
	refused int  // the number of an epoch, 0 for none
	changed bool // the file may have changed
}

// New returns a Manager, which makes its calls with c, none before Run. notice, if
// not nil, receives what a person should know.
func New(o Options, retry schedule.Backoff, c client.Caller, notice func(error)) (*Manager, error) {
	m := &Manager{
		caller: c, notify: notice,
		inbox: schedule.NewInbox[inbox](), changed: schedule.NewWakeup(),
		life: newLife(o, retry),
	}
	l := m.life
	switch {
	case o.File != "":
		m.file = &file{path: o.File, read: filewatch.ReadFile, follow: follow, unwrap: o.Unwrap}
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
		l.replaceable, l.from = true, "token_command"
		m.obtain = func(ctx context.Context) (grant, error) { return commandToken(ctx, o) }
	case o.Login.Method != "":
		in := &login{o: o.Login, caller: c}
		m.logsIn, l.replaceable, l.from = true, true, in.String()
		m.obtain = in.token
	default:
		l.accept(time.Time{}, time.Time{}, grant{})
	}
	m.publish()
	return m, nil
}

// Refused reports that Vault does not know the token of this epoch. It does nothing
// if that is not the newest.
func (m *Manager) Refused(e Epoch) {
	m.inbox.Post(func(in *inbox) { in.refused = max(in.refused, e.Number) })
}

// Current returns the newest epoch. If there is no token, so that no requests are to
// be made, the error says why: ErrPending during the first attempt to obtain one.
func (m *Manager) Current() (Epoch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch, m.err
}

// Changed returns a channel that receives when the result of Current changes.
func (m *Manager) Changed() <-chan struct{} { return m.changed }

// publish passes on the notices, and sets what Current returns.
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
		m.changed.Wake()
	}
}

// Run keeps the token until ctx ends. It returns when all its goroutines have ended.
func (m *Manager) Run(ctx context.Context) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if m.file != nil {
		helpers.Go(func() {
			m.file.follow(ctx, m.file.path, func() { m.inbox.Post(func(in *inbox) { in.changed = true }) })
		})
	}
	if m.life.replaceable {
		m.life.due.Set(obtain, time.Now())
	}
	w := &worker{results: make(chan func(), 1)}
	defer func() {
		if w.busy() {
			w.cancel()
			(<-w.results)() // a login may have succeeded: its token is to be revoked
			w.end()
			m.publish()
		}
	}()
	for ctx.Err() == nil {
		m.life.tick(time.Now())
		m.publish()
		select {
		case <-ctx.Done():
		case <-schedule.At(m.proceed(ctx, w)):
		case <-m.inbox.Wakeup:
			m.read(w)
		case handle := <-w.results:
			w.end()
			handle()
		}
	}
}

// read handles the inbox.
func (m *Manager) read(w *worker) {
	in := m.inbox.Take()
	if in.refused > 0 {
		known := m.life.warned
		m.life.refuse(time.Now(), in.refused)
		in.changed = in.changed || m.file != nil && !known && m.life.warned // the file may have changed unnoticed
	}
	w.changed = w.changed || in.changed
}

// proceed begins the task that is due, and returns when to call it again, the zero time
// if nothing is due.
func (m *Manager) proceed(ctx context.Context, w *worker) (at time.Time) {
	now := time.Now()
	at = m.life.warnAt
	if m.life.expires() {
		at = schedule.Earliest(at, m.life.epoch.Ends)
	}
	if w.busy() && !m.wanted(w.task) {
		w.cancel() // its result comes at once, and is dropped
	}
	if !w.busy() {
		if w.changed {
			w.changed = false
			m.life.due.Set(obtain, now)
		}
		if next, ok := m.life.due.Pop(now); ok {
			m.begin(ctx, w, next)
		} else {
			at = schedule.Earliest(at, m.life.due.Next())
		}
	}
	return at
}

// A worker runs one task at a time in a goroutine.
type worker struct {
	changed bool               // the file may have, since the last task began
	task    task               // that was begun last
	cancel  context.CancelFunc // of the task under way, or nil
	results chan func()        // receives what handles the result of each task
}

func (w *worker) busy() bool { return w.cancel != nil }

func (w *worker) end() {
	w.cancel()
	w.cancel = nil
}

const maxTask = 5 * time.Minute // longer than the client's timeout, as a rule

// begin begins a task.
func (m *Manager) begin(ctx context.Context, w *worker, t task) {
	now := time.Now()
	limit := maxTask
	if left := m.life.epoch.Ends.Sub(now) / 2; t != obtain && left > 0 { // an attempt that hangs must leave time for others
		if m.life.due.Has(obtain) {
			left = m.life.due.Due(obtain).Sub(now)
		}
		limit = min(max(time.Second, left), limit)
	}
	ctx, w.cancel = context.WithTimeout(ctx, limit)
	w.task = t
	bearer := m.life.epoch.Token
	go func() {
		var g grant
		var err error
		switch t {
		case obtain:
			g, err = m.obtain(ctx)
		case renew:
			g, err = renewSelf(ctx, m.caller, bearer)
		case lookup:
			g, err = lookupSelf(ctx, m.caller, bearer)
		}
		w.results <- func() { m.handle(t, now, g, err) }
	}()
}

// wanted reports whether the result of a task is of use: to check a token, it must be
// usable. It is the same as at the beginning, since another takes a task of its own.
func (m *Manager) wanted(t task) bool { return t == obtain || m.life.usable() }

var errSameToken error = &Error{Text: "the token is the one that is in use already"}

// handle handles the result of a task that began at a time.
func (m *Manager) handle(t task, began time.Time, g grant, err error) {
	now := time.Now()
	l := m.life
	switch {
	case !m.wanted(t), errors.Is(err, errUnchanged):
	case t == obtain && err != nil:
		l.obtainFailed(now, err)
	case t == obtain && l.usable() && g.token == l.epoch.Token:
		l.obtainFailed(now, errSameToken)
	case t == obtain:
		l.accept(now, began, g)
	case err != nil:
		l.checkFailed(now, t, err)
	default:
		l.setTerms(began, g)
	}
}

var errRevoked error = &Error{Class: watch.Denied, Text: "the token was revoked"}

// Revoke revokes the token if it came from a login. It is called after Run.
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
	Token  client.Token // "" for requests without a token
	Number int          // of the token, from 1
	Ends   time.Time    // zero if unknown, or never
}

// An Error says why there is no token.
type Error struct {
	Class      watch.Class
	RetryAfter time.Duration // as requested by Vault, or 0
	Attempts   int           // failed attempts in a row
	Text       string
	Err        error // the cause, or nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrPending says that the first attempt to obtain a token is under way.
var ErrPending error = &Error{Text: "the token for Vault is being fetched"}

// failed returns an Error with a cause, of the class of that.
func failed(text string, err error) *Error {
	e := &Error{Class: client.Class(err), RetryAfter: client.RetryAfter(err), Text: text, Err: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.Class, e.RetryAfter = inner.Class, inner.RetryAfter
	}
	return e
}

// denied returns an Error of class Denied.
func denied(format string, args ...any) *Error {
	return &Error{Class: watch.Denied, Text: fmt.Sprintf(format, args...)}
}
