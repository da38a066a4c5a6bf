package cache

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/test/watchtest"
	"restencil/watch"
)

func keyNamed(name string) watch.Query { return watch.Query{Kind: watch.KVGet, Name: name} }

func pair(value string) *watch.KeyPair { return &watch.KeyPair{Path: "k", Value: value} }

func TestConformance(t *testing.T) {
	watchtest.Run(t, func(t *testing.T) watchtest.Harness {
		m, q := newMemory(), keyNamed("key")
		h := watchtest.Harness{
			Source: New(m, filepath.Join(t.TempDir(), "cache"), Options{}),
			Query:  q,
			Set:    func(value string) { m.set(q, pair(value)) },
			Delete: func() { m.set(q, nil) },
			Break:  m.breakDown,
			Heal:   m.heal,
			Value: func(data any) (string, bool) {
				p, ok := data.(*watch.KeyPair)
				if !ok {
					return "", false
				}
				return p.Value, true
			},
		}
		for i := range 8 {
			h.Others = append(h.Others, keyNamed(fmt.Sprint("other", i)))
		}
		return h
	})
}

// A life is a run of a process: a store, the cache before it, and what it says.
type life struct {
	t      *testing.T
	source *Source
	end    func()
	sinks  map[watch.Query]*watchtest.Recorder

	mu       sync.Mutex
	problems []string
}

// live begins a life, in a synctest bubble.
func live(t *testing.T, m watch.Source, file string, o Options, queries ...watch.Query) *life {
	l := &life{t: t, sinks: make(map[watch.Query]*watchtest.Recorder)}
	o.Problem = func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.problems = append(l.problems, strings.ReplaceAll(err.Error(), file, "FILE"))
	}
	l.source = New(m, file, o)
	var list []watch.Subscription
	for _, q := range queries {
		l.sinks[q] = watchtest.NewRecorder(t)
		list = append(list, watch.Subscription{ID: q.ID(), Sink: l.sinks[q]})
	}
	l.source.Watch(list...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.source.Run(ctx)
	}()
	l.end = func() {
		cancel()
		<-ended
	}
	t.Cleanup(l.end)
	synctest.Wait()
	return l
}

// heard returns what the sink of q was told, in short.
func (l *life) heard(q watch.Query) []string {
	synctest.Wait()
	var all []string
	for _, e := range l.sinks[q].Events() {
		p, ok := e.Answer.Data.(*watch.KeyPair)
		switch {
		case e.Err != nil:
			all = append(all, "failed")
		case ok:
			all = append(all, p.Value)
		default:
			all = append(all, "nothing")
		}
	}
	return all
}

func (l *life) expect(q watch.Query, want ...string) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.heard(q)); diff != "" {
		l.t.Errorf("%s was told (-want +got):\n%s", q, diff)
	}
}

func (l *life) expectProblems(want ...string) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.problems); diff != "" {
		l.t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// rememberWith leaves a file of a life in which a was "one" and b did not exist.
func rememberWith(t *testing.T, file string, o Options) {
	m := newMemory()
	m.set(keyNamed("a"), pair("one"))
	l := live(t, m, file, o, keyNamed("a"), keyNamed("b"))
	l.end()
	l.expectProblems()
}

// TestRestartInOutage: what was known before is told at the first failure, with
// the failure after it, once; and what is true takes its place.
func TestRestartInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state", "cache")
		a, b, c := keyNamed("a"), keyNamed("b"), keyNamed("c")
		before := time.Now()
		remember(t, file)
		time.Sleep(time.Hour)

		m := newMemory()
		m.breakDown()
		l := live(t, m, file, Options{}, a, b, c)
		l.expect(a, "one", "failed")
		l.expect(b, "nothing", "failed")
		l.expect(c, "failed")
		if got := l.sinks[a].Events()[0].Answer; !got.Time.Equal(before) || got.Index != 7 {
			t.Errorf("the answer is of %v, index %d", got.Time, got.Index)
		}
		m.breakDown()
		l.expect(a, "one", "failed", "failed")
		m.change(func() { m.data[a], m.broken = pair("two"), false })
		l.expect(a, "one", "failed", "failed", "two")
		m.breakDown()
		l.expect(a, "one", "failed", "failed", "two", "failed")
		l.end()
		l.expectProblems()

		l = live(t, m, file, Options{}, a)
		l.expect(a, "two", "failed")
	})
}

// TestDenied: what the store refuses to tell is not told from the file, and does
// not stay there.
func TestDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state", "cache")
		a := keyNamed("a")
		remember(t, file)

		m := newMemory()
		m.change(func() { m.broken, m.denied = true, true })
		l := live(t, m, file, Options{}, a)
		l.expect(a, "failed")
		l.end()

		m.change(func() { m.denied = false })
		l = live(t, m, file, Options{}, a)
		l.expect(a, "failed")
	})
}

