package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	socketName = "control.sock" // in the state directory
	maxPath    = 103            // the longest path of a socket that every system takes, in bytes

	// messageTimeout is how long a connection may take to say what it wants, and
	// to take the reply.
	messageTimeout = 10 * time.Second
)

// A Runner does what is asked for. Its methods return when that is done or
// cannot be, or ctx ends.
type Runner interface {
	Accept(ctx context.Context, bundle string) error
	Rollback(ctx context.Context, bundle string, generation int) error
}

// A Server is an open socket.
type Server struct {
	path     string
	listener *net.UnixListener
}

// Listen opens the socket in a state directory, which is made where it is
// missing. A socket that was left there is replaced, one that somebody listens
// at is not. Serve closes it.
func Listen(dir string) (*Server, error) {
	s := &Server{path: filepath.Join(dir, socketName)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("failed opening the control socket: %w", err)
	}
	if other, err := dial(context.Background(), dir); err == nil {
		other.Close()
		return nil, fmt.Errorf("another process listens at the control socket %s", s.path)
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed removing the old control socket: %w", err)
	}
	path, done, err := reachable(dir)
	if err != nil {
		return nil, fmt.Errorf("failed opening the control socket: %w", err)
	}
	defer done()
	s.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		return nil, fmt.Errorf("failed opening the control socket %s: %w", s.path, err)
	}
	s.listener.SetUnlinkOnClose(false) // its name may be one that is good for a moment only
	if err := os.Chmod(s.path, 0o600); err != nil {
		s.close()
		return nil, fmt.Errorf("failed keeping others from the control socket: %w", err)
	}
	return s, nil
}

func (s *Server) close() {
	// Nothing can be done about an error, and Listen replaces what is left.
	_ = s.listener.Close()
	_ = os.Remove(s.path)
}

// Serve has r do what connections ask for, until ctx ends; then it closes the
// socket and returns when the last connection is done with. Connections are
// served side by side.
func (s *Server) Serve(ctx context.Context, r Runner) {
	var open sync.WaitGroup
	defer open.Wait()
	open.Go(func() {
		<-ctx.Done()
		s.close()
	})
	for {
		c, err := s.listener.AcceptUnix()
		switch {
		case err == nil:
			open.Go(func() { serve(ctx, c, r) })
		case ctx.Err() != nil:
			return
		default: // too many open files, say
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
}

func serve(ctx context.Context, c *net.UnixConn, r Runner) {
	defer c.Close()
	// A deadline that cannot be set is no reason to refuse.
	_ = c.SetReadDeadline(time.Now().Add(messageTimeout))
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now()) })
	defer stop()
	var q Request
	err := receive(c, &q)
	switch {
	case err != nil:
	case q.Do == Accept:
		err = r.Accept(ctx, q.Bundle)
	case q.Do == Rollback:
		err = r.Rollback(ctx, q.Bundle, q.Generation)
	default:
		err = fmt.Errorf("nobody knows how to %q", q.Do)
	}
	var answer reply
	if err != nil {
		answer.Error = err.Error()
	}
	_ = c.SetWriteDeadline(time.Now().Add(messageTimeout))
	_ = json.NewEncoder(c).Encode(answer) // whoever asked may be gone
}
