package vault

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

func TestReadKeyValue(t *testing.T) {
	for _, kind := range []string{"kv1", "kv2"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.vault.mount("secret/", kind).put("app", "one")
				s := w.watch(read("secret/app"))
				pass(time.Second)
				path := []string{"value"}
				if kind == "kv2" {
					path = []string{"data", "value"}
				}
				if got := s.field(path...); got != "one" {
					t.Fatalf("the secret is %v; failure: %v", got, s.failure())
				}
				if n := w.vault.count("GET sys/internal/ui/mounts/"); n != 1 {
					t.Errorf("%d looks at the mount, want 1", n)
				}
			})
		})
	}
}

// TestRefresh: a secret of version 2 is read again now and then.
func TestRefresh(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		kv.put("app", "one")
		s := w.watch(read("secret/app"))
		pass(time.Hour)
		if n := w.vault.count("GET secret/data/app"); n < 12 || n > 15 {
			t.Errorf("the secret was read %d times", n)
		}
		w.vault.change(func() { kv.put("app", "two") })
		kept := w.source.Inspect().Kept[read("secret/app").ID()]
		if at, err := time.ParseInLocation("read again at "+time.DateTime, kept, time.Local); err != nil || time.Until(at) > 5*time.Minute {
			t.Errorf("it is said to be %q: %v", kept, err)
		}
		pass(5 * time.Minute)
		if got := s.field("data", "value"); got != "two" {
			t.Errorf("the secret is %v after it became two", got)
		}
		w.vault.change(func() { kv.versions["app"][1].deleted = time.Now().Format(time.RFC3339) })
		pass(5 * time.Minute)
		if err := s.failure(); err == nil || !strings.HasPrefix(err.Error(), "vault.read(secret/app): no secret exists at secret/app: version 2 was deleted at 2") {
			t.Errorf("it was deleted, and the failure is %v", err)
		}
		w.vault.change(func() { kv.put("app", "three") })
		pass(time.Minute + time.Second)
		if got := s.field("data", "value"); got != "three" || s.failure() != nil {
			t.Errorf("it came back, but is %v, %v", got, s.failure())
		}
	})
}

func TestOwnRefresh(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv1")
		kv.put("app", "one")
		q := read("secret/app")
		q.Params = "refresh=30s&x=1"
		s := w.watch(q)
		pass(time.Second)
		w.vault.change(func() { kv.put("app", "two") })
		pass(30 * time.Second)
		if got := s.field("value"); got != "two" {
			t.Errorf("the secret is %v after it became two", got)
		}
		for _, wrong := range []string{"refresh=often", "refresh=1ms", "refresh=-1s", "%"} {
			q.Params = wrong
			s := w.watch(q)
			pass(time.Second)
			if watch.Classify(s.failure()) != watch.Invalid {
				t.Errorf("%s: %v", wrong, s.failure())
			}
		}
	})
}

// TestFixedVersion: it can be deleted and come back, too.
func TestFixedVersion(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		kv.put("app", "one")
		kv.put("app", "two")
		q := read("secret/app")
		q.Params = "version=1&refresh=1m"
		s := w.watch(q)
		pass(10 * time.Minute)
		if got := s.field("data", "value"); got != "one" {
			t.Errorf("version 1 is %v", got)
		}
		w.vault.change(func() { kv.versions["app"][0].destroyed = true })
		pass(time.Minute)
		if got := s.field("metadata", "destroyed"); got != true || s.field("data") != nil {
			t.Errorf("the version was destroyed; it is %v", s.field())
		}
	})
}

