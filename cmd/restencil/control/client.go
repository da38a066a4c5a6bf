// Package control is how one process asks the running one for something that a
// person wants: to accept a change that is held back, or to go back to an
// earlier generation.
//
// The running process listens at a Unix socket in its state directory, which
// only its own user can open. A connection carries one [Request], a line of
// JSON, and one reply, the same; then it is closed.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
)

// ErrNoDaemon is why Ask fails where nothing listens.
var ErrNoDaemon = errors.New("no daemon is running")

// Ask has the process that owns the state directory do q, and returns when it
// is done. The error is the owner's where it cannot be done, [ErrNoDaemon] where
// nobody is there, and the cause of ctx's end.
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

// A Request is what is asked for.
type Request struct {
	Do         string `json:"do"`
	Bundle     string `json:"bundle"`
	Generation int    `json:"generation,omitempty"` // for Rollback
}

// A reply says what came of a Request; Error is "" where it was done.
type reply struct {
	Error string `json:"error"`
}

const maxMessage = 64 << 10 // bounds what is read of a connection, in bytes

func receive(r io.Reader, message any) error {
	err := json.NewDecoder(io.LimitReader(r, maxMessage)).Decode(message)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("not understood: %w", err)
	}
	return nil
}
