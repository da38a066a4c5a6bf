//go:build unix

package filewatch

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What has a name and is no regular file is an error, without any wait.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.WriteFile(at("file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "file", "null": os.DevNull, "zero": "/dev/zero"} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ path, content, failure string }{
		{at("file"), "text", ""},
		{at("link"), "text", ""},
		{at("null"), "", ""},
		{os.DevNull, "", ""},
		{at("none"), "", "open " + at("none") + ": no such file or directory"},
		{dir, "", "read " + dir + ": it is a directory, not a regular file"},
		{at("pipe"), "", "read " + at("pipe") + ": it is a named pipe, not a regular file"},
		{at("socket"), "", "read " + at("socket") + ": it is a socket, not a regular file"},
		{at("zero"), "", "read " + at("zero") + ": it is a device, not a regular file"},
	}
	for _, tt := range tests {
		content, err := ReadFile(tt.path)
		failure := ""
		if err != nil {
			failure = err.Error()
		}
		if string(content) != tt.content || failure != tt.failure {
			t.Errorf("%s: content %q, error %q; want %q, %q", tt.path, content, failure, tt.content, tt.failure)
		}
	}
}

// A pipe that takes the place of a file just before it is opened is an error
// too.
func TestReadFileThatBecomesAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	before := func(string) (os.FileInfo, error) { return os.Stat("read.go") }
	if _, err := read(before, os.OpenFile, pipe); err == nil || !strings.Contains(err.Error(), "named pipe") {
		t.Errorf("error %v, want one that names a pipe", err)
	}
}

// Nor is a pipe waited for where the directory should be.
func TestReadFileInAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFileIn(pipe, filepath.Join(pipe, "x")); err == nil {
		t.Error("no error")
	}
}
