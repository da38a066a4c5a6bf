package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

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

// A Runner does what is asked for. Its methods return when that is done or
// cannot be, or ctx ends.
type Runner interface {
	Accept(ctx context.Context, bundle string) error
	Rollback(ctx context.Context, bundle string, generation int) error
}

// maxMessage bounds what is read of a connection, in bytes.
const maxMessage = 64 << 10

// send writes a message.
func send(w io.Writer, message any) error {
	text, err := json.Marshal(message)
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return err
}

// receive reads a message.
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

// do has r do what is asked for.
func (q Request) do(ctx context.Context, r Runner) error {
	switch q.Do {
	case Accept:
		return r.Accept(ctx, q.Bundle)
	case Rollback:
		return r.Rollback(ctx, q.Bundle, q.Generation)
	}
	return fmt.Errorf("nobody knows how to %q", q.Do)
}
