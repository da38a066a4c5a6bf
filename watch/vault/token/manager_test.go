package token

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
)

const written = client.Token("s." + canary)

var kubernetes = Login{Method: Kubernetes, Role: "web", JWT: "jwt-" + canary}

func TestNothingIsAskedBeforeRun(t *testing.T) {
	for name, o := range map[string]Options{
		"text":    {Text: string(written), Renew: true},
		"wrapped": {Text: string(written), Unwrap: true, Renew: true},
		"file":    {File: "f", Renew: true},
		"login":   {Login: kubernetes, Renew: true},
		"none":    {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vault := newTokenModel()
				if _, err := New(o, defaultRetry, vault, nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if n := vault.count(""); n > 0 {
					t.Errorf("%d calls: %v", n, vault.calls)
				}
			})
		})
	}
}

func TestWrittenTokenIsThereAtOnce(t *testing.T) {
	s, err := New(Options{Text: "  " + string(written) + "\n", Renew: true}, defaultRetry, newTokenModel(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Current(); err != nil || c.Token != written || c.Number != 1 {
		t.Errorf("got %q, generation %d, %v", string(c.Token), c.Number, err)
	}
}

func TestNoWayMeansNoToken(t *testing.T) {
	s, err := New(Options{}, defaultRetry, newTokenModel(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Current(); err != nil || c.Token != "" || c.Number != 1 {
		t.Errorf("got generation %d, %v", c.Number, err)
	}
}

func TestFirstWayThatIsWrittenCounts(t *testing.T) {
	all := Options{File: "f", Text: "t", Command: []string{"c"}, Login: kubernetes}
	for _, want := range []string{"the file f", "the configuration", "token_command", "the kubernetes login at auth/kubernetes as role web"} {
		s, err := New(all, defaultRetry, newTokenModel(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.life.from != want {
			t.Errorf("got %q, want %q", s.life.from, want)
		}
		switch {
		case all.File != "":
			all.File = ""
		case all.Text != "":
			all.Text = ""
		default:
			all.Command = nil
		}
	}
}

func TestRenewed(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 30*time.Second, 0, false) },
		func(s *managerTest) {
			synctest.Wait()
			if got := s.vault.count("renew-self"); got != 1 {
				t.Errorf("%d renewals at the start, want 1", got)
			}
			s.alwaysLives(10 * time.Minute)
			if got := s.vault.count("renew-self"); got < 26 || got > 34 {
				t.Errorf("%d renewals in 10 minutes of 30 s tokens", got)
			}
			if c := s.wantToken(written); c.Number != 1 || time.Until(c.Ends) > 30*time.Second || time.Until(c.Ends) < 8*time.Second {
				t.Errorf("generation %d, ends in %s", c.Number, time.Until(c.Ends))
			}
			s.wantNotices()
		})
}

func TestTokenOfFewSecondsIsRenewed(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 4*time.Second, 0, false) },
		func(s *managerTest) { s.alwaysLives(time.Minute) })
}

func TestNotRenewedWhereThatIsNotWanted(t *testing.T) {
	runManager(t, Options{Text: string(written)},
		func(m *tokenModel) { m.add(written, time.Minute, 0, false) },
		func(s *managerTest) {
			time.Sleep(time.Hour)
			if n := s.vault.count(""); n > 0 {
				t.Errorf("calls: %v", s.vault.calls)
			}
			s.wantToken(written)
		})
}

func TestRootTokenIsNoMatter(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 0, 0, true) },
		func(s *managerTest) {
			time.Sleep(24 * time.Hour)
			if c := s.wantToken(written); !c.Ends.IsZero() {
				t.Errorf("it ends at %s", c.Ends)
			}
			if n := s.vault.count(""); n != 2 {
				t.Errorf("calls: %v", s.vault.calls)
			}
			s.wantNotices()
		})
}

