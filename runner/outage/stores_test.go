package outage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/runner/event"
	"restencil/watch"
)

// A step is what is noted of a query, and what is told then.
type step struct {
	at    int    // seconds
	query string // "x", "x@dc2", "x@peer far", "vault x@namespace n"; "": only the time passes
	err   string // "": it has an answer; "all: ..." concerns all queries
	want  string // what is told, in short
}

// TestStoresTell: what is told of a row of failures and answers.
func TestStoresTell(t *testing.T) {
	for name, steps := range map[string][]step{
		"an outage of all queries is told once, and ended by the first answer": {
			{0, "a", "refused", "consul is away"},
			{1, "b", "refused", ""},
			{2, "a", "refused", ""},
			{5, "a", "", "consul is back after 5s"},
			{6, "b", "", ""},
		},
		"what fails still is told by itself then": {
			{0, "a", "refused", "consul is away"},
			{0, "b", "refused", ""},
			{5, "a", "", "consul is back after 5s"},
			{6, "", "", ""},
			{7, "", "", "b fails"},
			{9, "b", "", "b has an answer"},
		},
		"one query that fails is no outage": {
			{0, "a", "", ""},
			{1, "b", "broken", ""},
			{2, "b", "broken", ""},
			{3, "", "", "b fails"},
			{60, "b", "broken", ""},
			{90, "a", "", ""},
			{99, "b", "", "b has an answer"},
		},
		"one that comes right soon is not told": {
			{0, "a", "", ""},
			{1, "b", "broken", ""},
			{2, "b", "", ""},
			{9, "", "", ""},
		},
		"an outage that follows from one to all": {
			{0, "a", "", ""},
			{0, "b", "", ""},
			{1, "a", "reset", ""},
			{2, "b", "reset", "consul is away"},
			{9, "", "", ""},
			{9, "b", "", "consul is back after 8s"},
		},
		"a datacenter is away by itself": {
			{0, "a", "", ""},
			{1, "b@dc2", "no path", "consul, datacenter dc2 is away"},
			{2, "c@dc2", "no path", ""},
			{3, "c@dc3", "no path", "consul, datacenter dc3 is away"},
			{9, "b@dc2", "", ""},
			{9, "c@dc2", "", "consul, datacenter dc2 is back after 8s"},
		},
		"so are a peer, a partition and a namespace of Vault": {
			{0, "a", "", ""},
			{1, "b@peer far", "no such peer", "consul, peer far is away"},
			{2, "b@partition p", "no such partition", "consul, partition p is away"},
			{3, "vault a", "", ""},
			{4, "vault b@namespace team", "sealed", "vault, namespace team is away"},
			{9, "vault b@namespace team", "", "vault, namespace team is back after 5s"},
			{9, "b@peer far", "", "consul, peer far is back after 8s"},
		},
		"a query of a datacenter that does not exist is no outage of the store": {
			{0, "b@nowhere", "no path", "consul, datacenter nowhere is away"},
			{1, "a", "", ""},
		},
		"an error that concerns all queries is an outage, whatever is known of others": {
			{0, "a", "", ""},
			{1, "b@dc2", "all: refused", "consul is away"},
			{2, "b@dc2", "", "consul is back after 1s"},
		},
		"a file is by itself": {
			{0, "file /a", "missing", "/a fails"},
			{1, "file /a", "still missing", ""},
			{2, "file /b", "missing", "/b fails"},
			{9, "file /a", "", "/a has an answer"},
		},
		"many are not told by name": {
			{0, "a", "", ""},
			{1, "b", "x", ""}, {1, "c", "x", ""}, {1, "d", "x", ""}, {1, "e", "x", ""}, {1, "f", "x", ""}, {1, "g", "x", ""}, {1, "h", "x", ""},
			{3, "", "", "b fails, c fails, d fails, e fails, f fails and 2 more"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var told []event.Event
			s := New(func(e event.Event) { told = append(told, e) })
			for _, step := range steps {
				now := time.Unix(1000+int64(step.at), 0)
				told = nil
				switch q := testQuery(step.query); {
				case step.query == "":
				case step.err == "":
					s.Update(q.ID(), nil, now)
				default:
					text, all := strings.CutPrefix(step.err, "all: ")
					s.Update(q.ID(), &watch.Failure{Err: &watch.Error{Query: q, Err: errors.New(text), All: all}}, now)
				}
				s.Report(now)
				if got := inShort(told); got != step.want {
					t.Errorf("at %d s, %q, %q: told %q, want %q", step.at, step.query, step.err, got, step.want)
				}
			}
		})
	}
}

