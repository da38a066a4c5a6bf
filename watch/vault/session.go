package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/schedule"
)

// A session has a token, and sees to it that there is one at all times. It
// implements holder. Until start is called, it speaks to nobody.
type session struct {
	caller caller
	tell   func(error)
	obtain func(ctx context.Context, wrapped token) (grant, error) // nil: there is nothing to obtain
	logsIn bool                                                    // the token is of no use to anybody else
	unwrap bool
	path   string       // of the token's file, "" for none
	files  watch.Source // follows it
	taken  token        // what stood in the file last

	life life // run's own; see publish

	wake  chan struct{} // room for one: something is in the letters
	news  chan struct{} // what changed returns
	mu    sync.Mutex
	inbox letters
	cred  credential // as published
	err   error
}

// letters are what run has not heard yet.
type letters struct {
	started bool
	refused int       // a generation; 0: none
	file    *fileNews // the newest
}

// newSession returns a session for o.Token. It contacts nobody.
func newSession(o Options, c caller) (*session, error) {
	s := &session{
		caller: c,
		tell:   o.Notice,
		wake:   make(chan struct{}, 1),
		news:   make(chan struct{}, 1),
		unwrap: o.Token.Unwrap,
		life:   life{retry: o.Retry, renews: o.Token.Renew, err: errPending},
	}
	if s.life.retry == (schedule.Backoff{}) {
		s.life.retry = DefaultOptions().Retry
	}
	// A session must come back in good time even where queries need not.
	s.life.retry.Max = cmp.Or(s.life.retry.Max, time.Minute)
	if err := s.choose(o.Token); err != nil {
		return nil, err
	}
	s.publish()
	return s, nil
}

// choose picks the way to the token.
func (s *session) choose(o Token) error {
	switch {
	case o.File != "":
		s.path, s.files = o.File, filewatch.NewSource()
		s.obtain, s.life.from = s.unwrapped, "the file "+o.File
	case o.Text != "":
		return s.chooseText(o)
	case len(o.Command) > 0:
		s.life.again, s.life.from = true, "token_command"
		s.obtain = func(ctx context.Context, _ token) (grant, error) { return commandToken(ctx, o) }
	case o.Login.Method != "":
		in := &login{o: o.Login, caller: s.caller}
		if err := in.check(); err != nil {
			return err
		}
		s.logsIn, s.life.again, s.life.from = true, true, in.String()
		s.obtain = func(ctx context.Context, _ token) (grant, error) { return in.token(ctx) }
	default:
		s.life.accept(time.Time{}, time.Time{}, grant{})
	}
	return nil
}

func (s *session) chooseText(o Token) error {
	text := tokenIn(o.Text)
	if text == "" {
		return errEmptyToken
	}
	s.obtain, s.life.from = s.unwrapped, "the configuration"
	s.life.offer(time.Now(), text, o.Unwrap)
	return nil
}

// start lets the session begin. It may be called at any time, and often.
func (s *session) start() { s.post(func(l *letters) { l.started = true }) }

// refused implements holder.
func (s *session) refused(c credential) {
	s.post(func(l *letters) { l.refused = max(l.refused, c.generation) })
}

