package consul

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/schedule"
)

const (
	limitTimeout = 2 * time.Second // how long the agent may take to say its limit
	limitRetry   = time.Minute     // it is asked again after that, if it could not answer

	// An agent goes on to count most requests that were cancelled, of this program or of
	// one before it, for so long. Meanwhile, the budget is not reduced again.
	lingering = 25 * time.Second
)

// A budget has what the number of requests at a time depends on. It is guarded by the
// source's lock.
type budget struct {
	http1   bool // the agent takes one request a connection
	reduced int  // the most, because the agent refused requests; zero: it refused none
	allowed int  // connections for services and nodes, by the agent's limit; zero: it is not known

	asked bool // the agent is being asked for its limit, or the answer has not expired
	known bool // there was an answer, be it a failure

	since  time.Time     // when it was reduced last
	expiry time.Duration // how long for
}

// waits reports whether the first answer of the agent is awaited.
func (b *budget) waits() bool { return b.asked && !b.known }

// limitAnswer expires like a refusal: an agent may be restarted with another limit.
type limitAnswer struct{}

// setBudget sets what the rules allow, and reports whether that is new.
func (s *Source) setBudget() (changed bool) {
	before := s.rules
	b := client.Capacity(s.agent.Client, s.agent.Options, !s.budget.http1)
	s.rules.Budget, s.rules.Total = b, max(b, s.budget.allowed)
	if most := s.budget.reduced; most > 0 {
		s.rules.Budget, s.rules.Total = min(s.rules.Budget, most), min(s.rules.Total, most)
	}
	return s.rules.Budget != before.Budget || s.rules.Total != before.Total
}

// reduceBudget reduces the budget to what the agent has accepted, now that it has refused a
// request, for a while: longer each time if that does not help. What it refuses soon after
// that may be for what was cancelled.
func (s *Source) reduceBudget(now time.Time) {
	b := &s.budget
	since := now.Sub(b.since)
	if since < lingering {
		return
	}
	expiry := lingering
	if since < 3*b.expiry {
		expiry = min(2*b.expiry, refusalExpiry)
	}
	counts := s.agent.Client.Counter.Counts()
	b.since, b.expiry, b.reduced = now, expiry, max(blocking.LeastConnections, counts.Open, counts.Connections)
	b.asked = false // the agent may have another limit now
	s.refusals.Set(requester.TooManyRequests, now.Add(expiry))
}

// askLimit has the agent asked for its limit if services and nodes need more connections
// than all others, the configuration does not say how many there may be, and the answer is
// not known. The source runs, and the caller holds the lock.
func (s *Source) askLimit() {
	o, b := &s.agent.Options, &s.budget
	if b.asked || !s.plan.SharesInstances() && s.plan.Held() <= s.rules.Budget || s.system != watch.Consul ||
		o.MaxConnections != 0 || s.agent.Client.Base.Scheme != "http" || client.Allowed(*o, 0) <= blocking.UsualConnections {
		return
	}
	b.asked = true
	s.start(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, limitTimeout)
		defer cancel()
		limit, err := fetch.Requests{Client: s.agent.Client}.ConnectionLimit(ctx)
		s.takeLimit(limit, err)
	})
}

// takeLimit takes the agent's limit. What cannot be known leaves all as it is.
func (s *Source) takeLimit(limit int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, b := &s.agent.Options, &s.budget
	if s.run == nil || s.run.Err() != nil {
		b.asked = false
		return
	}
	text := fmt.Sprintf("the agent accepts %d connections of a client (0: any number)", limit)
	expiry := refusalExpiry
	if err == nil {
		b.allowed = max(client.Allowed(*o, limit), blocking.UsualConnections)
		if o.Transport.MaxConnsPerHost == 0 {
			s.agent.Client.Counter.SetMaxConnsPerHost(b.allowed)
		}
	} else {
		text = fmt.Sprintf("how many connections the agent accepts is not known, since that takes agent:read: %v", s.agent.Client.Clean(err))
		if schedule.ClassOf(blocking.Status(err)) == watch.Retry && !errors.Is(err, blocking.ErrIncomplete) {
			expiry = limitRetry
		}
	}
	if o.Log != nil {
		o.Log.Debug(text, "component", string(s.system))
	}
	s.refusals.Set(limitAnswer{}, time.Now().Add(expiry))
	s.feedback.Wake() // for the expiry
	waited := b.waits()
	b.known = true
	if s.setBudget() || waited {
		s.replan()
	}
}