func TestMountChanges(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv1").put("app", "one")
		q := read("secret/app")
		q.Params = "refresh=20s"
		s := w.watch(q)
		pass(time.Minute)
		w.vault.change(func() { w.vault.mount("secret/", "kv2").put("app", "two") })
		pass(30 * time.Second)
		if got := s.field("data", "value"); got != "two" {
			t.Errorf("after the mount became one of version 2 the secret is %v, %v", got, s.failure())
		}
		w.vault.change(func() { w.vault.mount("secret/", "kv1").put("app", "three") })
		pass(30 * time.Second)
		if got := s.field("value"); got != "three" {
			t.Errorf("after the mount became one of version 1 the secret is %v, %v", got, s.failure())
		}
		for _, e := range s.Events() {
			if e.Err != nil {
				t.Errorf("there was a failure: %v", e.Err)
			}
		}
	})
}

func TestMountThatCannotBeSeen(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("a/one/", "kv1").put("x", "1")
		w.vault.mount("a/two/", "kv2").put("x", "2")
		w.vault.tokens["root"].denied = []string{"sys/internal/ui/mounts/a/one"}
		one, two := w.watch(read("a/one/x")), w.watch(read("a/two/x"))
		pass(time.Second)
		if one.field("value") != "1" || two.field("data", "value") != "2" {
			t.Errorf("got %v (%v) and %v (%v)", one.field(), one.failure(), two.field(), two.failure())
		}
		if n := w.noticed(); len(n) != 1 || !strings.Contains(n[0], "failed to check if a/one/x is KVv2, assume not: ") {
			t.Errorf("notices: %q", n)
		}
	})
}

// TestManyMountsThatCannotBeSeen: where one may not look, the others do not wait
// for their turn.
func TestManyMountsThatCannotBeSeen(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv1")
		w.vault.tokens["root"].denied = []string{"sys/"}
		w.vault.delay = 100 * time.Millisecond
		var sinks []*sinkModel
		for i := range 200 {
			w.vault.change(func() { kv.put(fmt.Sprint(i), "x") })
			sinks = append(sinks, w.watch(read(fmt.Sprint("secret/", i))))
		}
		pass(3 * time.Second)
		for i, s := range sinks {
			if s.field("value") != "x" {
				t.Fatalf("secret %d is %v, %v", i, s.field(), s.failure())
			}
		}
	})
}

// TestTriesBeforeTheEnd: the nearer the end, the sooner the next try.
func TestTriesBeforeTheEnd(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	retry := DefaultOptions().Retry
	e := &entry{failures: 20, answer: answer{known: true, lease: lease.Until(now, now, now.Add(10*time.Second))}}
	for range 100 {
		if d := e.delay(retry, &watch.Error{}, now); d > 2*time.Second {
			t.Fatalf("with 10 s left the next try is after %v", d)
		}
	}
	e.answer.known = false
	longest := time.Duration(0)
	for range 100 {
		longest = max(longest, e.delay(retry, &watch.Error{}, now))
	}
	if longest < 10*time.Second {
		t.Errorf("with nothing to lose the next try is after %v at the latest", longest)
	}
	if d := e.delay(retry, &watch.Error{RetryAfter: time.Hour}, now); d != time.Hour {
		t.Errorf("Vault asked for an hour, and the next try is after %v", d)
	}
}

func TestList(t *testing.T) {
	for _, kind := range []string{"kv1", "kv2"} {
		inWorld(t, Options{Lease: lease.Rules{Default: time.Minute}}, func(w *world) {
			kv := w.vault.mount("secret/", kind)
			s := w.watch(watch.Query{Kind: watch.VaultList, Name: "secret"})
			pass(time.Second)
			w.vault.change(func() { kv.put("b", ""); kv.put("a", "") })
			pass(time.Minute)
			want := []any{[]string(nil), []string{"a", "b"}}
			if got := s.answers(); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v; failure: %v", kind, got, want, s.failure())
			}
		})
	}
}

