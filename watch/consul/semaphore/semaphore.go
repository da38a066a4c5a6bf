// Package semaphore has a fleet of hosts change a few at a time, by sessions and keys of
// Consul.
//
// Whoever wants a place writes an entry below the prefix of the semaphore, which is
// removed with its session. The oldest entries hold the places: as many as the limit.
// The index with which Consul created an entry gives the order, so that hosts agree
// without a common record, also where they read it from different servers. The next in
// line watch all entries; each of the others watches one, so that the end of one change
// does not have the whole fleet ask.
//
// (The semaphore of Consul's library has every waiter read all entries and write at each
// change: for 200 hosts, 20 at a time, it took minutes where this takes two seconds.)
//
// The place of a host that dies is free when its session ends, 10 to 20 seconds later.
// While the fleet is stopped there is the key .stopped below the prefix. The token needs
// session:write for the agent's node, and key:write for the prefix.
package semaphore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/fetch"
)

const (
	sessionTTL = 10 * time.Second // the least that Consul allows; it ends a session within twice that
	longest    = 20 * time.Second // how long one look at the entries takes at most
	releasing  = 5 * time.Second  // how long Release, or Held, takes at most
)

var (
	errGone     = errors.New("the entry is gone: somebody removed it, or Consul or its agent was away for too long")
	errNoAnswer = errors.New("no answer from Consul")
)

// A Semaphore bounds how many holders there are at a time. Its methods may be called
// concurrently.
type Semaphore struct {
	Client fetch.Requests
	Prefix string // of the keys, without a slash at its end
	Limit  int    // above 0; the same for all hosts
	Holder string // who this is, for people: the name of the host
}

// A Place is one of the places of a Semaphore.
type Place struct {
	s       *Semaphore
	session string
	stop    context.CancelFunc
	renewal sync.WaitGroup
}

// Acquire waits for a place, and until the fleet is not stopped. It calls stopped with
// what Stop was given when it finds that the fleet is, and with "" when that is over.
// The error is that of Consul, or the cause of ctx's end. The caller releases the place.
func (s *Semaphore) Acquire(ctx context.Context, stopped func(why string)) (*Place, error) {
	for {
		p, err := s.acquire(ctx, stopped)
		if err != nil {
			return nil, fmt.Errorf("waiting for a place in %s: %w", s.Prefix, err)
		}
		if p != nil {
			return p, nil
		}
	}
}

// acquire waits for a place. It returns nil where the fleet was stopped meanwhile.
func (s *Semaphore) acquire(ctx context.Context, stopped func(why string)) (*Place, error) {
	if err := s.waitUntilResumed(ctx, stopped); err != nil {
		return nil, err
	}
	p, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	err = p.wait(ctx)
	why := ""
	if err == nil {
		why, _, err = s.stopped(ctx, 0)
	}
	if err != nil || why != "" {
		p.Release()
		return nil, err
	}
	return p, nil
}

// enter writes an entry, and keeps its session alive until Release.
func (s *Semaphore) enter(ctx context.Context) (*Place, error) {
	text, err := json.Marshal(map[string]string{"Name": "restencil on " + s.Holder, "TTL": sessionTTL.String(), "Behavior": "delete"})
	if err != nil {
		return nil, err
	}
	reply, err := s.Client.Write(ctx, http.MethodPut, "/v1/session/create", nil, string(text))
	if err != nil {
		return nil, err
	}
	var session struct{ ID string }
	if err := json.Unmarshal([]byte(reply), &session); err != nil {
		return nil, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Place{s: s, session: session.ID, stop: stop}
	p.renewal.Go(func() { p.renew(renewing) })
	made, err := s.Client.Write(ctx, http.MethodPut, "/v1/kv/"+s.Prefix+"/"+p.session, url.Values{"acquire": {p.session}}, s.Holder)
	if err == nil && made != "true" {
		err = errors.New("consul refused the entry of the new session")
	}
	if err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

// renew renews the session until ctx ends. If Consul is away for too long, the session
// ends, and the entry with it.
func (p *Place) renew(ctx context.Context) {
	last, pause := time.Now(), sessionTTL/2
	for time.Since(last) < sessionTTL {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = time.Second
		limited, cancel := context.WithTimeout(ctx, sessionTTL/4)
		_, err := p.s.Client.Write(limited, http.MethodPut, "/v1/session/renew/"+p.session, nil, "")
		cancel()
		switch {
		case err == nil:
			last, pause = time.Now(), sessionTTL/2
		case blocking.Status(err) == http.StatusNotFound:
			return
		}
	}
}

// wait waits until p is one of the oldest entries.
func (p *Place) wait(ctx context.Context) error {
	index, limit := uint64(0), p.s.Limit
	for {
		entries, next, err := p.s.entries(ctx, index)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(entries, func(e *watch.KeyPair) bool { return e.Session == p.session })
		switch {
		case at < 0:
			return errGone
		case at < limit:
			return nil
		case at < 2*limit:
			index = next
			continue
		}
		// The entry that is to be over before it is this one's turn. That others are
		// over, after a long change, is seen a little later.
		before := entries[at-limit]
		o := blocking.Request{WaitIndex: before.ModifyIndex, WaitTime: longest/2 + rand.N(longest/2)}
		if _, err := p.s.get(ctx, watch.KVGet, before.Path, o); err != nil {
			return err
		}
		index = 0
	}
}

// Held returns why another host may have the place now, nil if none has.
func (p *Place) Held(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, releasing, errNoAnswer)
	defer cancel()
	r, err := p.s.get(ctx, watch.KVGet, p.s.Prefix+"/"+p.session, blocking.Request{})
	if _, there := r.Data.(*watch.KeyPair); err == nil && !there {
		return errGone
	}
	return err
}

// Release gives the place up. What Consul does not hear of ends with the session.
func (p *Place) Release() {
	p.stop()
	p.renewal.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), releasing)
	defer cancel()
	_, _ = p.s.Client.Write(ctx, http.MethodPut, "/v1/session/destroy/"+p.session, nil, "")
}

