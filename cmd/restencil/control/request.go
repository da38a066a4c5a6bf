// Package control is how one process asks the running one for something that a
// person wants: to accept a change that is held back, or to go back to an
// earlier generation.
//
// The running process listens at a Unix socket in its state directory, which
// only its own user can open. A connection carries one [Request], a line of
// JSON, and one reply, the same; then it is closed.
package control

import (
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

// maxMessage bounds what is read of a connection, in bytes.
const maxMessage = 64 << 10

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
