// Package control carries requests from a command to the running daemon: what its
// status is, what a change would change, to accept a change that is held, or to roll
// back to an earlier generation.
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

// Ask sends q to the daemon of a state directory, waits for the reply, and decodes
// its result unless that is nil. The error is the daemon's, [ErrNoDaemon], or the
// cause of ctx's end.
func Ask(ctx context.Context, dir string, q Request, result any) error {
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
		err = receive(c, maxReply, &answer)
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
	case result != nil:
		return json.Unmarshal(answer.Result, result)
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
	Status   = "status"
	Diff     = "diff"
)

// A Request asks the daemon to do something.
type Request struct {
	Do         string `json:"do"`
	Bundle     string `json:"bundle"`
	Generation int    `json:"generation,omitempty"` // for Rollback
}

// A reply ends a Request. Error is "" if it was done.
type reply struct {
	Error  string          `json:"error"`
	Result json.RawMessage `json:"result,omitempty"`
}

// The longest messages that are read, in bytes.
const (
	maxRequest = 64 << 10
	maxReply   = 256 << 20
)

func receive(r io.Reader, most int64, message any) error {
	err := json.NewDecoder(io.LimitReader(r, most)).Decode(message)
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

// A Daemon handles requests. Its methods return when that is done, fails, or ctx
// ends. What they return is encoded as JSON, unless it is a [json.RawMessage].
type Daemon interface {
	Accept(ctx context.Context, bundle string) error
	Rollback(ctx context.Context, bundle string, generation int) error
	Status(ctx context.Context) (any, error)
	Diff(ctx context.Context, bundle string) (any, error)
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

// Serve handles connections concurrently, with d, until ctx ends. Then it closes the
// socket and returns when the last connection is closed.
func (s *Server) Serve(ctx context.Context, d Daemon) {
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
			open.Go(func() { serve(ctx, c, d) })
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

func serve(ctx context.Context, c *net.UnixConn, d Daemon) {
	defer c.Close()
	// A request is handled even if no deadline can be set.
	_ = c.SetReadDeadline(time.Now().Add(messageTimeout))
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now()) })
	defer stop()
	var q Request
	var result any
	err := receive(c, maxRequest, &q)
	if err == nil {
		switch q.Do {
		case Accept:
			err = d.Accept(ctx, q.Bundle)
		case Rollback:
			err = d.Rollback(ctx, q.Bundle, q.Generation)
		case Status:
			result, err = d.Status(ctx)
		case Diff:
			result, err = d.Diff(ctx, q.Bundle)
		default:
			err = fmt.Errorf("unknown request %q: want accept, rollback, status or diff", q.Do)
		}
	}
	text, encoded := result.(json.RawMessage)
	if err == nil && result != nil && !encoded {
		text, err = json.Marshal(result)
	}
	_ = c.SetWriteDeadline(time.Now().Add(messageTimeout))
	// The client may be gone.
	if err != nil || result == nil {
		answer := reply{}
		if err != nil {
			answer.Error = err.Error()
		}
		_ = json.NewEncoder(c).Encode(answer)
		return
	}
	// An Encoder would copy it.
	_, _ = (&net.Buffers{[]byte(`{"error":"","result":`), text, []byte("}\n")}).WriteTo(c)
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