func remember(t *testing.T, file string) { rememberWith(t, file, Options{}) }

// TestNoOutage: nobody hears of the cache where the store answers.
func TestNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cache")
		remember(t, file)
		m := newMemory()
		m.set(keyNamed("a"), pair("two"))
		l := live(t, m, file, Options{}, keyNamed("a"))
		l.expect(keyNamed("a"), "two")
	})
}

// TestWatchAgain: a query that comes back in an outage has the last answer, be
// it in the file already or not.
func TestWatchAgain(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			m, a := newMemory(), keyNamed("a")
			m.set(a, pair("one"))
			l := live(t, m, filepath.Join(t.TempDir(), "cache"), Options{}, a)
			time.Sleep(pause)
			l.source.Unwatch(a.ID())
			m.breakDown()
			synctest.Wait()
			l.sinks[a] = watchtest.NewRecorder(t)
			l.source.Watch(watch.Subscription{ID: a.ID(), Sink: l.sinks[a]})
			l.expect(a, "one", "failed")
		})
	}
}

// TestLateCall: what a source still says to a sink that was let go is not kept.
func TestLateCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, m, a := filepath.Join(t.TempDir(), "cache"), newMemory(), keyNamed("a")
		m.set(a, pair("new"))
		l := live(t, m, file, Options{}, a)
		late := m.sinks[a]
		l.source.Unwatch(a.ID())
		l.source.Watch(watch.Subscription{ID: a.ID(), Sink: watchtest.NewRecorder(t)})
		synctest.Wait()
		late.Publish(watch.Answer{Data: pair("old"), Time: time.Now()})
		l.end()
		m.breakDown()
		live(t, m, file, Options{}, a).expect(a, "new", "failed")
	})
}

// TestKilled: what has been known for some seconds is in the file, and it is
// not written more often than that, or for no reason.
func TestKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, m, a := filepath.Join(t.TempDir(), "cache"), newMemory(), keyNamed("a")
		m.set(a, pair("0"))
		live(t, m, file, Options{}, a)
		writes := 0
		var last os.FileInfo
		for i := range 600 {
			if i < 300 {
				m.set(a, pair(fmt.Sprint(i)))
			} else {
				m.set(a, pair("the same"))
			}
			time.Sleep(100 * time.Millisecond)
			if info, err := os.Stat(file); err == nil && (last == nil || !os.SameFile(info, last)) {
				last = info
				writes++
			}
		}
		if writes < 5 || writes > 8 {
			t.Errorf("%d writes in 30 s of changes and 30 s without one", writes)
		}
		killed := newMemory()
		killed.breakDown()
		live(t, killed, file, Options{}, a).expect(a, "the same", "failed")
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("the file: %v, %v", info.Mode(), err)
		}
	})
}

// TestOthersFiles: a file that is not one of this cache is not used, and
// replaced.
func TestOthersFiles(t *testing.T) {
	for _, test := range []struct {
		name    string
		spoil   func(s string) string
		problem string
	}{
		{"something else", func(string) string { return "hello" }, "it is damaged, or not a cache of restencil"},
		{"empty", func(string) string { return "" }, "it is damaged, or not a cache of restencil"},
		{"cut off early", func(s string) string { return s[:10] }, "it is damaged, or not a cache of restencil"},
		{"another schema", func(s string) string { return strings.Replace(s, `"Schema":`, `"Schema":9`, 1) }, "it was written by another version of restencil"},
		{"another store", func(s string) string { return strings.Replace(s, "here", "there", 1) }, "it is about another store"},
		{"cut off", func(s string) string { return s[:len(s)-2] }, "it is damaged, or not a cache of restencil"},
		{"a letter", func(s string) string { return strings.Replace(s, `"Query":{`, `"Query":[`, 1) }, "it is damaged, or not a cache of restencil"},
		{"a secret", func(s string) string { return strings.ReplaceAll(s, "kv.get", "vault.read") }, "it is damaged, or not a cache of restencil"},
		{"too large", func(s string) string { return s + strings.Repeat(s[strings.Index(s, "\n"):], 10) }, "it is damaged, or not a cache of restencil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file, a := filepath.Join(t.TempDir(), "cache"), keyNamed("a")
				o := Options{Of: "here", Size: 1000}
				rememberWith(t, file, o)
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(test.spoil(string(b))), 0o644); err != nil {
					t.Fatal(err)
				}
				m := newMemory()
				m.breakDown()
				l := live(t, m, file, o, a)
				l.expect(a, "failed")
				m.change(func() { m.data[a], m.broken = pair("two"), false })
				l.expect(a, "failed", "two")
				l.end()
				l.expectProblems("the cache FILE is not used: " + test.problem)

				m.breakDown()
				l = live(t, m, file, o, a)
				l.expect(a, "two", "failed")
				l.expectProblems()
			})
		})
	}
}

