package vault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// trouble has requests whose method and path begin so fail.
func (w *world) trouble(prefix string, err error) {
	w.vault.change(func() {
		w.vault.trouble = func(r client.Request) error {
			if err != nil && strings.HasPrefix(r.Method+" "+r.Path, prefix) {
				return err
			}
			return nil
		}
	})
}

// TestRoleThatComesLater: what Vault refuses because it is not there yet is asked
// for again within the longest wait that there is after so many failures.
func TestRoleThatComesLater(t *testing.T) {
	inPKI(t, time.Hour, func(w *world, e *engine) {
		w.trouble("PUT pki/", refuse(400, "unknown role: web"))
		s := w.watch(pkiQuery(nil))
		pass(3 * time.Second)
		if err := s.failure(); err == nil || watch.Classify(err) != watch.Denied || !strings.Contains(err.Error(), "unknown role") {
			t.Errorf("without the role: %v", err)
		}
		w.trouble("", nil)
		longest := DefaultOptions().Retry.Ceiling(w.vault.count("PUT pki/"))
		pass(longest + 100*time.Millisecond)
		if len(s.answers()) != 1 {
			t.Errorf("%s after it came: %v", longest, s.failure())
		}
	})
}

// TestFailingRole: that Vault fails to issue something is told as that, however
// often it is tried.
func TestFailingRole(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		w.trouble("GET db/", refuse(500, "cannot connect to the database"))
		s := w.watch(read("db/creds/app"))
		pass(10 * time.Minute)
		for _, e := range s.Events() {
			if !strings.Contains(e.Err.Error(), "cannot connect to the database") || strings.Contains(e.Err.Error(), "issue") || watch.Classify(e.Err) != watch.Retry {
				t.Fatalf("it is told: %v", e.Err)
			}
		}
		if n := w.vault.count("GET db/"); n < 15 || n > 60 {
			t.Errorf("%d attempts in ten minutes", n)
		}
	})
}

// TestLostRepliesOfARole: where the limit holds back attempts, it is because
// their replies were lost, which is told, and is no reply.
func TestLostRepliesOfARole(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		w.trouble("GET db/", errHung)
		s := w.watch(read("db/creds/app"))
		pass(10 * time.Minute)
		limited := 0
		for _, e := range s.Events() {
			if !strings.Contains(e.Err.Error(), "connection reset") || watch.Classify(e.Err) != watch.Retry {
				t.Fatalf("it is told: %v", e.Err)
			}
			if strings.Contains(e.Err.Error(), "that may have issued something, so the next attempt is made at ") {
				limited++
			}
		}
		if limited == 0 {
			t.Error("it is not told that attempts are held back")
		}
	})
}

// TestVersionsThatAreNotThere: one that was deleted, one that was destroyed and
// one that never was are told apart.
func TestVersionsThatAreNotThere(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		for range 3 {
			kv.put("app", "x")
		}
		kv.versions["app"][0].deleted = time.Now().Add(-time.Hour).Format(time.RFC3339)
		kv.versions["app"][1].destroyed = true
		version := func(n int) *sinkModel {
			q := read("secret/app")
			q.Params = fmt.Sprint("version=", n)
			return w.after(q)
		}
		for n, want := range map[int]string{
			1: "no secret exists at secret/app: version 1 was deleted at 1999-12-31T23:00:00Z, and can be undeleted",
			9: "no secret exists at secret/app: there is no version 9",
		} {
			if err := version(n).failure(); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("version %d: %v", n, err)
			}
		}
		if s := version(2); s.failure() != nil || s.field("data") != nil { // as in consul-template
			t.Errorf("the version that was destroyed: %v, %v", s.field(), s.failure())
		}
		const want = "vault secret secret/app?version=2: version 2 was destroyed, and has no data any more"
		if got := w.noticed(); len(got) != 1 || got[0] != want {
			t.Errorf("notices %q, want %q", got, want)
		}
		if err := w.after(read("secret/none")).failure(); err == nil || !strings.HasSuffix(err.Error(), "no secret exists at secret/none") {
			t.Errorf("no secret: %v", err)
		}
	})
}

// TestMissingMount: it is not the policies that are at fault, or not for certain.
func TestMissingMount(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		s := w.after(read("nowhere/app"))
		if err := s.failure(); err == nil || !strings.Contains(err.Error(), "no secrets engine is mounted for nowhere/app") {
			t.Errorf("the failure is %v", err)
		}
		if got := w.noticed(); len(got) != 0 {
			t.Errorf("told twice: %q", got)
		}
		w.vault.change(func() { w.vault.tokens["root"].denied = []string{"other/"} })
		if err := w.after(read("other/app")).failure(); err == nil || !strings.Contains(err.Error(), "no secrets engine is mounted there, or ") {
			t.Errorf("the failure is %v", err)
		}
	})
}

// TestAttemptsEnd: no request more is made than so many attempts allow.
func TestAttemptsEnd(t *testing.T) {
	for attempts, want := range map[int]int{-1: 1, 1: 2, 3: 4} {
		for name, err := range map[string]error{"refused": refuse(400, "no"), "internal": refuse(500, "no"), "away": errNetwork} {
			t.Run(fmt.Sprint(name, attempts), func(t *testing.T) {
				inWorld(t, Options{Retry: schedule.Backoff{Base: time.Millisecond, Attempts: attempts}}, func(w *world) {
					w.vault.mount("db/", "db")
					w.watch(read("db/creds/app"))
					w.trouble("", err)
					pass(time.Hour)
					n := w.vault.count("GET db/") + w.vault.count("GET sys/health") + w.vault.count("GET sys/internal/")
					if name == "refused" {
						n-- // the mount may be refused
					}
					if n != want {
						t.Errorf("%d requests, want %d: %v", n, want, w.vault.calls)
					}
				})
			})
		}
	}
}

// TestNegativeDefaultLease is the default, as in consul-template.
func TestNegativeDefaultLease(t *testing.T) {
	o := DefaultOptions()
	o.Lease.Default = -time.Second
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.options.Lease.Default != 5*time.Minute {
		t.Errorf("it is %v", s.options.Lease.Default)
	}
}

// TestRefusalOfAllIsTold: where there is no token, no query is answered.
func TestRefusalOfAllIsTold(t *testing.T) {
	q := read("secret/app")
	for name, c := range map[string]struct {
		err error
		all bool
	}{
		"unknown token": {&client.Error{Err: refuse(403, "invalid token")}, true},
		"no login":      {&token.Error{Class: watch.Denied, Text: "no"}, true},
		"forbidden":     {&client.Error{Err: refuse(403, "permission denied")}, false},
		"network":       {&client.Error{Err: errNetwork}, false},
	} {
		if told := explain(q, c.err); told.All != c.all || told.Query != q {
			t.Errorf("%s: %+v", name, told)
		}
	}
}