func TestTokenThatCannotBeRenewedIsToldOfOnce(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 3*time.Hour, 0, true) },
		func(s *managerTest) {
			synctest.Wait()
			if c := s.wantToken(written); time.Until(c.Ends) != 3*time.Hour {
				t.Errorf("ends in %s", time.Until(c.Ends))
			}
			time.Sleep(2 * time.Hour)
			s.wantNotices()
			time.Sleep(45 * time.Minute)
			s.wantNotices("not renewable")
			time.Sleep(10 * time.Hour)
			s.wantNotices("not renewable")
		})
}

func TestTokenWhoseEndIsSecret(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) {
			m.add(written, time.Hour, 0, false)
			m.deny["auth/token/renew-self"] = status(http.StatusForbidden, "permission denied")
			m.deny["auth/token/lookup-self"] = status(http.StatusForbidden, "permission denied")
		},
		func(s *managerTest) {
			time.Sleep(24 * time.Hour)
			s.wantNotices("cannot be renewed")
			s.wantToken(written)
		})
}

func TestMostThatATokenMayLive(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 30*time.Second, 100*time.Second, false) },
		func(s *managerTest) {
			s.alwaysLives(99 * time.Second)
			s.wantNotices("ends at")
			if n := s.vault.count("renew-self"); n > 8 {
				t.Errorf("%d renewals", n)
			}
		})
}

func TestLoginGoesOnForever(t *testing.T) {
	for name, c := range map[string]struct {
		ttl, most    time.Duration
		fixed, renew bool
	}{
		"renewed up to the most": {ttl: 30 * time.Second, most: 2 * time.Minute, renew: true},
		"not renewable":          {ttl: 30 * time.Second, fixed: true, renew: true},
		"not to be renewed":      {ttl: 30 * time.Second},
		"very short":             {ttl: 3 * time.Second, most: 5 * time.Second, renew: true},
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, Options{Login: kubernetes, Renew: c.renew},
				func(m *tokenModel) { m.ttl, m.most, m.fixed = c.ttl, c.most, c.fixed },
				func(s *managerTest) {
					first := s.wantToken(canary + "-1")
					s.alwaysLives(10 * time.Minute)
					now, _ := s.Current()
					if n := s.vault.logins(); now.Number != n || n < 2 || n > int(10*time.Minute/c.ttl)*2 || first.Number != 1 {
						t.Errorf("%d logins, generation %d", n, now.Number)
					}
					s.wantNotices()
				})
		})
	}
}

func TestChangedFires(t *testing.T) {
	runManager(t, Options{Login: kubernetes},
		func(m *tokenModel) { m.ttl, m.fixed, m.takes = time.Minute, true, time.Second },
		func(s *managerTest) {
			if err := s.wantNone(""); !errors.Is(err, ErrPending) {
				t.Errorf("got %v", err)
			}
			for len(s.Changed()) > 0 {
				<-s.Changed()
			}
			<-s.Changed()
			s.wantToken(canary + "-1")
			<-s.Changed()
			s.wantToken(canary + "-2")
		})
}

func TestOutageShorterThanTheToken(t *testing.T) {
	for name, o := range map[string]Options{
		"text":  {Text: string(written), Renew: true},
		"login": {Login: kubernetes, Renew: true},
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, o, func(m *tokenModel) {
				m.ttl = 30 * time.Second
				m.add(written, m.ttl, 0, false)
			}, func(s *managerTest) {
				synctest.Wait()
				s.vault.set(func() { s.vault.failed = errDown })
				s.alwaysLives(27 * time.Second)
				if n := s.vault.count(""); n > 25 {
					t.Errorf("%d calls: %v", n, s.vault.calls)
				}
				s.vault.set(func() { s.vault.failed = nil })
				s.alwaysLives(5 * time.Minute)
			})
		})
	}
}

// What keeps renewals from going well need not keep logins from it.
func TestRenewalsNeverGoWell(t *testing.T) {
	for name, fail := range map[string]func(*tokenModel){
		"fail": func(m *tokenModel) { m.deny["auth/token/renew-self"] = status(http.StatusInternalServerError) },
		"hang": func(m *tokenModel) { m.hang = "renew-self" },
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, Options{Login: kubernetes, Renew: true},
				func(m *tokenModel) { m.ttl, m.takes = 30*time.Second, time.Second; fail(m) },
				func(s *managerTest) {
					time.Sleep(time.Second)
					s.alwaysLives(10 * time.Minute)
				})
		})
	}
}