func TestWriteOnce(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv1")
		q := watch.Query{Kind: watch.VaultWrite, Name: "secret/app", Params: url.Values{"value": {"five"}}.Encode()}
		s := w.watch(q)
		pass(4 * time.Minute)
		if got := s.answers(); len(got) != 1 || got[0] != nil {
			t.Errorf("the answers are %v, want one that is nothing", got)
		}
		if n := w.vault.count("PUT "); n != 1 {
			t.Errorf("%d writes", n)
		}
		w.vault.change(func() {
			if kv.secrets["app"]["value"] != "five" {
				t.Errorf("wrote %v", kv.secrets["app"])
			}
		})
		pass(time.Minute)
		if n := w.vault.count("PUT "); n != 2 {
			t.Errorf("%d writes after the default lease, want 2", n)
		}
	})
}

func TestWriteVersioned(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		s := w.watch(watch.Query{Kind: watch.VaultWrite, Name: "secret/app", Params: "value=five"})
		pass(time.Second)
		if kv.secrets["app"]["value"] != "five" || fmt.Sprint(s.field("version")) != "1" {
			t.Errorf("wrote %v, answer %v, %v", kv.secrets["app"], s.field(), s.failure())
		}
	})
}

// TestRewatch: a template that flips, or a reload, neither writes nor issues
// anything anew.
func TestRewatch(t *testing.T) {
	write := watch.Query{Kind: watch.VaultWrite, Name: "echo/x", Params: "a=b"}
	creds := read("db/creds/app")
	inWorld(t, Options{}, func(w *world) {
		echo, db := w.vault.mount("echo/", "echo"), w.vault.mount("db/", "db")
		w.watch(write)
		w.watch(creds)
		pass(time.Second)
		var again, leased *sinkModel
		for range 50 {
			w.source.Unwatch(write.ID(), creds.ID())
			again, leased = w.watch(write), w.watch(creds)
			pass(time.Second)
		}
		if w.issues(echo) != 1 || w.issues(db) != 1 {
			t.Errorf("%d writes, %d issues; want one of each", w.issues(echo), w.issues(db))
		}
		if fmt.Sprint(again.field("n")) != "1" || leased.field("password") == nil {
			t.Errorf("the answers were not given again: %v, %v", again.answers(), leased.answers())
		}
	})
}

// TestEveryShapeOfWatchingIsBounded: whatever templates do, a path has its
// allowance; at first, for many queries.
func TestEveryShapeOfWatchingIsBounded(t *testing.T) {
	shapes := map[string]func(w *world, i int){
		"other parameters each time": func(w *world, i int) {
			w.watch(watch.Query{Kind: watch.VaultRead, Name: "db/creds/app", Params: fmt.Sprint("x=", i)})
		},
		"other parameters, unwatched": func(w *world, i int) {
			q := watch.Query{Kind: watch.VaultRead, Name: "db/creds/app", Params: fmt.Sprint("x=", i)}
			w.watch(q)
			pass(100 * time.Millisecond)
			w.source.Unwatch(q.ID())
		},
		"unwatched while under way": func(w *world, i int) {
			q := watch.Query{Kind: watch.VaultRead, Name: "db/creds/app", Params: fmt.Sprint("x=", i)}
			if i == 0 {
				w.watch(read("db/other"))
				pass(time.Second)
			}
			w.watch(q)
			time.Sleep(time.Millisecond / 2)
			w.source.Unwatch(q.ID())
		},
		"a new token every 3 s": func(w *world, i int) {
			if i == 0 {
				w.watch(read("db/creds/app"))
			}
			w.vault.change(func() { w.vault.tokens[client.Token(fmt.Sprint(i))] = &modelToken{} })
			w.holder.set(token.Epoch{Token: client.Token(fmt.Sprint(i)), Number: i + 2}, nil)
		},
		"other writes each time": func(w *world, i int) {
			w.watch(watch.Query{Kind: watch.VaultWrite, Name: "db/creds/app", Params: fmt.Sprint("x=", i)})
		},
		"writes whose answers are lost": func(w *world, i int) {
			w.vault.change(func() {
				w.vault.trouble = func(r client.Request) error {
					if r.Method == "PUT" {
						w.vault.engines["db/"].issues++
						return errHung
					}
					return nil
				}
			})
			if i == 0 {
				w.watch(watch.Query{Kind: watch.VaultWrite, Name: "db/creds/app", Params: "x=1"})
			}
		},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				db := w.vault.mount("db/", "db")
				db.ttl = 4 * time.Hour
				start := time.Now()
				for i := 0; time.Since(start) < time.Hour; i++ {
					shape(w, i)
					pass(3 * time.Second)
				}
				most := 60 + 4
				if strings.HasPrefix(name, "other") || strings.HasPrefix(name, "unwatched") {
					most += limit.NewQueries + 31 // that were under way when there was one left
				}
				if w.issues(db) < 2 || w.issues(db) > most {
					t.Errorf("%d were issued in an hour", w.issues(db))
				}
			})
		})
	}
}

