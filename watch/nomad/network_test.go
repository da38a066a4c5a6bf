package nomad

import (
	"context"
	"net"
	"sync"
	"testing"

	"restencil/watch"
	"restencil/watch/consul"
)

// A network is a listener without sockets, for tests in a synctest bubble.
type network struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	dead chan struct{} // closed, and replaced, when the connections become half-open
}

// runInBubble runs a source with the defaults that asks f, in a bubble.
func runInBubble(t *testing.T, f *fakeNomad) (*consul.Source, *network) {
	t.Helper()
	n := &network{accept: make(chan net.Conn), closed: make(chan struct{}), dead: make(chan struct{})}
	o := DefaultOptions()
	o.Address = "http://" + f.server.Listener.Addr().String()
	f.server.Listener.Close()
	f.server.Listener = n
	f.server.Start()
	var err error
	if o.Options, err = o.Filled(); err != nil {
		t.Fatal(err)
	}
	a, err := newClient(o)
	if err != nil {
		t.Fatal(err)
	}
	a.Transport.DialContext = n.dial
	s := consul.NewFor(watch.Nomad, o.Options, a.Client, a.forKind)
	runSource(t, s)
	return s, n
}

// strand makes the connections half-open: they stay, and nothing comes through. New ones
// work.
func (n *network) strand() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.dead)
	n.dead = make(chan struct{})
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.accept <- server:
		return &connection{Conn: client, dead: n.dead, closed: make(chan struct{})}, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accept:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4646} }

// A connection is the client's end of one.
type connection struct {
	net.Conn
	dead   <-chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.dead:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