func TestHangingVaultIsAskedAgain(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 30*time.Second, 0, false) },
		func(s *managerTest) {
			time.Sleep(15 * time.Second)
			s.vault.set(func() { s.vault.hang = "/" })
			s.alwaysLives(9500 * time.Millisecond)
			s.vault.set(func() { s.vault.hang = "" })
			s.alwaysLives(5 * time.Minute)
		})
}

func TestOutageLongerThanTheToken(t *testing.T) {
	runManager(t, Options{Login: kubernetes, Renew: true},
		func(m *tokenModel) { m.ttl = 30 * time.Second },
		func(s *managerTest) {
			synctest.Wait()
			s.vault.set(func() { s.vault.failed = errDown })
			time.Sleep(31 * time.Second)
			if err := s.wantNone("connection refused"); classOf(err) != watch.Retry {
				t.Errorf("class of %v", err)
			}
			time.Sleep(time.Hour)
			if n := s.vault.count("login"); n < 60 || n > 400 {
				t.Errorf("%d attempts in an hour", n)
			}
			s.vault.set(func() { s.vault.failed = nil })
			time.Sleep(time.Minute + time.Second)
			if c := s.wantToken(canary + "-2"); c.Number != 2 {
				t.Errorf("generation %d", c.Number)
			}
			s.alwaysLives(10 * time.Minute)
		})
}

func TestWrittenTokenStaysInUse(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true},
		func(m *tokenModel) { m.add(written, 30*time.Second, 0, false) },
		func(s *managerTest) {
			synctest.Wait()
			s.vault.set(func() { s.vault.failed = errDown })
			time.Sleep(time.Minute)
			s.vault.set(func() { s.vault.failed = nil })
			time.Sleep(2 * time.Minute)
			s.wantNotices("does not know the token of the configuration")
			s.wantToken(written) // Vault may know it again
			s.vault.set(func() { s.vault.add(written, 30*time.Second, 0, false) })
			time.Sleep(25 * time.Second)
		})
}

func TestRefusedLogin(t *testing.T) {
	runManager(t, Options{Login: kubernetes}, nil, func(s *managerTest) {
		old := s.wantToken(canary + "-1")
		s.Refused(old)
		s.wantToken(canary + "-2")
		s.Refused(old) // is no news
		s.wantToken(canary + "-2")
	})
}

func TestRefusedWhileItIsRenewed(t *testing.T) {
	runManager(t, Options{Login: kubernetes, Renew: true},
		func(m *tokenModel) { m.hang = "renew-self" },
		func(s *managerTest) {
			time.Sleep(41 * time.Minute)
			s.Refused(s.wantToken(canary + "-1"))
			s.wantToken(canary + "-2")
		})
}