// TestShortLeases: credentials of 20 s under tokens of 30 s; the newest that is
// known is good at each moment.
func TestShortLeases(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		db := w.vault.mount("db/", "db")
		db.ttl, db.max = 20*time.Second, 20*time.Second
		w.vault.mount("secret/", "kv2").put("app", "one")
		next := func(i int) token.Epoch {
			c := token.Epoch{Token: client.Token(fmt.Sprint("t", i)), Number: i, Ends: time.Now().Add(30 * time.Second)}
			w.vault.change(func() { w.vault.tokens[c.Token] = &modelToken{ends: c.Ends} })
			return c
		}
		w.holder.set(next(2), nil)
		s := w.watch(read("db/creds/app"))
		static := w.watch(read("secret/app"))
		pass(time.Second)
		for i := range 2 * 600 {
			if i%50 == 49 { // every 25 s
				w.holder.set(next(3+i), nil)
			}
			pass(500 * time.Millisecond)
			id, _ := s.field("password").(string)
			if !w.vault.lives(id) {
				t.Fatalf("after %v the newest credential %q is not good; failure: %v", time.Duration(i)*500*time.Millisecond, id, s.failure())
			}
		}
		if w.issues(db) > 70 {
			t.Errorf("%d were issued", w.issues(db))
		}
		if n := len(static.answers()); n > 3 { // every 4 1/2 minutes, in ten
			t.Errorf("a secret without a lease was published %d times", n)
		}
	})
}

// TestRenewal: a lease is renewed until its longest life nears its end, and
// then replaced in time.
func TestRenewal(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		db := w.vault.mount("db/", "db")
		db.ttl, db.max = time.Minute, 10*time.Minute
		s := w.watch(read("db/creds/app"))
		pass(time.Second)
		for i := range 3600 {
			pass(time.Second)
			if id, _ := s.field("password").(string); !w.vault.lives(id) {
				t.Fatalf("after %d s the newest credential is not good; failure: %v", i, s.failure())
			}
		}
		if w.issues(db) < 6 || w.issues(db) > 8 {
			t.Errorf("%d were issued in an hour of leases of 10 min", w.issues(db))
		}
		if got := len(s.answers()); got != w.issues(db) {
			t.Errorf("%d answers for %d issues: a renewal is none", got, w.issues(db))
		}
	})
}

// TestRenewalsFail: for whatever reason, and however long.
func TestRenewalsFail(t *testing.T) {
	for name, err := range map[string]error{
		"network":   errNetwork,
		"lost":      errHung,
		"internal":  refuse(500, "internal error"),
		"forbidden": refuse(403, "permission denied"),
		"sealed":    refuse(503, "Vault is sealed"),
		"too many":  refuse(429, "rate limited"),
		"refused":   refuse(400, "lease is not renewable"),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				db := w.vault.mount("db/", "db")
				w.vault.trouble = func(r client.Request) error {
					if r.Path == "sys/leases/renew" {
						return err
					}
					return nil
				}
				s := w.watch(read("db/creds/app"))
				pass(50 * time.Minute)
				if w.issues(db) != 1 {
					t.Errorf("%d were issued within one lease", w.issues(db))
				}
				for range 5 * 60 {
					pass(time.Minute)
					if id, _ := s.field("password").(string); !w.vault.lives(id) {
						t.Fatalf("the newest credential is not good")
					}
				}
				if w.issues(db) < 6 || w.issues(db) > 8 {
					t.Errorf("%d were issued in 6 hours of leases of one", w.issues(db))
				}
				if n := w.vault.count("PUT sys/leases/renew"); n > 6*60 {
					t.Errorf("%d renewals were tried", n)
				}
			})
		})
	}
}

