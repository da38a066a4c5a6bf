package runner

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/watch"
)

func TestStoresTellAnOutageOnce(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	b := watch.Query{Kind: watch.KVGet, Name: "b"}
	refused := errors.New("connection refused")
	down := &watch.Failure{Err: refused}
	start := time.Unix(1000, 0)
	var s stores
	var told []Event
	note := func(at int, q watch.Query, f *watch.Failure) {
		if e := s.note(q, f, start.Add(time.Duration(at)*time.Second)); e != nil {
			told = append(told, e)
		}
	}
	note(0, a, down)
	note(1, b, down)
	note(2, a, down)
	note(5, a, nil)
	note(7, b, nil)
	note(8, b, nil)
	want := []Event{
		StoreAway{Store: watch.Consul, Err: refused},
		StoreBack{Store: watch.Consul, Away: 7 * time.Second},
	}
	if diff := cmp.Diff(want, told, cmpopts.EquateErrors()); diff != "" {
		t.Error(diff)
	}
}

func TestStoresForgottenQueryEndsTheOutage(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	var s stores
	s.note(a, &watch.Failure{Err: errors.New("reset")}, time.Unix(1000, 0))
	if _, ok := s.forget(a, time.Unix(1003, 0)).(StoreBack); !ok {
		t.Error("the store is still away, though no query fails")
	}
}

func TestStoresTellARefusalOncePerReason(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	denied := func(why string) *watch.Failure {
		return &watch.Failure{Err: &watch.Error{Query: a, Class: watch.Denied, Err: errors.New(why)}}
	}
	var s stores
	now := time.Unix(1000, 0)
	var told int
	for _, f := range []*watch.Failure{denied("403"), denied("403"), denied("404"), nil, denied("403")} {
		switch e := s.note(a, f, now).(type) {
		case QueryRefused:
			told++
		case nil:
		default:
			t.Errorf("told %T: a refusal is no outage", e)
		}
	}
	if told != 3 {
		t.Errorf("told %d times, want 3: 403, 404, and 403 again after it had come right", told)
	}
}
