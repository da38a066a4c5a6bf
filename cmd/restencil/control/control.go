// Package control carries requests from a command to the running daemon: to accept
// a change that is held, or to roll back to an earlier generation.
//
// The daemon listens on a Unix socket in its state directory, which only its own
// user can open. A connection carries one [Request] and one reply, each a line of
// JSON; then it is closed.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// ErrNoDaemon is the error of Ask where nothing listens.
var ErrNoDaemon = errors.New("no daemon is running")

// Ask sends q to the daemon of a state directory and waits for the reply. The error
// is the daemon's, [ErrNoDaemon], or the cause of ctx's end.
func Ask(ctx context.Context, dir string, q Request) error {
	c, err := dial(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var answer reply
	err = json.NewEncoder(c).Encode(q)
	if err == nil {
		err = receive(c, &answer)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the daemon ended before it answered")
	case err != nil:
		return fmt.Errorf("asking the daemon: %w", err)
	case answer.Error != "":
		return errors.New(answer.Error)
	}
	return nil
}

func dial(ctx context.Context, dir string) (net.Conn, error) {
	path, done, err := reachable(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (there is no %s)", ErrNoDaemon, dir)
	}
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w (nothing listens in %s)", ErrNoDaemon, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("failed reaching the daemon of %s: %w", dir, err)
	}
	return c, nil
}

// The verbs of a Request.
const (
	Accept   = "accept"
	Rollback = "rollback"
)

// A Request asks the daemon to do something.
type Request struct {
	Do         string `json:"do"`
	Bundle     string `json:"bundle"`
	Generation int    `json:"generation,omitempty"` // for Rollback
}

// A reply ends a Request. Error is "" if it was done.
type reply struct {
	Error string `json:"error"`
}

const maxMessage = 64 << 10 // the longest message that is read, in bytes

func receive(r io.Reader, message any) error {
	err := json.NewDecoder(io.LimitReader(r, maxMessage)).Decode(message)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("invalid message: %w", err)
	}
	return nil
}

const (
	socketName = "control.sock" // in the state directory
	maxPath    = 103            // the longest path of a socket that every system allows, in bytes

	// messageTimeout bounds the reading of a request, and the writing of a reply.
	messageTimeout = 10 * time.Second
)

// A Runner handles requests. Its methods return when that is done, fails, or ctx
// ends.
type Runner interface {
	Accept(ctx context.Context, bundle string) error
	Rollback(ctx context.Context, bundle string, generation int) error
}

// A Server is an open socket.
type Server struct {
	path     string
	listener *net.UnixListener
}

// Listen opens the socket in a state directory, which it creates if needed. It
// replaces a socket that a crash left, but not one that a process listens on. Serve
// closes it.
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
	s.listener.SetUnlinkOnClose(false) // path is valid only until done
	if err := os.Chmod(s.path, 0o600); err != nil {
		s.close()
		return nil, fmt.Errorf("failed setting the mode of the control socket %s to 0600: %w", s.path, err)
	}
	return s, nil
}

func (s *Server) close() {
	// Nothing can be done about an error, and Listen replaces what is left.
	_ = s.listener.Close()
	_ = os.Remove(s.path)
}

// Serve handles connections concurrently, with r, until ctx ends. Then it closes the
// socket and returns when the last connection is closed.
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
	// A request is handled even if no deadline can be set.
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
		err = fmt.Errorf("unknown request %q: want accept or rollback", q.Do)
	}
	var answer reply
	if err != nil {
		answer.Error = err.Error()
	}
	_ = c.SetWriteDeadline(time.Now().Add(messageTimeout))
	_ = json.NewEncoder(c).Encode(answer) // the client may be gone
}

// reachable returns a path of the socket that can be listened on and dialled until
// done is called. Linux reaches a path that is too long through a descriptor of the
// directory, so the socket still is in the directory and as safe as that.
func reachable(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("%s is too long for the path of a socket: choose a shorter state directory", dir)
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName), func() { _ = d.Close() }, nil
}
