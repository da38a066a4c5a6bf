package vault

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"restencil/watch"
)

// TestNothingShows: whatever is printed of what the source tells, or of the
// source itself, holds no secret.
func TestNothingShows(t *testing.T) {
	const canary = "tweety-7f3a"
	inWorld(t, Options{}, func(w *world) {
		kv := w.vault.mount("secret/", "kv2")
		kv.put("app", canary)
		w.vault.mount("kv1/", "kv1").put("app", canary)
		w.vault.mount("echo/", "echo")
		w.vault.tokens[canary+"-token"] = &modelTenure{}
		w.holder.set(credential{token: canary + "-token", generation: 2}, nil)
		body := url.Values{"password": {canary}}
		var sinks []*sinkModel
		for _, q := range []watch.Query{
			read("secret/app"), read("kv1/app"), read("secret/none"),
			{Kind: watch.VaultWrite, Name: "echo/x", Params: body.Encode()},
			{Kind: watch.VaultWrite, Name: "secret/w", Params: body.Encode()},
			{Kind: watch.VaultWrite, Name: "none/w", Params: body.Encode()},
			pkiQuery(body, "/none/"),
		} {
			sinks = append(sinks, w.watch(q))
		}
		pass(time.Minute)
		w.vault.change(func() {
			w.vault.trouble = func(r request) error { return refuse(400, "that is not right") }
		})
		pass(10 * time.Minute)
		for _, s := range sinks {
			for _, e := range s.Events() {
				for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
					if text := fmt.Sprintf(format, e); strings.Contains(text, canary) {
						t.Errorf("%s shows %q", format, text)
					}
				}
				if e.Err != nil && strings.Contains(e.Err.Error(), canary) {
					t.Errorf("an error shows %q", e.Err)
				}
			}
		}
		for _, n := range w.noticed() {
			if strings.Contains(n, canary) {
				t.Errorf("a notice shows %q", n)
			}
		}
	})
}

type callFunc func(request) (*watch.Secret, error)

func (f callFunc) call(_ context.Context, r request) (*watch.Secret, error) { return f(r) }

// TestWritesHideTheirValues: Vault may say again what it was told.
func TestWritesHideTheirValues(t *testing.T) {
	var seen request
	d := &desk{
		caller:    callFunc(func(r request) (*watch.Secret, error) { seen = r; return nil, nil }),
		allowance: testAllowance(), ledger: newLedger(),
	}
	s, err := newWriter(watch.Query{Kind: watch.VaultWrite, Name: "x", Params: "password=tweety&n=1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(t.Context(), visit{desk: d}); err != nil {
		t.Fatal(err)
	}
	if len(seen.hide) != 1 || seen.hide[0] != "tweety" {
		t.Errorf("hidden: %q", seen.hide)
	}
	if seen.body.(map[string]any)["n"] != "1" {
		t.Errorf("the body is %v, whose values are to be text", seen.body)
	}
}
