package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strconv"
)

// writePid writes the process id to a file, where a path is given. The
// function that it returns removes the file, unless it is another process's by
// then.
func writePid(path string, log *slog.Logger) (remove func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	pid := []byte(strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(path, pid, 0o666); err != nil {
		return nil, fmt.Errorf("could not open pid file: %w", err)
	}
	return func() {
		if found, err := os.ReadFile(path); err == nil && !bytes.Equal(found, pid) {
			return
		}
		if err := os.Remove(path); err != nil {
			log.Warn(fmt.Sprintf("could not remove pid file: %v", err), "component", "cli")
		}
	}, nil
}
