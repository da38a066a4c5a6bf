package service

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"restencil/renderer/atomicfile"
)

// writePid writes the process id to a file; with an empty path it does nothing. The
// function that it returns removes the file, unless another process has written it
// since.
func (s *service) writePid(path string) (remove func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	pid := []byte(strconv.Itoa(os.Getpid()))
	f, err := atomicfile.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fmt.Errorf("could not open pid file: %w", err)
	}
	_, err = f.Write(pid)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("could not write pid file: %w", err)
	}
	return func() {
		if found, err := atomicfile.ReadFile(path); err == nil && !bytes.Equal(found, pid) {
			return
		}
		if err := os.Remove(path); err != nil {
			s.warn("cli", fmt.Errorf("could not remove pid file: %w", err))
		}
	}, nil
}