// entries returns the entries, the oldest first; when they have changed since index, or
// after a while.
func (s *Semaphore) entries(ctx context.Context, index uint64) ([]*watch.KeyPair, uint64, error) {
	r, err := s.get(ctx, watch.KVList, s.Prefix+"/", blocking.Request{WaitIndex: index, WaitTime: longest})
	if err != nil {
		return nil, 0, err
	}
	pairs := slices.DeleteFunc(r.Data.([]*watch.KeyPair), func(p *watch.KeyPair) bool { return p.Session == "" || !strings.HasSuffix(p.Path, p.Session) })
	slices.SortFunc(pairs, func(a, b *watch.KeyPair) int { return cmp.Compare(a.CreateIndex, b.CreateIndex) })
	return pairs, r.Index, nil
}

// get asks for a key, or for those below it.
func (s *Semaphore) get(ctx context.Context, kind watch.Kind, name string, o blocking.Request) (blocking.Reply, error) {
	o.Query = watch.Query{Kind: kind, Name: name}
	r, err := s.Client.ForKind(kind, false).Fetch(ctx, o)
	if err != nil {
		err = cmp.Or(context.Cause(ctx), err)
	}
	return r, err
}

// Holders returns who holds a place now.
func (s *Semaphore) Holders(ctx context.Context) ([]string, error) {
	entries, _, err := s.entries(ctx, 0)
	var names []string
	for _, e := range entries[:min(s.Limit, len(entries))] {
		names = append(names, e.Value)
	}
	return names, err
}

// Stop has all others wait until somebody calls Resume, but for those that have a place.
// They hear who stopped them and why.
func (s *Semaphore) Stop(ctx context.Context, why string) error {
	_, err := s.Client.Write(ctx, http.MethodPut, "/v1/kv/"+s.stopKey(), nil, s.Holder+": "+why)
	if err != nil {
		return fmt.Errorf("stopping the other hosts: %w", err)
	}
	return nil
}

// Resume ends what Stop has begun.
func (s *Semaphore) Resume(ctx context.Context) error {
	if _, err := s.Client.Write(ctx, http.MethodDelete, "/v1/kv/"+s.stopKey(), nil, ""); err != nil {
		return fmt.Errorf("letting the other hosts go on: %w", err)
	}
	return nil
}

func (s *Semaphore) stopKey() string { return s.Prefix + "/.stopped" }

// waitUntilResumed waits until the fleet is not stopped.
func (s *Semaphore) waitUntilResumed(ctx context.Context, stopped func(why string)) error {
	before, index := "", uint64(0)
	for {
		why, next, err := s.stopped(ctx, index)
		if err != nil {
			return err
		}
		if why != before {
			stopped(why)
		}
		if why == "" {
			return nil
		}
		before, index = why, next
	}
}

// stopped returns why the fleet is stopped, "" if it is not; when that has changed since
// index, or after a while.
func (s *Semaphore) stopped(ctx context.Context, index uint64) (why string, next uint64, err error) {
	r, err := s.get(ctx, watch.KVGet, s.stopKey(), blocking.Request{WaitIndex: index, WaitTime: longest})
	if err != nil {
		return "", 0, err
	}
	if pair, ok := r.Data.(*watch.KeyPair); ok {
		why = cmp.Or(pair.Value, "the key "+s.stopKey()+" exists")
	}
	return why, r.Index, nil
}
