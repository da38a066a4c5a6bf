// Package control connects a command with the running daemon, to ask for its status and
// for what a change would change, to accept a change that is held, or to roll back to an
// earlier generation.
//
// The daemon listens on a Unix socket in its state directory, which only its own user can
// open, and serves there what it serves over HTTP (package web).
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// ErrNoDaemon is the error of Ask where nothing listens.
var ErrNoDaemon = errors.New("no daemon is running")

// What a Request can ask for.
const (
	Accept   = "accept"
	Rollback = "rollback"
	Status   = "status"
	Diff     = "diff"
)

// A Request asks the daemon to do something.
type Request struct {
	Do         string
	Bundle     string
	Generation int // for Rollback
}

// maxReply is the longest reply that is read, in bytes.
const maxReply = 256 << 20

// Ask sends q to the daemon of a state directory, waits for the reply, and decodes it
// unless result is nil. The error is the daemon's, [ErrNoDaemon], or the cause of ctx's
// end.
func Ask(ctx context.Context, dir string, q Request, result any) error {
	c, err := dial(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	request := &http.Request{Method: http.MethodGet, Close: true, URL: &url.URL{
		Host: "localhost", Path: "/v1/" + q.Do,
		RawQuery: url.Values{"bundle": {q.Bundle}, "generation": {strconv.Itoa(q.Generation)}}.Encode(),
	}}
	if q.Do == Accept || q.Do == Rollback {
		request.Method = http.MethodPost
	}
	var failed struct{ Error string }
	err = request.Write(c)
	if err == nil {
		var reply *http.Response
		if reply, err = http.ReadResponse(bufio.NewReader(c), request); err == nil {
			if reply.StatusCode != http.StatusOK || result == nil {
				result = &failed
			}
			err = json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(result)
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the daemon ended before it answered")
	case err != nil:
		return fmt.Errorf("asking the daemon: %w", err)
	case failed.Error != "":
		return errors.New(failed.Error)
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

const (
	socketName = "control.sock" // in the state directory
	maxPath    = 103            // the longest path of a socket that every system allows, in bytes
)

// A listener removes its socket when it is closed.
type listener struct {
	*net.UnixListener
	path string
}

func (l listener) Close() error {
	return errors.Join(l.UnixListener.Close(), os.Remove(l.path))
}

// Listen opens the socket in a state directory, which it creates if needed. It
// replaces a socket that a crash left, but not one that a process listens on.
func Listen(dir string) (net.Listener, error) {
	l := listener{path: filepath.Join(dir, socketName)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("failed opening the control socket: %w", err)
	}
	if other, err := dial(context.Background(), dir); err == nil {
		other.Close()
		return nil, fmt.Errorf("another process listens at the control socket %s", l.path)
	}
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed removing the old control socket: %w", err)
	}
	path, done, err := reachable(dir)
	if err != nil {
		return nil, fmt.Errorf("failed opening the control socket: %w", err)
	}
	defer done()
	l.UnixListener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		return nil, fmt.Errorf("failed opening the control socket %s: %w", l.path, err)
	}
	l.SetUnlinkOnClose(false) // path is valid only until done
	if err := os.Chmod(l.path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("failed setting the mode of the control socket %s to 0600: %w", l.path, err)
	}
	return l, nil
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