func TestRefusalsAreNoStorm(t *testing.T) {
	runManager(t, Options{Login: kubernetes}, nil, func(s *managerTest) {
		end := time.Now().Add(10 * time.Minute)
		for time.Now().Before(end) {
			synctest.Wait()
			if c, err := s.Current(); err == nil {
				s.Refused(c)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := s.vault.logins(); n < 50 || n > 65 {
			t.Errorf("%d logins in 10 minutes", n)
		}
	})
}

func TestRefusedTextIsToldOfOnce(t *testing.T) {
	runManager(t, Options{Text: string(written), Renew: true}, nil, func(s *managerTest) {
		for range 10 {
			time.Sleep(time.Minute)
			s.Refused(s.wantToken(written))
		}
		s.wantNotices("Vault does not know the token")
		if n := s.vault.count(""); n > 25 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestLoginThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		class watch.Class
		says  string
	}{
		"denied":     {status(http.StatusForbidden, "permission denied"), watch.Denied, "bound to the service account"},
		"bad":        {status(http.StatusBadRequest, "invalid role name"), watch.Denied, "invalid role name"},
		"no mount":   {status(http.StatusNotFound, "no handler for route"), watch.Denied, "no auth method is mounted"},
		"sealed":     {status(http.StatusServiceUnavailable, "Vault is sealed"), watch.Retry, "Vault is sealed"},
		"no network": {errDown, watch.Retry, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, Options{Login: kubernetes},
				func(m *tokenModel) { m.failed = c.err },
				func(s *managerTest) {
					err := s.wantNone(c.says)
					if !strings.HasPrefix(err.Error(), "the kubernetes login at auth/kubernetes as role web failed") {
						t.Errorf("got %q", err)
					}
					if got := classOf(err); got != c.class {
						t.Errorf("class %d, want %d", got, c.class)
					}
					s.vault.set(func() { s.vault.failed = nil })
					time.Sleep(time.Minute)
					s.wantToken(canary + "-1")
				})
		})
	}
}

func TestRetryAfterOfALoginIsHeeded(t *testing.T) {
	runManager(t, Options{Login: kubernetes},
		func(m *tokenModel) { m.failed = &client.ResponseError{Status: 429, RetryAfter: time.Minute} },
		func(s *managerTest) {
			time.Sleep(59 * time.Second)
			if n := s.vault.count("login"); n != 1 {
				t.Errorf("%d attempts", n)
			}
		})
}

func TestFileIsFollowed(t *testing.T) {
	const other = client.Token("s.other-" + canary)
	runManager(t, Options{File: "f"}, nil, func(s *managerTest) {
		s.write("", fs.ErrNotExist)
		s.wantNone("there is no token in the file f: file does not exist")
		s.write("  \n", nil)
		s.wantNone("it is empty")
		s.write(string(written)+"\n", nil)
		s.wantToken(written)
		s.write("", nil)
		s.wantNotices("the old one stays in use")
		if c := s.wantToken(written); c.Number != 1 {
			t.Errorf("generation %d", c.Number)
		}
		s.write(string(written), nil)
		if c := s.wantToken(written); c.Number != 1 {
			t.Errorf("generation %d for the same token", c.Number)
		}
		s.write(fmt.Sprintf(`{"token": %q, "ttl": 300}`, string(other)), nil)
		if c := s.wantToken(other); c.Number != 2 {
			t.Errorf("generation %d", c.Number)
		}
		if n := s.vault.count(""); n > 0 {
			t.Errorf("calls: %v", s.vault.calls)
		}
	})
}

func TestRefusedFileIsReadAnew(t *testing.T) {
	runManager(t, Options{File: "f"}, nil, func(s *managerTest) {
		s.write(string(written), nil)
		c := s.wantToken(written)
		s.onDisk.mu.Lock()
		s.onDisk.text = "s.next-" + canary // which nobody has told of
		s.onDisk.mu.Unlock()
		s.Refused(c)
		s.wantToken("s.next-" + canary)
		s.wantNotices("Vault does not know the token of the file f")
	})
}

func TestUnwrap(t *testing.T) {
	runManager(t, Options{File: "f", Unwrap: true},
		func(m *tokenModel) {
			m.add("wrap-"+canary, time.Hour, 0, false)
			m.add("wrap2-"+canary, time.Hour, 0, false)
		},
		func(s *managerTest) {
			s.write("wrap-"+canary, nil)
			s.wantToken(canary + "-1")
			s.write("", fs.ErrNotExist)
			s.write("wrap-"+canary, nil)
			s.wantToken(canary + "-1")
			s.write("wrap2-"+canary, nil)
			if c := s.wantToken(canary + "-2"); c.Number != 2 {
				t.Errorf("generation %d", c.Number)
			}
			if n := s.vault.count("unwrap"); n != 2 {
				t.Errorf("%d unwrapped", n)
			}
			s.write("wrap-"+canary, nil)
			s.wantToken(canary + "-2")
			s.wantNotices("no new one yet", "has been used before")
		})
}

// A token that is written while the last one is unwrapped is not missed, whether that goes well
// or not.
func TestFileChangesWhileItIsUnwrapped(t *testing.T) {
	for _, first := range []string{"wrap-" + canary, "spent-" + canary} {
		runManager(t, Options{File: "f", Unwrap: true},
			func(m *tokenModel) {
				m.takes = time.Second
				m.add("wrap-"+canary, time.Hour, 0, false)
				m.add("wrap2-"+canary, time.Hour, 0, false)
			},
			func(s *managerTest) {
				s.write(first, nil)
				s.write("wrap2-"+canary, nil)
				time.Sleep(2*time.Second + time.Millisecond)
				synctest.Wait()
				if n := s.vault.count("unwrap"); n != 2 {
					t.Errorf("%s: %d were unwrapped", first, n)
				}
			})
	}
}

func TestUnwrapWaitsForVault(t *testing.T) {
	runManager(t, Options{Text: "wrap-" + canary, Unwrap: true, Renew: true},
		func(m *tokenModel) {
			m.failed = errDown
			m.ttl = time.Minute
			m.add("wrap-"+canary, 2*time.Hour, 0, false)
		},
		func(s *managerTest) {
			s.wantNone("vaultwatcher: vault unwrap: connection refused")
			time.Sleep(time.Hour)
			s.vault.set(func() { s.vault.failed = nil })
			time.Sleep(time.Minute)
			s.wantToken(canary + "-1")
			s.alwaysLives(10 * time.Minute)
			if n := s.vault.count("unwrap"); n < 60 || n > 300 {
				t.Errorf("%d attempts in an hour", n)
			}
		})
}

// oneAnswer answers every call so.
type oneAnswer struct{ *watch.Secret }

func (a oneAnswer) Call(context.Context, client.Request) (*watch.Secret, error) { return a.Secret, nil }

func TestUnwrapErrors(t *testing.T) {
	for _, c := range []struct {
		secret *watch.Secret
		want   string
	}{
		{nil, "vaultwatcher: vault unwrap: no secret"},
		{&watch.Secret{}, "vaultwatcher: vault unwrap: no secret auth"},
		{&watch.Secret{Auth: &watch.SecretAuth{}}, "vaultwatcher: vault unwrap: no token returned"},
	} {
		if _, err := unwrapToken(t.Context(), oneAnswer{c.secret}, "w"); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestRevoke(t *testing.T) {
	for name, c := range map[string]struct {
		o     Options
		calls int
	}{
		"login": {Options{Login: kubernetes}, 1},
		"text":  {Options{Text: string(written)}, 0},
		"none":  {Options{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, c.o, nil, func(s *managerTest) {
				synctest.Wait()
				if err := s.Revoke(t.Context()); err != nil {
					t.Error(err)
				}
				if n := s.vault.count("revoke-self"); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
			})
		})
	}
}

// A token that a login gives at the last moment is revoked like others.
func TestLoginAtTheEndIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := newTokenModel()
		vault.takes = time.Minute
		s, err := New(Options{Login: kubernetes}, defaultRetry, vault, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.Run(ctx)
		if err := s.Revoke(t.Context()); err != nil || vault.lives(canary+"-1") || vault.logins() != 1 {
			t.Errorf("the token lives on: %v", err)
		}
	})
}

func TestOptionsShowNoSecrets(t *testing.T) {
	o := Options{Text: canary, Command: []string{canary}, Login: Login{JWT: canary, SecretID: canary}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{o, &o, o.Login, &o.Login} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, canary) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

func TestTokenIn(t *testing.T) {
	for text, want := range map[string]client.Token{
		" a\n":                  "a",
		"":                      "",
		`{"token":" a ","x":1}`: "a",
		`{"other":"a"}`:         "",
		`{"token":`:             `{"token":`,
	} {
		if got := tokenIn(text); got != want {
			t.Errorf("tokenIn(%q) = %q, want %q", text, string(got), string(want))
		}
	}
}