// TestRenewalsFailForSomeTime: a lease that lives is kept.
func TestRenewalsFailForSomeTime(t *testing.T) {
	for name, err := range map[string]error{"network": errNetwork, "lost": errHung, "internal": refuse(500, "internal error")} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				db := w.vault.mount("db/", "db")
				s := w.watch(read("db/creds/app"))
				pass(30 * time.Minute)
				w.vault.change(func() { w.vault.trouble = func(client.Request) error { return err } })
				pass(20 * time.Minute)
				if s.failure() == nil {
					t.Error("the sink does not hear that the lease cannot be renewed")
				}
				w.vault.change(func() { w.vault.trouble = nil })
				pass(12 * time.Hour)
				if n := w.issues(db); n != 1 || s.failure() != nil {
					t.Errorf("%d were issued, %v", n, s.failure())
				}
			})
		})
	}
}

func TestRevokedLeaseIsReplaced(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		db := w.vault.mount("db/", "db")
		s := w.watch(read("db/creds/app"))
		pass(time.Second)
		w.vault.change(func() { clear(w.vault.leases) })
		pass(41 * time.Minute)
		if id, _ := s.field("password").(string); !w.vault.lives(id) || w.issues(db) != 2 {
			t.Errorf("the credential is not good, or too many were issued: %d", w.issues(db))
		}
	})
}

// TestRotating: the password of a static role is read anew when it has changed,
// and not before.
func TestRotating(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "static").ttl = 10 * time.Minute
		s := w.watch(read("db/static-creds/app"))
		pass(2*time.Hour + 5*time.Second)
		if n := len(s.answers()); n != 13 {
			t.Errorf("%d answers in two hours", n)
		}
		if n := w.vault.count("GET db/static-creds/app"); n > 30 {
			t.Errorf("%d requests", n)
		}
		if now := int64(time.Since(time.Unix(0, 0)) / (10 * time.Minute)); s.field("password") != now {
			t.Errorf("the password is %v, want %v", s.field("password"), now)
		}
	})
}

