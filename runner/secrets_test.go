package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/watch"
)

// A fakeVault answers from data, by path, which set changes. What is a function
// there gives each query an answer of its own.
type fakeVault struct {
	mu    sync.Mutex
	data  map[string]any
	sinks map[watch.Query]watch.Sink
	asked []watch.Query
}

func (v *fakeVault) Run(ctx context.Context) { <-ctx.Done() }

func (v *fakeVault) Watch(list ...watch.Subscription) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, sub := range list {
		q := sub.ID.Value()
		v.asked = append(v.asked, q)
		v.sinks[q] = sub.Sink
		if data, ok := v.data[q.Name]; ok {
			v.answer(q, sub.Sink, data)
		}
	}
}

func (v *fakeVault) Unwatch(ids ...watch.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		delete(v.sinks, id.Value())
	}
}

func (v *fakeVault) set(name string, data any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.data[name] = data
	for q, sink := range v.sinks {
		if q.Name == name {
			v.answer(q, sink, data)
		}
	}
}

func (v *fakeVault) answer(q watch.Query, sink watch.Sink, data any) {
	if each, ok := data.(func(watch.Query) any); ok {
		data = each(q)
	}
	sink.Publish(watch.Answer{Data: watch.Taint(data), Time: time.Now()})
}

func (v *fakeVault) fail(name string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for q, sink := range v.sinks {
		if q.Name == name {
			sink.Fail(&watch.Error{Query: q, Class: watch.Denied, Err: err})
		}
	}
}

// password returns a secret with this value.
func password(value string) *watch.Secret {
	return &watch.Secret{LeaseID: "lease/" + value, Data: map[string]any{"password": value}}
}

// showNone wants no event to hold a text, however it is printed.
func (g *rig) showNone(canaries ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.all {
		var text strings.Builder
		fmt.Fprintf(&text, "%v %+v %#v", e, e, e)
		if e, ok := e.(interface{ Unwrap() error }); ok {
			fmt.Fprint(&text, e.Unwrap())
		}
		slog.New(slog.NewTextHandler(&text, nil)).Info("event", "e", e)
		for _, canary := range canaries {
			if strings.Contains(text.String(), canary) {
				g.t.Errorf("an event shows %s: %s", canary, text.String())
			}
		}
	}
}

// find returns the newest event of a type.
func find[E event.Event](g *rig) (found E) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.all {
		if e, ok := e.(E); ok {
			found = e
		}
	}
	return found
}

const appPassword = `{{ with secret "app" }}{{ .Data.password }}{{ end }}`

// What a command says that reads the file is masked, also what it has of the
// file before.
func TestCommandOutputHidesSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", appPassword, "reload")}}, nil)
		defer g.stop()
		g.run = func(c Command) (string, error) {
			for _, v := range c.Env {
				if strings.Contains(v, "canary") {
					t.Errorf("a variable of the command's: %s", v)
				}
			}
			text, _ := os.ReadFile(filepath.Join(g.dir, "a"))
			return fmt.Sprintf("bad password %q, it was canary-one", text), errors.New("exit status 1")
		}
		for _, value := range []string{"canary-one", "canary-two"} {
			g.vault.set("app", password(value))
			synctest.Wait()
			g.holds("a", value)
		}
		if e := find[event.CommandFailed](g); e.Output != `bad password "***", it was ***` {
			t.Errorf("the output reads %q", e.Output)
		}
		g.showNone("canary")
	})
}

// A bundle's check and reload see the new secret, and the reload after going
// back the old one.
func TestBundleOutputHidesSecrets(t *testing.T) {
	for _, failing := range []string{"check", "reload"} {
		t.Run(failing, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fails := false
				g := newRigWith(t, Options{
					Bundles: []Bundle{{Name: "b", Check: cmd("check"), Reload: cmd("reload"), Rollback: true}},
					Templates: members([]Template{
						tmpl("a", appPassword), tmpl("b", `{{ key "x" }}{{ with secret "other" }}{{ .Data.password }}{{ end }}`),
					}),
				}, map[string]any{"x": 1}, func(g *rig) {
					g.run = func(c Command) (string, error) {
						if hides := c.Mask != nil && c.Mask("canary-one") == "***"; hides != (c.Args[0] == "check") {
							t.Errorf("%s hides what it prints: %v", c.Args, hides)
						}
						if fails && c.Args[0] == failing {
							return "between canary-one and canary-two and canary-other", errors.New("exit status 1")
						}
						return "", nil
					}
				})
				defer g.stop()
				g.vault.set("app", password("canary-one"))
				g.vault.set("other", password("canary-other"))
				sleep(time.Second)
				g.holds("a", "canary-one")
				fails = true
				g.vault.set("app", password("canary-two"))
				sleep(time.Second)
				g.holds("a", "canary-one")
				if e := find[event.BundleFailed](g); string(e.Step) != failing || e.Output != "between *** and *** and ***" {
					t.Errorf("%s failed with the output %q", e.Step, e.Output)
				}
				g.showNone("canary")
			})
		})
	}
}

