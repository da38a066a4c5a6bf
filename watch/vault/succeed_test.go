package vault

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/transport"
	"restencil/watch/vault/client"
)

// TestSucceed: sources that take each other's place, as with reloads of a
// changed configuration, issue no more than one, and the last gives back all.
func TestSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVaultModel()
		db := v.mount("db/", "db")
		var last *Source
		var holders []*holderModel
		for i := range 20 {
			holders = append(holders, newHolderModel())
			o := Options{MaxRequests: 10 + i}
			s := newSource(o.filled(), v, holders[i], "")
			if last != nil {
				s.Succeed(last)
			}
			last = s
			runFor(t, s, time.Second)
		}
		if db.issues < 1 || db.issues > 4 {
			t.Errorf("%d were issued in 20 s", db.issues)
		}
		if err := last.Revoke(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(v.leases); n > 0 {
			t.Errorf("%d leases are left", n)
		}
		for i, h := range holders {
			if !h.revoked {
				t.Errorf("the token of source %d is left", i)
			}
		}
	})
}

// TestSucceedElsewhere: another Vault has nothing to do with the one before.
func TestSucceedElsewhere(t *testing.T) {
	at := func(address string) *Source {
		return newSource(Options{Options: client.Options{Server: transport.Server{Address: address}}}.filled(), nil, newHolderModel(), "")
	}
	here, there := at("a"), at("b")
	if there.Succeed(here); there.requester.Leases == here.requester.Leases || there.requester.Limiter == here.requester.Limiter || there.before != nil {
		t.Error("it goes on from another Vault")
	}
}

// runFor runs a source that watches a path for some time.
func runFor(t *testing.T, s *Source, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	s.Watch(watch.Subscription{ID: read("db/creds/app").ID(), Sink: watchtest.NewRecorder(t)})
	pass(d)
	cancel()
	<-done
}