// TestRotatingLate: Vault may take its time to rotate; then the new password is
// there soon after it has.
func TestRotatingLate(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		static := w.vault.mount("db/", "static")
		static.ttl, static.late = 10*time.Minute, 40*time.Second
		s := w.watch(read("db/static-creds/app"))
		turn := func() int64 { return int64(time.Since(time.Unix(0, 0)) / static.ttl) }
		for range 6 {
			next := time.Unix(0, 0).Add(time.Duration(turn()+1) * static.ttl)
			pass(time.Until(next.Add(static.late + 1500*time.Millisecond)))
			if s.field("password") != turn() {
				t.Errorf("the password is %v, want %v", s.field("password"), turn())
			}
		}
		if n := w.vault.count("GET db/static-creds/app"); n > 6*150 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestSuccessor: what hangs on an old token is asked for anew under the next,
// before the old one ends; what does not is left alone.
func TestSuccessor(t *testing.T) {
	inWorld(t, Options{Limit: limit.Options{Every: time.Minute, Burst: 100}}, func(w *world) {
		w.vault.mount("db/", "db")
		w.vault.mount("secret/", "kv2").put("app", "one")
		ends := time.Now().Add(10 * time.Minute)
		w.vault.tokens["root"].ends = ends
		w.vault.tokens["next"] = &modelToken{}
		w.holder.set(token.Epoch{Token: "root", Number: 1, Ends: ends}, nil)
		var sinks []*sinkModel
		for i := range 100 {
			sinks = append(sinks, w.watch(read(fmt.Sprint("db/creds/", i))))
		}
		w.watch(read("secret/app"))
		pass(time.Second)
		w.holder.set(token.Epoch{Token: "next", Number: 2}, nil)
		pass(time.Second)
		if n := w.vault.count("GET db/"); n > 120 {
			t.Errorf("%d were asked for at once", n-100)
		}
		pass(10 * time.Minute)
		for i, s := range sinks {
			if id, _ := s.field("password").(string); !w.vault.lives(id) || len(s.answers()) != 2 {
				t.Errorf("credential %d, of which there were %d, is not good", i, len(s.answers()))
			}
		}
		if n := w.vault.count("GET secret/data/"); n > 3 { // every 4 1/2 minutes, in ten
			t.Errorf("a secret without a lease was read %d times", n)
		}
	})
}

func TestTokenIsRefused(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		w.vault.mount("db/", "db")
		creds := w.watch(read("db/creds/app"))
		pass(time.Second)
		w.vault.change(func() { delete(w.vault.tokens, "root"); w.vault.tokens["next"] = &modelToken{} })
		s := w.watch(read("secret/app"))
		pass(time.Second)
		if err := s.failure(); err == nil || watch.Classify(err) != watch.Denied || len(w.holder.told) == 0 {
			t.Errorf("the failure is %v; the session was told %d times", err, len(w.holder.told))
		}
		w.holder.set(token.Epoch{}, &token.Error{Class: watch.Denied, Text: "no token"})
		pass(time.Minute)
		before := w.vault.count("")
		pass(time.Hour / 2)
		if n := w.vault.count("") - before; n > 0 {
			t.Errorf("%d requests without a token", n)
		}
		if err := s.failure(); err == nil || !strings.Contains(err.Error(), "no token") {
			t.Errorf("without a token the failure is %v", err)
		}
		w.holder.set(token.Epoch{Token: "next", Number: 2}, nil)
		pass(2 * time.Second)
		if got := s.field("data", "value"); got != "one" {
			t.Errorf("with another token it is %v, %v", got, s.failure())
		}
		if id, _ := creds.field("password").(string); !w.vault.lives(id) {
			t.Errorf("what went with the old token was not replaced at once: %v", creds.failure())
		}
	})
}

func TestForbidden(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		w.vault.tokens["root"].denied = []string{"secret/data/app"}
		w.vault.tokens["next"] = &modelToken{}
		s := w.watch(read("secret/app"))
		pass(10 * time.Minute)
		err := s.failure()
		for _, word := range []string{"secret/data/app", "read"} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("the failure does not name %q: %v", word, err)
			}
		}
		if n := w.vault.count("GET secret/data/app"); n > 40 {
			t.Errorf("%d tries in 10 min", n)
		}
		w.holder.set(token.Epoch{Token: "next", Number: 2}, nil)
		pass(2 * time.Second)
		if got := s.field("data", "value"); got != "one" {
			t.Errorf("a token that may read it was not tried at once: %v", s.failure())
		}
	})
}

// TestForbiddenMeanwhile: a token that comes during an attempt with the last one is tried at
// once when that has been denied.
func TestForbiddenMeanwhile(t *testing.T) {
	const mounts = "sys/internal/ui/mounts/"
	for denied, call := range map[string]string{"secret/data/app": "", mounts: "GET " + mounts} {
		inWorld(t, Options{}, func(w *world) {
			w.vault.mount("secret/", "kv2").put("app", "one")
			w.vault.tokens["root"].denied = []string{denied}
			w.vault.tokens["next"] = &modelToken{}
			w.vault.delay = 2 * time.Second
			s := w.watch(read("secret/app"))
			pass(10 * time.Minute)
			for before := w.vault.count(call); w.vault.count(call) == before; {
				pass(100 * time.Millisecond)
			}
			w.holder.set(token.Epoch{Token: "next", Number: 2}, nil)
			pass(9 * time.Second)
			if got := s.field("data", "value"); got != "one" {
				t.Errorf("denied %s: with another token it is %v, %v", denied, got, s.failure())
			}
		})
	}
}