// Errors of templates and files, refusals and waiting tell no value.
func TestEventsHideSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink("x", filepath.Join(dir, "canary-one")); err != nil {
			t.Fatal(err)
		}
		writes := `{{ with secret "app" }}{{ "x" | writeToFile (printf "` + dir + `/%s" .Data.password) "" "" "0600" }}{{ end }}`
		member := tmpl("member", writes)
		member.Bundle = "b"
		g := newRigAt(t, dir, Options{Bundles: []Bundle{{Name: "b"}}, Templates: []Template{
			member,
			tmpl("fails", `{{ with secret "app" }}{{ .Data.password | parseInt }}{{ end }}`),
			tmpl("panics", `{{ with secret "app" }}{{ sprig_substr 5 2 .Data.password }}{{ end }}`),
			tmpl("waits", appPassword+`{{ key "absent" }}{{ with secret "denied" }}{{ .Data.x }}{{ end }}`),
			tmpl("writes", writes),
			tmpl("restless", appPassword+`{{ timestamp "05.000000" }}{{ key "x" }}`),
		}}, map[string]any{"absent": nil, "x": 1}, func(*rig) {})
		defer g.stop()
		g.vault.set("app", password("canary-one"))
		synctest.Wait()
		for _, e := range g.all {
			if e, ok := e.(event.Failed); ok && e.Template == "writes" && !strings.HasSuffix(e.Err.Error(), `refusing to write to symlink "`+dir+`/***"`) {
				t.Errorf("writes: %v", e.Err)
			}
		}
		g.vault.fail("denied", errors.New("403: the token needs \"read\" on denied"))
		sleep(61 * time.Second)
		g.reloadOptions(g.runner.opts)
		sleep(time.Minute)
		w := find[event.Waiting](g)
		if n := len(w.For); n != 2 || w.For[1].Reason != "403: the token needs \"read\" on denied" {
			t.Errorf("waits for %+v", w.For)
		}
		for _, missing := range []bool{
			find[event.Failed](g).Err == nil, find[event.BundleFailed](g).Err == nil, w.Template == "", find[event.QueryRefused](g).Err == nil, find[event.Unstable](g).Template == "",
		} {
			if missing {
				t.Errorf("not all that should be told was told: %q", g.events)
			}
		}
		g.showNone("canary")
	})
}

// The spew functions print what they are given, but for secrets.
func TestPrintedSecretsAreMasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout strings.Builder
		g := newRig(t, Options{
			Templates: []Template{tmpl("a", `{{ spew_dump (secret "app") }}{{ spew_dump (key "x") }}`)},
			Streams:   Streams{Stdout: &stdout},
		}, map[string]any{"x": "of consul"})
		defer g.stop()
		g.vault.set("app", password("canary-one"))
		synctest.Wait()
		if got := stdout.String(); strings.Contains(got, "canary") || !strings.Contains(got, "***") || !strings.Contains(got, "of consul") {
			t.Errorf("printed %s", got)
		}
	})
}

// An outcome, and whatever holds one, may end in a panic's message.
func TestWhatIsKeptShowsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", appPassword)}}, nil)
		g.vault.set("app", password("canary-one"))
		synctest.Wait()
		g.holds("a", "canary-one")
		g.stop()
		all := g.runner.bundles.shared.Registry.Secrets()
		if text := fmt.Sprintf("%v %+v %#v", all, all, all); strings.Contains(text, "canary") || !strings.Contains(text, "***") {
			t.Errorf("secrets show as %s", text)
		}
	})
}

// Once for each file in the life of the process: not at each rendering, nor
// again after a reload, and not for what others cannot read, or may.
func TestExposedSecretsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		public := tmpl("public", appPassword)
		private := tmpl("private", appPassword)
		private.Perm = 0o640
		templates := func() []Template {
			return []Template{
				public, private, tmpl("plain", `{{ key "x" }}`),
				tmpl("cert", `{{ with pkiCert "pki" }}{{ .Cert }}{{ end }}`),
				tmpl("key", `{{ with pkiCert "pki" }}{{ .Cert }}{{ .Key }}{{ end }}`),
			}
		}
		g := newRig(t, Options{Templates: templates()}, map[string]any{"x": 1})
		defer g.stop()
		g.vault.set("pki", watch.Certificate{Cert: "cert\n", Key: "-----BEGIN PRIVATE KEY-----\n"})
		g.vault.set("app", password("canary-one"))
		synctest.Wait()
		g.vault.set("app", password("canary-two"))
		synctest.Wait()
		g.reload(templates()...)
		g.reload(append(templates(), tmpl("other", `{{ key "x" }}`))...)
		g.holds("public", "canary-two")
		var told []string
		for _, e := range g.all {
			if e, ok := e.(event.Exposed); ok {
				told = append(told, fmt.Sprintf("%s %v", e.Template, e.Mode))
			}
		}
		slices.Sort(told)
		if want := "[key -rw-r--r-- public -rw-r--r--]"; fmt.Sprint(told) != want {
			t.Errorf("told of %v, want %s", told, want)
		}
	})
}

