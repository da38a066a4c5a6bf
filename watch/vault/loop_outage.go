package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"restencil/watch"
)

// An outage is a time in which Vault as a whole does not answer. Meanwhile
// nothing is asked of it but one question, at some pace, that costs nothing.
type outage struct {
	since   time.Time // zero: there is none
	number  int       // how many there have been
	err     error     // what began it, or has taken its place
	told    []int     // the statuses that it has shown; 0: no answer
	probes  int       // that failed
	next    time.Time // when to probe
	probing bool

	waiting entries // they have come up meanwhile
	members entries // they have met it, and are in the agenda
}

const (
	// probePause is the longest time between two probes, unless Retry.Base is
	// longer; probeLimit how long one may take.
	probePause = 2 * time.Second
	probeLimit = 10 * time.Second

	// rush is the time over which queries are spread that could all go on at
	// one moment.
	rush = time.Second
)

// away notes that e has met an outage.
func (l *loop) away(e *entry, err *watch.Error, now time.Time) {
	o := &l.outage
	if o.since.IsZero() {
		o.since, o.next, o.probes, o.err = now, now, 0, err.Err
		o.told = []int{statusOf(err)}
		o.number++
		o.waiting, o.members = make(entries), make(entries)
	}
	o.members[e] = true
	e.heard = o.number
}

// left forgets an entry that does well.
func (o *outage) left(e *entry) { delete(o.members, e) }

// await has e wait for the end of the outage, and its sink hear of it.
func (l *loop) await(e *entry, now time.Time) {
	l.outage.waiting[e] = true
	l.tellAway(e, now)
}

// tellAway tells the sink of e, once, that Vault is away. That is sure when a
// probe has failed.
func (l *loop) tellAway(e *entry, now time.Time) {
	o := &l.outage
	if o.probes == 0 {
		return
	}
	err := &watch.Error{Query: e.query, Class: watch.Retry, Err: o.err}
	news := e.heard != o.number
	e.heard = o.number
	if !l.speak(e, err, now) && news {
		e.fail(err)
	}
}

// speak has e fail if it is the one of those that wait whose sink hears of each
// attempt that it would have made, for attempts may be bounded. It is the one
// if no other is.
func (l *loop) speak(e *entry, err *watch.Error, now time.Time) bool {
	if s := l.speaker; l.timers.Has(e) || s != nil && s != e && (l.outage.waiting[s] || l.lacking[s]) {
		return false
	}
	l.speaker = e
	e.failures++
	e.fail(err)
	l.timers.Set(e, now.Add(max(l.options.Retry.Delay(e.failures), time.Millisecond)))
	return true
}

// probe sends a probe if one is due.
func (l *loop) probe(now time.Time) {
	o := &l.outage
	if o.since.IsZero() || o.probing || o.next.After(now) || l.busy >= l.options.MaxRequests {
		return
	}
	o.probing = true
	l.dispatch(nil, false, func(ctx context.Context, r *report) {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		_, r.err = l.desk.keep(ctx, health(), credential{})
		r.apply = (*loop).probed
	})
}

// health is the probe.
func health() request {
	return request{
		method: http.MethodGet, path: "sys/health",
		query: url.Values{"standbyok": {"true"}, "perfstandbyok": {"true"}},
	}
}

// probed takes what a probe has shown.
func (l *loop) probed(r report) {
	o, now := &l.outage, time.Now()
	o.probing = false
	if r.err == nil || !unreachable(r.err) {
		l.back(now)
		return
	}
	o.probes++
	l.turned(r.err)
	for e := range o.waiting {
		l.tellAway(e, now)
	}
	pace := l.options.Retry
	pace.Max = max(probePause, pace.Base)
	if l.options.Retry.Max > 0 {
		pace.Max = min(pace.Max, l.options.Retry.Max)
	}
	o.next = now.Add(max(pace.Delay(o.probes), time.Millisecond))
}

// turned notes that the outage goes on in another way than it began: a Vault
// that was started again is sealed, and waits for a person. Of each status
// that is told once, for they may alternate.
func (l *loop) turned(err error) {
	o := &l.outage
	status := statusOf(err)
	if slices.Contains(o.told, status) {
		return
	}
	o.told = append(o.told, status)
	o.err = classify(watch.Query{}, health(), err).Err
	o.number++ // all hear of it once more
	if l.options.Notice != nil {
		l.options.Notice(fmt.Errorf("still away: %w", o.err))
	}
}

// statusOf returns the status of an answer that is an error, 0 for no answer.
func statusOf(err error) int {
	var answer *responseError
	if errors.As(err, &answer) {
		return answer.Status
	}
	return 0
}

// back ends the outage. Where a probe had failed it was one: all who met it may
// try at once. Else it was their own trouble, and they keep their pace.
func (l *loop) back(now time.Time) {
	o := l.outage
	l.outage = outage{number: o.number}
	l.release(o.waiting, now)
	if o.probes == 0 {
		return
	}
	for e := range o.members {
		if !e.gone && !e.visiting && l.timers.Has(e) && e.sink != nil {
			e.failures = 0
			l.timers.Advance(e, now.Add(spread(rush)))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// spread returns a random time of at most d.
func spread(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// release has entries come up that have waited for something; one by itself at
// once.
func (l *loop) release(list entries, now time.Time) {
	over := min(rush, time.Duration(len(list)-1)*time.Millisecond)
	for e := range list {
		if !e.gone && !e.visiting && (!l.timers.Has(e) || e == l.speaker) {
			l.retry(e, now.Add(spread(over)))
		}
	}
}

// lack has e wait for a token, and its sink hear of why there is none, unless
// one is just being got.
func (l *loop) lack(e *entry, now time.Time) {
	l.lacking[e] = true
	if errors.Is(l.credErr, errPending) {
		return
	}
	err := classify(e.query, request{}, l.credErr)
	news := e.heard != -l.silence
	e.heard = -l.silence
	if !l.speak(e, err, now) && news {
		e.fail(err)
	}
}
