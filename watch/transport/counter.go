package transport

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"restencil/watch"
)

// A Counter is a transport that counts its requests and connections.
type Counter struct {
	base                                atomic.Pointer[http.Transport]
	requests, errors, open, connections atomic.Int64
}

// Count returns a Counter of the requests that t makes. It changes t.
func Count(t *http.Transport) *Counter {
	c := new(Counter)
	c.base.Store(t)
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.connections.Add(1)
		return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { c.connections.Add(-1) })}, nil
	}
	return c
}

// RoundTrip implements http.RoundTripper.
func (c *Counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	c.open.Add(1)
	defer c.open.Add(-1)
	resp, err := c.base.Load().RoundTrip(r)
	if err != nil && r.Context().Err() == nil || err == nil && resp.StatusCode >= 400 && resp.StatusCode != http.StatusNotFound {
		c.errors.Add(1)
	}
	return resp, err
}

// CloseIdleConnections closes connections that no request uses.
func (c *Counter) CloseIdleConnections() { c.base.Load().CloseIdleConnections() }

// SetMaxConnsPerHost changes the limit of connections for later requests. A request that is
// under way ends with its connection.
func (c *Counter) SetMaxConnsPerHost(n int) {
	before := c.base.Load()
	if before.MaxConnsPerHost == n {
		return
	}
	next := before.Clone()
	next.MaxConnsPerHost = n
	c.base.Store(next)
	before.CloseIdleConnections()
}

// Counts returns the counts.
func (c *Counter) Counts() watch.Counts {
	return watch.Counts{
		Requests: int(c.requests.Load()), Errors: int(c.errors.Load()),
		Open: int(c.open.Load()), Connections: int(c.connections.Load()),
	}
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
