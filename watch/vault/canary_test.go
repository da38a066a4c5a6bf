package vault

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
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
		w.vault.tokens[canary+"-token"] = &modelToken{}
		w.holder.set(token.Epoch{Token: canary + "-token", Number: 2}, nil)
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
			w.vault.trouble = func(r client.Request) error { return refuse(400, "that is not right") }
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