// TestCannotWrite: that is told once, and the file is written when it can be.
func TestCannotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		file, m, a := filepath.Join(dir, "cache"), newMemory(), keyNamed("a")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		m.set(a, pair("one"))
		l := live(t, m, file, Options{}, a)
		time.Sleep(time.Hour)
		l.expectProblems(
			"the cache FILE is not used: open FILE: not a directory",
			"writing the cache: mkdir "+dir+": not a directory",
		)
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	})
}

// TestUnused: answers that nobody asks for are dropped after a time; those that
// somebody watches are not, though they never change and nobody ends Run.
func TestUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, a, b := filepath.Join(t.TempDir(), "cache"), keyNamed("a"), keyNamed("b")
		remember(t, file)
		m := newMemory()
		m.set(a, pair("one"))
		live(t, m, file, Options{}, a)
		time.Sleep(31 * 24 * time.Hour)
		broken := newMemory()
		broken.breakDown()
		l := live(t, broken, file, Options{}, a, b)
		l.expect(a, "one", "failed")
		l.expect(b, "failed")
	})
}

// TestSize: what has been unused the longest gives way.
func TestSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cache")
		m := newMemory()
		for i := range 10 {
			q := keyNamed(fmt.Sprint(i))
			m.set(q, pair(strings.Repeat("x", 1000)))
			live(t, m, file, Options{Size: 7000}, q).end()
			time.Sleep(time.Hour)
		}
		if info, err := os.Stat(file); err != nil || info.Size() > 7000 {
			t.Errorf("the file: %v, %v", info, err)
		}
		m.breakDown()
		for i := range 10 {
			q := keyNamed(fmt.Sprint(i))
			l := live(t, m, file, Options{Size: 7000}, q)
			if got, want := len(l.heard(q)) == 2, i >= 6; got != want {
				t.Errorf("query %d is known: %v", i, got)
			}
			l.end()
		}
	})
}

// TestTooLarge: an answer that there is no room for is no reason to write the
// file again and again, and does not keep others out.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, a, b := filepath.Join(t.TempDir(), "cache"), keyNamed("a"), keyNamed("b")
		m := newMemory()
		m.set(a, pair(strings.Repeat("x", 9000)))
		m.set(b, pair("small"))
		live(t, m, file, Options{Size: 5000}, a, b).end()
		m.breakDown()
		l := live(t, m, file, Options{Size: 5000}, a, b)
		l.expect(a, "failed")
		l.expect(b, "small", "failed")
	})
}

// TestSecretsAreNotKept: neither in the file nor otherwise.
func TestSecretsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, m := filepath.Join(t.TempDir(), "cache"), newMemory()
		secrets := map[watch.Query]any{
			{Kind: watch.VaultRead, Name: "s"}:                 &watch.Secret{Data: map[string]any{"password": "s3cr3t"}},
			{Kind: watch.VaultWrite, Name: "s"}:                &watch.Secret{Data: map[string]any{"password": "s3cr3t"}},
			{Kind: watch.VaultList, Name: "s"}:                 []string{"s3cr3t"},
			{Kind: watch.VaultPKI, Name: "s"}:                  watch.Certificate{Key: "s3cr3t"},
			{Kind: watch.NomadVarGet, Name: "s"}:               watch.NomadVarItems{"a": {Key: "a", Value: "s3cr3t"}},
			{Kind: watch.CALeafCert, Name: "s"}:                &watch.LeafCert{PrivateKeyPEM: "s3cr3t"},
			{Kind: watch.KVGet, Name: "s3cr3t", Private: true}: pair("s3cr3t"),
			keyNamed("a"): pair("public"),
		}
		var queries []watch.Query
		for q, data := range secrets {
			m.set(q, data)
			queries = append(queries, q)
		}
		live(t, m, file, Options{}, queries...).end()
		b, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(b), "s3cr3t") || !strings.Contains(string(b), base64.StdEncoding.EncodeToString([]byte("public"))) {
			t.Errorf("the file holds %q, %v", b, err)
		}
	})
}

// TestOneCallForMany: a source that takes many queries at once is given them
// at once.
func TestOneCallForMany(t *testing.T) {
	b := newMemory()
	s := New(b, filepath.Join(t.TempDir(), "cache"), Options{})
	queries := []watch.ID{keyNamed("a").ID(), keyNamed("b").ID(), keyNamed("c").ID()}
	var list []watch.Subscription
	for _, id := range queries {
		list = append(list, watch.Subscription{ID: id, Sink: watchtest.NewRecorder(t)})
	}
	s.Watch(list...)
	s.Unwatch(queries...)
	if b.calls != 2 || len(b.sinks) > 0 {
		t.Errorf("%d calls, which leave %d sinks", b.calls, len(b.sinks))
	}
}
