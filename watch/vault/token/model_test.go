package token

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
)

// classOf returns the class of an error that says why there is no token.
func classOf(err error) watch.Class {
	var e *Error
	if !errors.As(err, &e) {
		return watch.Retry
	}
	return e.Class
}

// canary stands in every secret of these tests; see managerTest.seen.
const canary = "canary"

// A tokenModel is what Vault does with tokens. It implements caller.
type tokenModel struct {
	ttl, most time.Duration    // of tokens that a login gives
	fixed     bool             // they cannot be renewed
	takes     time.Duration    // a login, or unwrapping
	retry     schedule.Backoff // of the manager; zero: defaultRetry

	mu     sync.Mutex
	failed error            // what every call says; nil: they work
	hang   string           // calls of paths with this in them end only with their context; "": none do
	deny   map[string]error // by path
	made   int
	tokens map[client.Token]*modelToken
	calls  []string // paths, in order
}

type modelToken struct {
	ttl        time.Duration
	ends, most time.Time // zero: never
	fixed      bool
}

func newTokenModel() *tokenModel {
	return &tokenModel{ttl: time.Hour, tokens: make(map[client.Token]*modelToken), deny: make(map[string]error)}
}

var errDown = errors.New("connection refused")

func status(code int, messages ...string) error {
	return &client.ResponseError{Status: code, Messages: messages}
}

// add makes a token.
func (m *tokenModel) add(name client.Token, ttl, most time.Duration, fixed bool) client.Token {
	now := time.Now()
	t := &modelToken{ttl: ttl, fixed: fixed}
	if ttl > 0 {
		t.ends = now.Add(ttl)
	}
	if most > 0 {
		t.most = now.Add(most)
	}
	m.tokens[name] = t
	return name
}

func (m *tokenModel) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *tokenModel) Call(ctx context.Context, r client.Request) (*watch.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, r.Path)
	if m.hang != "" && strings.Contains(r.Path, m.hang) {
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		return nil, ctx.Err()
	}
	if err := errors.Join(m.failed, m.deny[r.Path]); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.Path, "/login") || strings.HasSuffix(r.Path, "/unwrap") {
		m.mu.Unlock()
		time.Sleep(m.takes)
		m.mu.Lock()
	}
	if strings.HasSuffix(r.Path, "/login") {
		m.made++
		return m.grant(m.add(client.Token(fmt.Sprintf("%s-%d", canary, m.made)), m.ttl, m.most, m.fixed)), nil
	}
	t := m.tokens[r.Token]
	if t == nil || !t.ends.IsZero() && !time.Now().Before(t.ends) {
		if r.Path == "sys/wrapping/unwrap" {
			return nil, status(http.StatusBadRequest, "wrapping token is not valid or does not exist")
		}
		return nil, status(http.StatusForbidden, "permission denied", "invalid token")
	}
	return m.self(r)
}

// self does what a token asks about itself.
func (m *tokenModel) self(r client.Request) (*watch.Secret, error) {
	t := m.tokens[r.Token]
	switch r.Path {
	case "auth/token/renew-self":
		if t.fixed {
			return nil, status(http.StatusBadRequest, "lease is not renewable")
		}
		t.ends = time.Now().Add(t.ttl)
		if !t.most.IsZero() && t.ends.After(t.most) {
			t.ends = t.most
		}
		return m.grant(r.Token), nil
	case "auth/token/lookup-self":
		ttl := json.Number("0")
		if !t.ends.IsZero() {
			ttl = json.Number(fmt.Sprint(int(time.Until(t.ends).Seconds())))
		}
		return &watch.Secret{Data: map[string]any{"ttl": ttl, "renewable": !t.fixed}}, nil
	case "sys/wrapping/unwrap":
		delete(m.tokens, r.Token)
		m.made++
		return m.grant(m.add(client.Token(fmt.Sprintf("%s-%d", canary, m.made)), m.ttl, m.most, m.fixed)), nil
	case "auth/token/revoke-self":
		delete(m.tokens, r.Token)
		return nil, nil
	}
	panic("no call of a session: " + r.Path)
}

