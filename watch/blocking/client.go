// Package blocking asks an agent of Consul or Nomad over HTTP. A request may wait for
// an index newer than that of the last reply: a blocking query. The package ends requests
// that make no progress, bounds the size of replies, and records what each [Attempt]
// shows of the agent.
package blocking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// UsualConnections is what MaxConnections zero stands for.
const UsualConnections = 128

// LeastConnections is the least MaxConnections.
const LeastConnections = 4

// A Client sends requests to one agent.
type Client struct {
	HTTP      *http.Client
	Transport *http.Transport    // of HTTP, at first
	Counter   *transport.Counter // of the requests

	Base   url.URL           // scheme, host, and the path that stands before that of each request
	Header http.Header       // of each request
	Params map[string]string // of each request that does not set them; "" is left out
	Token  string            // is among Header; it must not be shown

	Datacenter, Namespace string // names of the parameters for Request.Datacenter and Namespace
}

// New returns a Client that sends its requests over connections, and logs them unless
// log is nil.
func New(base url.URL, connections *http.Transport, log *slog.Logger) *Client {
	counter := transport.Count(connections)
	return &Client{
		HTTP:      &http.Client{Transport: transport.Traced(counter, log), CheckRedirect: checkRedirect},
		Transport: connections, Counter: counter,
		Base: base, Header: make(http.Header),
	}
}

// Authorize has each request carry a token, in the header of that name, and a user and
// password, but for what is empty.
func (c *Client) Authorize(header, token, user, password string) {
	c.Token = token
	if token != "" {
		c.Header.Set(header, token)
	}
	if user != "" || password != "" {
		(&http.Request{Header: c.Header}).SetBasicAuth(user, password)
	}
}

// A Request is a request for a query: its scope, and what else goes with each path. A zero
// field is left out.
type Request struct {
	watch.Query

	Expression        string        // which the agent filters by
	AllowStale        bool          // any server may answer, not only the leader
	RequireConsistent bool          // the leader asks the other servers whether it is that
	WaitIndex         uint64        // the agent waits for something newer
	WaitTime          time.Duration // so long at most
	Attempt           *Attempt      // nil: a reply begins within Silence after the wait
}

// params returns the parameters of a request; those of the caller come first.
func (c *Client) params(own url.Values, q *Request) url.Values {
	p := make(url.Values)
	set := func(name, value string) {
		if value != "" {
			p[name] = []string{value}
		}
	}
	for name, value := range c.Params {
		set(name, value)
	}
	set(c.Datacenter, q.Datacenter)
	set(c.Namespace, q.Namespace)
	set("partition", q.Partition)
	set("peer", q.Peer)
	set("sameness-group", q.SamenessGroup)
	set("near", q.Near)
	set("filter", q.Expression)
	if q.AllowStale {
		p["stale"] = []string{""}
	}
	if q.RequireConsistent {
		p["consistent"] = []string{""}
	}
	if q.WaitIndex > 0 {
		set("index", strconv.FormatUint(q.WaitIndex, 10))
	}
	if q.WaitTime > 0 {
		set("wait", strconv.FormatInt(max(1, q.WaitTime.Milliseconds()), 10)+"ms")
	}
	maps.Copy(p, own)
	return p
}

// A Func puts a query to the agent once and returns the reply, with data as
// templates see it. It may cache parts of replies, and is for one query, and one
// call at a time.
type Func func(context.Context, Request) (Reply, error)

// A Kind says how one kind of query is put to the agent.
type Kind struct {
	Fetch  Func
	Polled bool // the endpoint cannot block
}

// A Reply is the agent's reply to a query.
type Reply struct {
	Data     any
	Index    uint64        // to wait on; 0 where there is none
	Contact  time.Duration // since the server that answered heard from its leader
	Filtered bool          // something was left out that the token may not read
	Leader   Leadership

	// Instances are those of a service in any state, where they are asked for.
	Instances []*watch.HealthService
}

// ErrIncomplete reports a reply that is JSON, but lacks what was asked for.
var ErrIncomplete = errors.New("the reply is incomplete")

// A StatusError is the error of a reply whose status is not 200.
type StatusError struct {
	Code       int
	Body       string
	RetryAfter time.Duration // of a 429 or 503; 0 where there is none
}

// Error implements error.
func (e StatusError) Error() string {
	return fmt.Sprintf("Unexpected response code: %d (%s)", e.Code, e.Body)
}

// Status returns the HTTP status that err reports, 0 if it reports none.
func Status(err error) int {
	s, _ := errors.AsType[StatusError](err)
	return s.Code
}

