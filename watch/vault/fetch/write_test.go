package fetch

import (
	"context"
	"testing"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

type callFunc func(client.Request) (*watch.Secret, error)

func (f callFunc) Call(_ context.Context, r client.Request) (*watch.Secret, error) { return f(r) }

// TestWritesHideTheirValues: Vault may say again what it was told. Advice names the cluster.
func TestWritesHideTheirValues(t *testing.T) {
	var seen client.Request
	call := func(r client.Request) (*watch.Secret, error) {
		seen = r
		return nil, nil
	}
	r := NewRequester(callFunc(call), "", lease.Rules{Threshold: 0.9}, limit.New(limit.Options{Every: 1, Burst: 1}))
	f, _, err := New(watch.Query{Kind: watch.VaultWrite, Name: "x", Cluster: "b", Params: "password=tweety&n=1"}, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context(), token.Epoch{}); err != nil {
		t.Fatal(err)
	}
	if len(seen.Hide) != 1 || seen.Hide[0] != "tweety" {
		t.Errorf("hidden: %q", seen.Hide)
	}
	if seen.Store != watch.Vault.In("b") {
		t.Errorf("the store is %q", seen.Store)
	}
	if seen.Body.(map[string]any)["n"] != "1" {
		t.Errorf("the body is %v, whose values are to be text", seen.Body)
	}
}
