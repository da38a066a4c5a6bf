// Package pipe stands between a daemon and its agent, and can stop to pass on what they
// send without closing a connection: a half-open connection.
package pipe

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A Pipe passes connections on to an agent, byte for byte, and can stop to do
// so without a word: nothing comes, nothing goes, nothing is closed.
type Pipe struct {
	agent    string
	listener net.Listener
	quit     chan struct{} // closed when the pipe is
	wg       sync.WaitGroup

	mu      sync.Mutex
	flowing chan struct{} // closed while data flows
	conns   map[net.Conn]bool
}

// New returns a pipe to the agent at a host and port. It is closed when the test ends.
func New(t *testing.T, agent string) *Pipe {
	t.Helper()
	return At(t, "127.0.0.1:0", agent)
}

// At returns a pipe that begins at an address.
func At(t *testing.T, addr, agent string) *Pipe {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pipe{
		agent: agent, listener: l, quit: make(chan struct{}),
		flowing: make(chan struct{}), conns: make(map[net.Conn]bool),
	}
	close(p.flowing)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the host and port where the pipe begins.
func (p *Pipe) Addr() string { return p.listener.Addr().String() }

// Stall stops all data, of connections to come as well.
func (p *Pipe) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = make(chan struct{})
}

// Flow lets data flow again.
func (p *Pipe) Flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.flowing)
}

// Strand lets data flow on new connections, while the old ones stay as dead as
// they are.
func (p *Pipe) Strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = make(chan struct{})
	close(p.flowing)
}

// Cut closes all connections, and lets data flow on new ones.
func (p *Pipe) Cut() {
	p.Strand()
	p.hangUp()
}

func (p *Pipe) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *Pipe) close() {
	close(p.quit)
	p.listener.Close()
	p.hangUp()
	p.wg.Wait()
}

func (p *Pipe) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.pass(c) })
	}
}

// pass serves one connection.
func (p *Pipe) pass(from net.Conn) {
	to, err := net.Dial("tcp", p.agent)
	if err != nil {
		from.Close()
		return
	}
	p.keep(from, to)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer p.forget(from, to)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		wg.Go(func() {
			p.move(way[1], way[0])
			done <- struct{}{}
		})
	}
	select {
	case <-done:
	case <-p.quit:
	}
}

func (p *Pipe) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

func (p *Pipe) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(p.conns, c)
	}
}

// move copies one way until one of the ends is closed. What is held back when
// data stops to flow is held back for good, unless it is let flow again.
func (p *Pipe) move(to io.Writer, from io.Reader) {
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		flowing := p.flowing
		p.mu.Unlock()
		select {
		case <-flowing:
		case <-p.quit:
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