// RetryAfter returns how long to wait, as the reply that err reports says, or 0.
func RetryAfter(err error) time.Duration {
	s, _ := errors.AsType[StatusError](err)
	return s.RetryAfter
}

// JSON returns a function that decodes the JSON value at the beginning of a body into to.
func JSON(to any) func(io.Reader) error {
	return func(body io.Reader) error { return json.NewDecoder(body).Decode(to) }
}

// Get asks for path, and has decode read the body of the reply if its status is 200. An
// error of a reply comes with its index.
func (c *Client) Get(ctx context.Context, path string, params url.Values, q Request, decode func(body io.Reader) error) (r Reply, err error) {
	if q.Attempt == nil {
		q.Attempt = &Attempt{Answer: Silence + q.WaitTime + q.WaitTime/16}
	}
	ctx = transport.Private(ctx, q.Private) // the URL may hold a secret
	resp, err := c.Do(ctx, http.MethodGet, path, c.params(params, &q), nil, q.Attempt)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	h := resp.Header
	r.Index, _ = strconv.ParseUint(cmp.Or(h.Get("X-Consul-Index"), h.Get("X-Nomad-Index")), 10, 64)
	contact, _ := strconv.ParseInt(cmp.Or(h.Get("X-Consul-Lastcontact"), h.Get("X-Nomad-Lastcontact")), 10, 64)
	r.Contact = time.Duration(contact) * time.Millisecond
	r.Leader = leadership(h)
	r.Filtered = h.Get("X-Consul-Results-Filtered-By-Acls") == "true"
	return r, read(resp, decode)
}

// Write sends body by a method such as PUT, and returns the beginning of the reply.
func (c *Client) Write(ctx context.Context, method, path string, params url.Values, body string) (text string, err error) {
	resp, err := c.Do(ctx, method, path, c.params(params, &Request{}), strings.NewReader(body), &Attempt{Answer: Silence})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	err = read(resp, func(body io.Reader) (err error) {
		text, err = readMessage(body)
		return err
	})
	return text, err
}

// Do sends a request and returns the reply, whose body the caller closes.
func (c *Client) Do(ctx context.Context, method, path string, params url.Values, body io.Reader, a *Attempt) (*http.Response, error) {
	d := &watchdog{}
	d.ctx, d.cancel = context.WithCancelCause(ctx)
	traced := httptrace.WithClientTrace(d.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { d.allow(a.Answer, ErrNoAnswer) },
	})
	r, err := http.NewRequestWithContext(traced, method, "", body)
	if err != nil {
		d.end()
		return nil, err
	}
	at := c.Base
	at.Path += path
	at.RawQuery = params.Encode()
	r.URL, r.Host, r.Header = &at, at.Host, c.Header.Clone()
	d.allow(a.Connect, errNoConnection)
	resp, err := c.HTTP.Do(r)
	if err != nil {
		err = d.explain(err)
		d.end()
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, transport.Explain(&at, err)
	}
	a.Reached.Store(true)
	a.HTTP1.Store(resp.ProtoMajor == 1)
	resp.Body = &watchedBody{ReadCloser: resp.Body, d: d, a: a}
	return resp, nil
}

// checkRedirect is for [http.Client]: it withholds the token and the password from other hosts and from
// another scheme: a redirect from https to http would show them.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if first := via[0].URL; next.URL.Hostname() != first.Hostname() || next.URL.Scheme != first.Scheme {
		for _, name := range []string{"X-Consul-Token", "X-Nomad-Token", "Authorization"} {
			next.Header.Del(name)
		}
	}
	return nil
}

// read has decode read the body if the status is 200, and reads what is left of it, so
// that the connection is used again.
func read(resp *http.Response, decode func(io.Reader) error) error {
	if resp.StatusCode != http.StatusOK {
		text, err := readMessage(resp.Body)
		if err != nil {
			return err
		}
		e := StatusError{Code: resp.StatusCode, Body: text}
		if e.Code == http.StatusTooManyRequests || e.Code == http.StatusServiceUnavailable {
			e.RetryAfter = schedule.RetryAfter(resp.Header, time.Now())
		}
		return e
	}
	if err := decode(resp.Body); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, resp.Body)
	return err
}

func readMessage(body io.Reader) (string, error) {
	const most = 2 << 10 // bytes; the rest is some proxy's web page
	text, err := io.ReadAll(io.LimitReader(body, most))
	return strings.TrimSpace(string(text)), err
}

// Clean returns the cause of err as one line of bounded length without the URL and
// the token.
func (c *Client) Clean(err error) error {
	err = transport.Cause(err)
	if text := transport.Line(err.Error(), c.Token); text != err.Error() {
		return errors.New(text)
	}
	return err
}