func TestSecretPerms(t *testing.T) {
	for _, bundle := range []string{"", "b"} {
		synctest.Test(t, func(t *testing.T) {
			written := tmpl("written", appPassword)
			written.Perm = 0o640
			o := Options{State: State{Reconcile: time.Minute}, Templates: []Template{tmpl("secret", appPassword), written, tmpl("plain", `{{ key "x" }}`)}}
			for i := range o.Templates {
				o.Templates[i].SecretPerm = 0o600
			}
			if bundle != "" {
				o.Bundles = []Bundle{{Name: bundle}}
				members(o.Templates)
			}
			g := newRig(t, o, map[string]any{"x": 1})
			defer g.stop()
			g.vault.set("app", password("canary-one"))
			sleep(time.Second)
			g.modes(0o600, 0o640, 0o644)
			if e := find[event.Exposed](g); e.Template != "" {
				t.Errorf("told that %s is exposed", e.Destination)
			}
			if err := os.Chmod(filepath.Join(g.dir, "secret"), 0o666); err != nil {
				t.Fatal(err)
			}
			sleep(2 * time.Minute)
			g.modes(0o600, 0o640, 0o644)
			for i := range o.Templates {
				o.Templates[i].SecretPerm = 0o400
			}
			g.reloadOptions(o)
			sleep(time.Second)
			g.modes(0o400, 0o640, 0o644)
		})
	}
}

// modes wants the files of TestSecretPerms to have these.
func (g *rig) modes(secret, written, plain fs.FileMode) {
	g.t.Helper()
	for name, want := range map[string]fs.FileMode{"secret": secret, "written": written, "plain": plain} {
		info, err := os.Stat(filepath.Join(g.dir, name))
		if err != nil || info.Mode() != want {
			g.t.Errorf("%s: %v, %v, want the mode %v", name, info.Mode(), err, want)
		}
	}
}

// Where a file is not what it is to be, the message quotes a key of Consul and
// not a secret, be the history allowed to keep that or not.
func TestFormatHidesSecrets(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			templates := members([]Template{tmpl("a", appPassword)})
			templates[0].Format = format.TOML
			g := newRig(t, Options{Bundles: []Bundle{{Name: "b"}}, Templates: templates, State: State{KeepSecrets: keep}}, nil)
			defer g.stop()
			g.vault.set("app", password("canary"))
			time.Sleep(time.Minute)
			if e := find[event.BundleFailed](g); e.Err == nil || !strings.HasSuffix(e.Err.Error(), "line 1, column 6: not valid TOML") {
				t.Errorf("the error is %v", e.Err)
			}
			g.showNone("canary")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		templates := members([]Template{tmpl("a", `{{ key "k" }}`)})
		templates[0].Format = format.TOML
		g := newRig(t, Options{Bundles: []Bundle{{Name: "b"}}, Templates: templates}, map[string]any{"k": "a = bad"})
		defer g.stop()
		time.Sleep(time.Minute)
		if e := find[event.BundleFailed](g); e.Err == nil || !strings.HasSuffix(e.Err.Error(), `not valid TOML: expected value but found "bad" instead`) {
			t.Errorf("the error is %v", e.Err)
		}
	})
}

// The file of an element of a secret holds a secret, though its template asks for none.
func TestForEachHidesSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		each := tmpl("each", "{{ . }}")
		each.ForEach, each.SecretPerm = `sprig_keys (secret "app").Data`, 0o600
		outside := tmpl("outside", "x")
		outside.ForEach = `(secret "app").Data.password | split ","`
		g := newRig(t, Options{Templates: []Template{each, outside}}, nil)
		defer g.stop()
		g.vault.set("app", password("../canary-one"))
		sleep(time.Second)
		info, err := os.Stat(filepath.Join(g.dir, "each/password"))
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v, want a file with the mode 0600", info, err)
		}
		if text := g.runner.bundles.shared.Registry.Secrets().Mask("../canary-one"); text != "***" {
			t.Errorf("the secret is shown as %s", text)
		}
		if e := find[event.Failed](g); e.Err == nil || !strings.Contains(e.Err.Error(), "of element 1") {
			t.Errorf("the destination that is not usable: %v", e.Err)
		}
		g.showNone("canary")
	})
}