func testQuery(text string) watch.Query {
	if name, ok := strings.CutPrefix(text, "file "); ok {
		return watch.Query{Kind: watch.FileContent, Name: name}
	}
	name, part, _ := strings.Cut(text, "@")
	q := watch.Query{Kind: watch.KVGet, Name: name}
	if secret, ok := strings.CutPrefix(name, "vault "); ok {
		q = watch.Query{Kind: watch.VaultRead, Name: secret}
	}
	switch what, of, _ := strings.Cut(part, " "); what {
	case "peer":
		q.Peer = of
	case "partition":
		q.Partition = of
	case "namespace":
		q.Namespace = of
	default:
		q.Datacenter = part
	}
	return q
}

func inShort(told []event.Event) string {
	var all []string
	place := func(store watch.Store, part string) string {
		return strings.Join(slices.DeleteFunc([]string{string(store), part}, func(s string) bool { return s == "" }), ", ")
	}
	for _, e := range told {
		switch e := e.(type) {
		case event.StoreAway:
			all = append(all, place(e.Store, e.Part)+" is away")
		case event.StoreBack:
			text := "%s is back after %v"
			if e.Unasked {
				text = "%s is asked nothing after %v"
			}
			all = append(all, fmt.Sprintf(text, place(e.Store, e.Part), e.Away))
		case event.QueryFailing:
			text := e.Query.Name + " fails"
			if e.More > 0 {
				text += fmt.Sprintf(" and %d more", e.More)
			}
			all = append(all, text)
		case event.QueryAnswered:
			all = append(all, e.Query.Name+" has an answer")
		default:
			all = append(all, fmt.Sprintf("%T", e))
		}
	}
	return strings.Join(all, ", ")
}

// A dead datacenter, or one that does not exist, does not end a daemon that ends
// when its store is away.
func TestStoresGiveUp(t *testing.T) {
	start := time.Unix(1000, 0)
	s := New(func(event.Event) {})
	s.Update(testQuery("x@nowhere").ID(), &watch.Failure{Err: errors.New("no path")}, start)
	if at, err := s.GiveUp(time.Minute); err != nil {
		t.Errorf("to give up at %v: %v", at, err)
	}
	s.Update(testQuery("x").ID(), &watch.Failure{Err: errors.New("refused")}, start.Add(time.Second))
	if at, err := s.GiveUp(time.Minute); err == nil || !at.Equal(start.Add(61*time.Second)) {
		t.Errorf("to give up at %v: %v", at, err)
	}
}

func TestStoresForgottenQueryEndsTheOutage(t *testing.T) {
	var told []event.Event
	s := New(func(e event.Event) { told = append(told, e) })
	s.Update(testQuery("a").ID(), &watch.Failure{Err: errors.New("reset")}, time.Unix(1000, 0))
	s.Forget(testQuery("a").ID(), time.Unix(1003, 0))
	if got := inShort(told); got != "consul is away, consul is asked nothing after 3s" {
		t.Errorf("told %q", got)
	}
	if !s.pending.Next().IsZero() || len(s.outages) > 0 {
		t.Errorf("%v is left", s.outages)
	}
}

func TestStoresTellARefusalOncePerReason(t *testing.T) {
	a := watch.Query{Kind: watch.KVGet, Name: "a"}
	denied := func(why string) *watch.Failure {
		return &watch.Failure{Err: &watch.Error{Query: a, Class: watch.Denied, Err: errors.New(why)}}
	}
	var told int
	s := New(func(e event.Event) {
		if _, ok := e.(event.QueryRefused); !ok {
			t.Errorf("told %T: a refusal is no outage", e)
		}
		told++
	})
	for _, f := range []*watch.Failure{denied("403"), denied("403"), denied("404"), nil, denied("403")} {
		s.Update(a.ID(), f, time.Unix(1000, 0))
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
	s := New(func(e event.Event) { told = append(told, fmt.Sprintf("%T", e)) })
	for _, all := range []bool{true, true, false, false} {
		for _, q := range queries {
			s.Update(q.ID(), denied(q, all), time.Unix(1000, 0))
		}
	}
	want := []string{"event.StoreAway", "event.StoreBack", "event.QueryRefused", "event.QueryRefused"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if _, err := s.GiveUp(time.Hour); err != nil {
		t.Error(err)
	}
}