func (s *session) post(write func(*letters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	write(&s.inbox)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// current implements holder.
func (s *session) current() (credential, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cred, s.err
}

// changed implements holder.
func (s *session) changed() <-chan struct{} { return s.news }

// publish shows the outside what is known.
func (s *session) publish() {
	for _, notice := range s.life.notices {
		if s.tell != nil {
			s.tell(notice)
		}
	}
	s.life.notices = nil
	var cred credential
	if s.life.has {
		cred = s.life.credential
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cred == s.cred && s.life.err == s.err {
		return
	}
	s.cred, s.err = cred, s.life.err
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// run keeps the token until ctx ends, and then returns when all that it has
// started has ended.
func (s *session) run(ctx context.Context) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.files != nil {
		s.readAnew()
		helpers.Go(func() { s.files.Run(ctx) })
	}
	w := &work{done: make(chan result, 1)}
	defer func() { s.stop(w) }()
	for ctx.Err() == nil {
		s.life.tick(time.Now())
		s.publish()
		timer := time.NewTimer(s.proceed(ctx, w))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.wake:
			s.read(w)
		case r := <-w.done:
			w.finish()
			s.heed(r)
		}
		timer.Stop()
	}
}

// read heeds what is in the inbox.
func (s *session) read(w *work) {
	s.mu.Lock()
	in := s.inbox
	s.inbox.refused, s.inbox.file = 0, nil
	s.mu.Unlock()
	now := time.Now()
	if in.started && !w.open {
		w.open = true
		if s.life.again {
			s.life.obtainAt = now
		}
	}
	if in.file != nil {
		s.heedFile(now, *in.file)
	}
	if in.refused > 0 {
		known := s.life.warned
		s.life.refuse(now, in.refused)
		if s.files != nil && !known && s.life.warned {
			s.readAnew()
		}
	}
}

// forEver is the wait where nothing is due.
const forEver = 24 * time.Hour

// stop ends the task that is under way, and awaits its end. What a login has
// given in spite of that must not be forgotten: it is to be revoked.
func (s *session) stop(w *work) {
	if w.busy() {
		w.cancel()
		s.heed(<-w.done)
		w.finish()
		s.publish()
	}
}

// proceed begins what is due, and returns how long there is nothing to do.
func (s *session) proceed(ctx context.Context, w *work) time.Duration {
	now := time.Now()
	wait := forEver
	if at := s.life.wakeAt(); !at.IsZero() {
		wait = min(wait, at.Sub(now))
	}
	next, at := s.life.due()
	if w.busy() && !s.heeds(w.result) {
		w.cancel() // its result comes at once, and is of no use
	}
	switch {
	case next == rest || !w.open || w.busy():
	case at.After(now):
		wait = min(wait, at.Sub(now))
	default:
		s.begin(ctx, w, next)
	}
	return max(wait, 0)
}

// A work is the one task that is under way, if any. It has a goroutine.
type work struct {
	result                    // as far as it is known
	open   bool               // start was called
	cancel context.CancelFunc // nil: no task is under way
	done   chan result        // gets one result for each task
}

func (w *work) busy() bool { return w.cancel != nil }

func (w *work) finish() {
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

func (s *session) begin(ctx context.Context, w *work, t task) {
	now := time.Now()
	limit := s.life.limit(now, t)
	ctx, w.cancel = context.WithTimeout(ctx, limit)
	r := result{task: t, serial: s.life.serial, began: now}
	w.result = r
	bearer, text := s.life.token, s.life.text
	go func() {
		switch t {
		case obtain:
			r.grant, r.err = s.obtain(ctx, text)
		case renew:
			r.grant, r.err = renewSelf(ctx, s.caller, bearer)
		case lookup:
			r.grant, r.err = lookupSelf(ctx, s.caller, bearer)
		}
		w.done <- r
	}()
}

// heeds tells whether a result is of use: not where there is another token by
// now, or another text to get it with, or none any more to renew.
func (s *session) heeds(r result) bool {
	return r.serial == s.life.serial && (r.task == obtain || s.life.has)
}

// heed takes note of how a task has gone.
func (s *session) heed(r result) {
	now := time.Now()
	l := &s.life
	switch {
	case !s.heeds(r):
	case r.task == obtain && r.err != nil:
		l.obtainFailed(now, r.err)
	case r.task == obtain && l.has && r.grant.token == l.token:
		l.obtainFailed(now, errSameToken)
	case r.task == obtain:
		l.accept(now, r.began, r.grant)
	case r.task == renew && r.err != nil:
		l.renewFailed(now, r.err)
	case r.task == renew:
		l.learn(r.began, r.grant)
	case r.err != nil:
		l.lookupFailed(now, r.err)
	default:
		l.learn(r.began, r.grant)
	}
}

var errSameToken error = &sessionError{text: "the token is the one that is in use already"}

// unwrapped obtains what a wrapping token of the file or configuration wraps.
func (s *session) unwrapped(ctx context.Context, wrapping token) (grant, error) {
	return unwrapToken(ctx, s.caller, wrapping)
}

// revoke ends the life of a token that came from a login. It is for the time
// after run.
func (s *session) revoke(ctx context.Context) error {
	c, err := s.current()
	if err != nil || !s.logsIn || c.token == "" {
		return nil
	}
	_, err = s.caller.call(ctx, request{method: http.MethodPut, path: "auth/token/revoke-self", token: c.token})
	if err != nil && !refusedToken(err) {
		return fmt.Errorf("revoking the token of %s: %w", s.life.from, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cred, s.err = credential{}, errRevoked
	return nil
}

var errRevoked error = &sessionError{class: watch.Denied, text: "the token was given back"}

var errEmptyToken = errors.New("vaultwatcher: empty token")