func (m *tokenModel) grant(name client.Token) *watch.Secret {
	t := m.tokens[name]
	left := 0
	if !t.ends.IsZero() {
		left = int(time.Until(t.ends).Seconds())
	}
	return &watch.Secret{Auth: &watch.SecretAuth{ClientToken: string(name), LeaseDuration: left, Renewable: !t.fixed}}
}

// count returns how often a path that ends so was called.
func (m *tokenModel) count(suffix string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, path := range m.calls {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

// logins returns how many tokens were given.
func (m *tokenModel) logins() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.made
}

func (m *tokenModel) lives(name client.Token) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[name]
	return t != nil && (t.ends.IsZero() || time.Now().Before(t.ends))
}

// A managerTest is a session at work in a bubble.
type managerTest struct {
	*testing.T
	*Manager
	vault   *tokenModel
	onDisk  *fileModel // Options.File; nil without
	mu      sync.Mutex
	notices []string
}

// runManager tests a session for o against a model of Vault, with the time of a
// bubble.
func runManager(t *testing.T, o Options, vault func(*tokenModel), test func(*managerTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &managerTest{T: t, vault: newTokenModel()}
		if vault != nil {
			vault(s.vault)
		}
		notice := func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notices = append(s.notices, err.Error())
		}
		var err error
		if s.Manager, err = New(o, cmp.Or(s.vault.retry, defaultRetry), s.vault, notice); err != nil {
			t.Fatal(err)
		}
		if s.file != nil {
			s.onDisk = &fileModel{err: fs.ErrNotExist}
			s.file.follow, s.file.read = s.onDisk.follow, s.onDisk.read
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Manager.Run(ctx) })
		defer func() {
			cancel()
			running.Wait()
			s.seen(fmt.Sprint(s.notices))
		}()
		synctest.Wait()
		test(s)
	})
}

// seen checks what people get to see.
func (s *managerTest) seen(text string) {
	s.Helper()
	if strings.Contains(text, canary) {
		s.Errorf("a secret is shown: %s", text)
	}
}

// noticed returns what people were told so far.
func (s *managerTest) noticed() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notices
}

// wantNotices checks what people were told: texts with these words in them.
func (s *managerTest) wantNotices(words ...string) {
	s.Helper()
	got := s.noticed()
	if len(got) != len(words) {
		s.Fatalf("notices %q, want %d", got, len(words))
	}
	for i, w := range words {
		if !strings.Contains(got[i], w) {
			s.Errorf("notice %q does not say %q", got[i], w)
		}
	}
}

// wantToken checks what there is now, and returns it.
func (s *managerTest) wantToken(want client.Token) Epoch {
	s.Helper()
	synctest.Wait()
	got, err := s.Current()
	if err != nil {
		s.Fatalf("no token: %v", err)
	}
	if got.Token != want {
		s.Fatalf("token %q, want %q", string(got.Token), string(want))
	}
	return got
}

// wantNone checks that there is no token now, and why.
func (s *managerTest) wantNone(words string) error {
	s.Helper()
	synctest.Wait()
	c, err := s.Current()
	if err == nil {
		s.Fatalf("there is a token: %q", string(c.Token))
	}
	if !strings.Contains(err.Error(), words) {
		s.Fatalf("error %q does not say %q", err, words)
	}
	s.seen(err.Error())
	return err
}

// alwaysLives sleeps, and checks all the time that the token is of use.
func (s *managerTest) alwaysLives(d time.Duration) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		c, err := s.Current()
		if err != nil {
			s.Fatalf("after %s no token: %v", d-time.Until(end), err)
		}
		if !s.vault.lives(c.Token) {
			s.Fatalf("after %s the token is not of use", d-time.Until(end))
		}
	}
}

// A fileModel stands for the file on disk.
type fileModel struct {
	mu      sync.Mutex
	changed func()
	text    string
	err     error
}

func (f *fileModel) follow(ctx context.Context, _ string, changed func()) {
	f.mu.Lock()
	f.changed = changed
	f.mu.Unlock()
	changed()
	<-ctx.Done()
}

func (f *fileModel) read(string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.text), f.err
}

// write changes the file.
func (s *managerTest) write(text string, err error) {
	f := s.onDisk
	f.mu.Lock()
	f.text, f.err = text, err
	f.changed()
	f.mu.Unlock()
	synctest.Wait()
}

func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// defaultRetry is that of package vault.
var defaultRetry = schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute}
