package runner

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner/event"
	"restencil/watch"
)

func TestStoresTellAnOutageOnce(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	b := watch.Query{Kind: watch.KVGet, Name: "b"}
	refused := errors.New("connection refused")
	down := &watch.Failure{Err: refused}
	start := time.Unix(1000, 0)
	var told []event.Event
	s := newStores(func(e event.Event) { told = append(told, e) })
	note := func(at int, q watch.Query, f *watch.Failure) {
		s.note(q, f, start.Add(time.Duration(at)*time.Second))
	}
	note(0, a, down)
	note(1, b, down)
	note(2, a, down)
	note(5, a, nil)
	note(7, b, nil)
	note(8, b, nil)
	want := []event.Event{
		event.StoreAway{Store: watch.Consul, Err: refused},
		event.StoreBack{Store: watch.Consul, Away: 7 * time.Second},
	}
	if diff := cmp.Diff(want, told, cmpopts.EquateErrors()); diff != "" {
		t.Error(diff)
	}
}

func TestStoresForgottenQueryEndsTheOutage(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	back := false
	s := newStores(func(e event.Event) { _, back = e.(event.StoreBack) })
	s.note(a, &watch.Failure{Err: errors.New("reset")}, time.Unix(1000, 0))
	s.forget(a, time.Unix(1003, 0))
	if !back {
		t.Error("the store is still away, though no query fails")
	}
}

func TestStoresTellARefusalOncePerReason(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	denied := func(why string) *watch.Failure {
		return &watch.Failure{Err: &watch.Error{Query: a, Class: watch.Denied, Err: errors.New(why)}}
	}
	var told int
	s := newStores(func(e event.Event) {
		if _, ok := e.(event.QueryRefused); !ok {
			t.Errorf("told %T: a refusal is no outage", e)
		}
		told++
	})
	for _, f := range []*watch.Failure{denied("403"), denied("403"), denied("404"), nil, denied("403")} {
		s.note(a, f, time.Unix(1000, 0))
	}
	if told != 3 {
		t.Errorf("told %d times, want 3: 403, 404, and 403 again after it had come right", told)
	}
}

// TestStoresTellOnceWhatIsNoQuerysFault: a token that has ended stops all
// queries, and is told once; when it is replaced by one that may not ask them
// all, the store is there again, and only those are told.
func TestStoresTellOnceWhatIsNoQuerysFault(t *testing.T) {
	queries := []watch.Query{{Kind: watch.VaultRead, Name: "a"}, {Kind: watch.VaultRead, Name: "b"}}
	denied := func(q watch.Query, all bool) *watch.Failure {
		return &watch.Failure{Err: &watch.Error{Query: q, Class: watch.Denied, Err: errors.New("403"), All: all}}
	}
	var told []string
	s := newStores(func(e event.Event) { told = append(told, fmt.Sprintf("%T", e)) })
	for _, all := range []bool{true, true, false, false} {
		for _, q := range queries {
			s.note(q, denied(q, all), time.Unix(1000, 0))
		}
	}
	want := []string{"event.StoreAway", "event.QueryRefused", "event.StoreBack", "event.QueryRefused"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if _, err := s.giveUp(time.Hour); err != nil {
		t.Error(err)
	}
}