// TestOutage: while Vault is away, one question at a time is asked, whatever is
// watched; when it is back, all go on soon.
func TestOutage(t *testing.T) {
	for name, err := range map[string]error{"network": errNetwork, "sealed": refuse(503, "Vault is sealed")} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{Lease: lease.Rules{Default: time.Minute}}, func(w *world) {
				kv := w.vault.mount("secret/", "kv2")
				var sinks []*sinkModel
				for i := range 1000 {
					w.vault.change(func() { kv.put(fmt.Sprint(i), "one") })
					sinks = append(sinks, w.watch(read(fmt.Sprint("secret/", i))))
				}
				pass(10 * time.Second)
				w.vault.change(func() { w.vault.trouble = func(client.Request) error { return err } })
				pass(2 * time.Minute)
				before := w.vault.count("")
				pass(10 * time.Minute)
				if n := w.vault.count("") - before; n < 200 || n > 1350 {
					t.Errorf("%d requests in ten minutes of outage", n)
				}
				for i, s := range sinks {
					if s.failure() == nil {
						t.Fatalf("query %d does not tell of the outage", i)
					}
				}
				w.vault.change(func() {
					w.vault.trouble = nil
					for i := range 1000 {
						kv.put(fmt.Sprint(i), "two")
					}
				})
				pass(5 * time.Second)
				for i, s := range sinks {
					if got := s.field("data", "value"); got != "two" || s.failure() != nil {
						t.Fatalf("query %d has %v, %v after the outage", i, got, s.failure())
					}
				}
			})
		})
	}
}

// TestOneBadPath: a path whose requests hang up is nobody else's trouble, and is
// not hammered.
func TestOneBadPath(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		kv.put("good", "one")
		kv.put("bad", "one")
		w.vault.trouble = func(r client.Request) error {
			if strings.HasSuffix(r.Path, "/bad") {
				return errHung
			}
			return nil
		}
		w.watch(read("secret/bad"))
		q := read("secret/good")
		q.Params = "refresh=1s"
		s := w.watch(q)
		pass(time.Hour)
		for _, e := range s.Events() {
			if e.Err != nil {
				t.Fatalf("the good one has failed: %v", e.Err)
			}
		}
		if n := w.vault.count("GET secret/data/good"); n < 3500 {
			t.Errorf("the good one was read %d times", n)
		}
		if n := w.vault.count("GET sys/internal/ui/mounts/secret/bad"); n > 150 {
			t.Errorf("the bad one was tried %d times", n)
		}
	})
}

func TestTenThousand(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		var list []watch.Subscription
		var queries []watch.ID
		var sinks []*counter
		for i := range 10000 {
			kv.put(fmt.Sprint(i), "one")
			c := new(counter)
			id := read(fmt.Sprint("secret/", i)).ID()
			list, queries, sinks = append(list, watch.Subscription{ID: id, Sink: c}), append(queries, id), append(sinks, c)
		}
		w.vault.delay = 20 * time.Millisecond
		w.source.Watch(list...)
		pass(10 * time.Second)
		for i, c := range sinks {
			if c.answers != 1 || c.failures != 0 {
				t.Fatalf("query %d has %d answers, %d failures", i, c.answers, c.failures)
			}
		}
		if n := w.vault.count("GET sys/internal/ui/mounts/"); n != 1 {
			t.Errorf("%d looks at one mount", n)
		}
		if w.vault.mostEver < 16 {
			t.Errorf("only %d requests were under way at a time", w.vault.mostEver)
		}
		w.source.Unwatch(queries...)
		pass(time.Second)
		before := w.vault.count("")
		pass(time.Hour)
		if n := w.vault.count("") - before; n > 0 {
			t.Errorf("%d requests for what nobody watches", n)
		}
	})
}

type counter struct{ answers, failures int }

