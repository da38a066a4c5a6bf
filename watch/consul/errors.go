package consul

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/schedule"
)

// statusOf returns the HTTP status of a refused request, 0 where err is
// something else.
func statusOf(err error) int {
	var s api.StatusError
	if errors.As(err, &s) {
		return s.Code
	}
	return 0
}

// outcome says what an attempt has shown of the agent: whether it is there.
func (a *attempt) outcome() outcome {
	switch {
	case a.reached.Load():
		return works
	case a.sent.Load():
		return fails
	default:
		return unclear
	}
}

// serversOutcome says what an attempt has shown of the servers behind the
// agent. Most 5xx replies say that they have no leader or cannot be reached,
// and a reply that breaks off or makes no sense, that something between here
// and there is broken: the next may come to its end. A reply without a leader
// leaves that to the consistent read that follows it.
func (a *attempt) serversOutcome(r reply, err error) outcome {
	switch status := statusOf(err); {
	case err == nil && r.leader == unled:
		return unclear
	case err == nil:
		return works
	case status >= 500:
		return fails
	case status == 0 && a.reached.Load() && !errors.Is(err, errTooMuch):
		return fails
	default:
		return unclear
	}
}

func classOf(status int) watch.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return watch.Denied
	case http.StatusBadRequest:
		return watch.Invalid
	default:
		return watch.Retry
	}
}

// explain returns the error that the query's sink is told.
func (s *Source) explain(q watch.Query, err error, a *attempt) *watch.Error {
	return &watch.Error{
		Query:      q,
		Class:      classOf(statusOf(err)),
		RetryAfter: time.Duration(a.retryAfter.Load()),
		Err:        s.clean(err),
		All:        concernsAll(q, err),
	}
}

// concernsAll tells whether an error of q says that no query has an answer: the
// agent cannot be reached, or it cannot reach the servers of its datacenter.
func concernsAll(q watch.Query, err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	text := err.Error()
	return q.Datacenter == "" && q.Peer == "" && statusOf(err) >= 500 &&
		(strings.Contains(text, "No cluster leader") || strings.Contains(text, "No known Consul servers"))
}

// longest is how much of an error is told, in bytes; what follows is some
// proxy's web page.
const longest = 500

// clean returns err as one line of bounded length in which the token does not
// stand, whatever the other end wrote. It is err itself where that will do.
func (s *Source) clean(err error) error {
	text := err.Error()
	if token := s.client.token; token != "" {
		text = strings.ReplaceAll(text, token, "***")
	}
	if strings.ContainsAny(text, "\r\n") {
		text = strings.Join(strings.Fields(text), " ")
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// longestRetryAfter bounds what a server can ask for.
const longestRetryAfter = 10 * time.Minute

// delay returns how long a query waits after so many failures in a row.
//
// What is denied is tried again like what fails, and so soon at first: a new
// token is unknown to some servers for a moment. What is invalid is tried at
// the slowest pace from the start.
func delay(retry schedule.Backoff, e *watch.Error, row int) time.Duration {
	switch {
	case e.RetryAfter > 0:
		return min(e.RetryAfter, longestRetryAfter) + retry.Delay(1)
	case e.Class == watch.Invalid:
		return slowest(retry)
	default:
		return retry.Delay(row)
	}
}

// slowest returns the wait between attempts of which little is hoped: at
// random, at most Retry.Max and at least half of it.
func slowest(retry schedule.Backoff) time.Duration {
	d := cmp.Or(retry.Max, time.Minute)
	return d - rand.N(d/2+1)
}
