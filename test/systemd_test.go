//go:build unix

package test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
)

// A service of Type=notify, from its start to its end, as systemd sees it.
func TestSystemd(t *testing.T) {
	messages := serviceManager(t)
	dir := t.TempDir()
	data, tpl, out := filepath.Join(dir, "data.yaml"), filepath.Join(dir, "t"), filepath.Join(dir, "out")
	writeFile(t, data, "keys: {a: 1}")
	writeFile(t, tpl, `{{ key "a" }} {{ key "b" }}`)
	t.Setenv("WATCHDOG_USEC", "200000")
	d := start(t, "-local", data, "-template", tpl+":"+out)
	messages.want("STATUS=waiting for 1 of 1 template")
	messages.want("WATCHDOG=1")
	if messages.heard("READY=1") {
		t.Error("ready, although nothing was rendered")
	}
	writeFile(t, data, "keys: {a: 1, b: 2}")
	messages.want("READY=1\nSTATUS=1 file in step")
	if _, err := os.Stat(out); err != nil {
		t.Errorf("ready, but %v", err)
	}
	messages.want("WATCHDOG=1")
	messages.want("WATCHDOG=1")
	d.Signal(syscall.SIGHUP)
	messages.want("READY=1\nSTATUS=1 file in step")
	if !messages.heard("RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("nothing was told of the reload, but %q", messages.all)
	}
	d.Stop()
	messages.want("STOPPING=1\nSTATUS=stopping")
}

// A mailbox is what a service manager has been told.
type mailbox struct {
	t    *testing.T
	conn *net.UnixConn
	all  []string
}

// serviceManager has the programs that the test starts tell it how they fare.
func serviceManager(t *testing.T) *mailbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return &mailbox{t: t, conn: conn}
}

// want reads messages until this one comes.
func (m *mailbox) want(want string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(await.Timeout)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := m.conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			m.t.Fatalf("no message %q within %v, but %q", want, await.Timeout, m.all)
		} else if err != nil {
			m.t.Fatal(err)
		}
		m.all = append(m.all, string(buf[:n]))
		if string(buf[:n]) == want {
			return
		}
	}
}

// heard tells whether a message with this text has been read.
func (m *mailbox) heard(text string) bool {
	return strings.Contains(strings.Join(m.all, "\n"), text)
}
