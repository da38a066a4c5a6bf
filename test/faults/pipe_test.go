package faults

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A pipe passes connections on to an agent, byte for byte, and can stop to do
// so without a word: nothing comes, nothing goes, nothing is closed.
type pipe struct {
	agent    string
	listener net.Listener
	quit     chan struct{} // closed when the pipe is
	wg       sync.WaitGroup

	mu      sync.Mutex
	flowing chan struct{} // closed while data flows
	conns   map[net.Conn]bool
}

func newPipe(t *testing.T, agent string) *pipe {
	t.Helper()
	return newPipeAt(t, "127.0.0.1:0", agent)
}

// newPipeAt makes a pipe that begins at an address.
func newPipeAt(t *testing.T, addr, agent string) *pipe {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{
		agent: agent, listener: l, quit: make(chan struct{}),
		flowing: make(chan struct{}), conns: make(map[net.Conn]bool),
	}
	close(p.flowing)
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *pipe) addr() string { return p.listener.Addr().String() }

// stall stops all data, of connections to come as well.
func (p *pipe) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = make(chan struct{})
}

// flow lets data flow again.
func (p *pipe) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.flowing)
}

// strand lets data flow on new connections, while the old ones stay as dead as
// they are.
func (p *pipe) strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = make(chan struct{})
	close(p.flowing)
}

// cut closes all connections, and lets data flow on new ones.
func (p *pipe) cut() {
	p.strand()
	p.hangUp()
}

func (p *pipe) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *pipe) close() {
	close(p.quit)
	p.listener.Close()
	p.hangUp()
	p.wg.Wait()
}

func (p *pipe) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.pass(c) })
	}
}

// pass serves one connection.
func (p *pipe) pass(from net.Conn) {
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

func (p *pipe) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

func (p *pipe) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(p.conns, c)
	}
}

// move copies one way until one of the ends is closed. What is held back when
// data stops to flow is held back for good, unless it is let flow again.
func (p *pipe) move(to io.Writer, from io.Reader) {
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