func (c *counter) Publish(watch.Answer) bool { c.answers++; return true }
func (c *counter) Fail(error)                { c.failures++ }

func TestWarningsAreToldOnce(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv2")
		s := w.watch(read("secret/app"))
		w.vault.change(func() {
			w.vault.tokens["root"].denied = []string{"sys/"}
		})
		pass(time.Hour)
		const want = "vault secret secret/app: Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."
		times := 0
		for _, n := range w.noticed() {
			if n == want {
				times++
			}
		}
		if times != 1 {
			t.Errorf("the warning came %d times: %q; failure: %v", times, w.noticed(), s.failure())
		}
	})
}

func TestLeasesAreGivenBack(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		for i := range 100 {
			w.watch(read(fmt.Sprint("db/creds/", i)))
		}
		pass(time.Second)
		w.source.Unwatch(read("db/creds/7").ID())
		w.stop()
		if n := len(w.vault.leases); n != 100 {
			t.Fatalf("%d leases, want 100", n)
		}
		if err := w.source.Revoke(w.Context()); err != nil {
			t.Error(err)
		}
		if n := len(w.vault.leases); n != 0 || !w.holder.revoked {
			t.Errorf("%d leases are left; the token was revoked: %v", n, w.holder.revoked)
		}
	})
}

// TestNothingToGiveBack: a Vault that no template has asked has issued nothing.
func TestNothingToGiveBack(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.holder.set(token.Epoch{}, token.ErrPending)
		w.stop()
		if err := w.source.Revoke(w.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestGivenBackByPredecessor: a source that took the place of another, and that no template
// asks, has no token of its own. It gives back what was issued before.
func TestGivenBackByPredecessor(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		w.watch(read("db/creds/app"))
		pass(time.Second)
		w.stop()
		none := newHolderModel()
		none.set(token.Epoch{}, token.ErrPending)
		next := newSource(Options{}.filled(), w.vault, none, "")
		next.Succeed(w.source)
		if err := next.Revoke(w.Context()); err != nil || len(w.vault.leases) > 0 {
			t.Errorf("%d leases are left, %v", len(w.vault.leases), err)
		}
	})
}

// TestTokenAsSecret: a token that a template makes is renewed with itself, made
// anew where it was revoked, and given back.
func TestTokenAsSecret(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		s := w.watch(watch.Query{Kind: watch.VaultWrite, Name: "auth/token/create", Params: "ttl=1m"})
		pass(time.Hour)
		if n := w.vault.count("PUT auth/token/create"); n != 1 || len(s.answers()) != 1 {
			t.Errorf("%d tokens were made, %d answers; failure: %v", n, len(s.answers()), s.failure())
		}
		w.vault.change(func() {
			for name := range w.vault.tokens {
				if name != "root" {
					delete(w.vault.tokens, name)
				}
			}
		})
		pass(time.Minute)
		if n := w.vault.count("PUT auth/token/create"); n != 2 || len(s.answers()) != 2 {
			t.Errorf("it was revoked: %d tokens were made, %d answers; failure: %v", n, len(s.answers()), s.failure())
		}
		if len(w.holder.told) > 0 {
			t.Error("the session was told that its own token is refused")
		}
		w.stop()
		if err := w.source.Revoke(w.Context()); err != nil || len(w.vault.tokens) != 1 {
			t.Errorf("%d tokens are left, %v", len(w.vault.tokens), err)
		}
	})
}

// TestLostAtTheEnd: what is issued while all ends can be given back.
func TestLostAtTheEnd(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		w.vault.delay = 500 * time.Millisecond
		w.watch(read("db/creds/app"))
		pass(600 * time.Millisecond)
		w.stop()
		if n := len(w.vault.leases); n != 1 {
			t.Fatalf("%d leases", n)
		}
		if err := w.source.Revoke(w.Context()); err != nil || len(w.vault.leases) > 0 {
			t.Errorf("%d leases are left, %v", len(w.vault.leases), err)
		}
	})
}
