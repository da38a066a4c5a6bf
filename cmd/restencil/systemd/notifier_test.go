//go:build unix

package systemd

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"restencil/runner/event"
	"restencil/runner/status/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A manager stands in for the service manager.
type manager struct {
	t    *testing.T
	name string // of its socket
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return listen(t, filepath.Join(dir, "notify"))
}

func listen(t *testing.T, name string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t: t, name: name, conn: conn}
}

// notifier returns one that knows of m, with these variables besides, which
// may not warn.
func (m *manager) notifier(environ ...string) *Notifier {
	m.t.Helper()
	environ = append(environ, "NOTIFY_SOCKET="+m.name)
	return newNotifier(m.t, environ, func(err error) { m.t.Error(err) })
}

func newNotifier(t *testing.T, environ []string, warn func(error)) *Notifier {
	model := model.New(time.Now())
	n := New(func(name string) string {
		for _, v := range environ {
			if v, ok := strings.CutPrefix(v, name+"="); ok {
				return v
			}
		}
		return ""
	}, model.Summary, warn)
	t.Cleanup(n.Close)
	return n
}

// want wants this message next.
func (m *manager) want(want string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	if got := string(buf[:n]); err != nil || got != want {
		m.t.Fatalf("message %q (%v), want %q", got, err, want)
	}
}

func TestLife(t *testing.T) {
	loaded, rendered, ready := event.Loaded{}, event.Rendered{}, event.Ready{}
	synctest.Test(t, func(t *testing.T) {
		var messages []string
		summary := ""
		n := &Notifier{
			summary: func() string { return summary },
			deliver: func(message string) error { messages = append(messages, message); return nil },
		}
		event := func(e event.Event, after string) {
			summary = after
			n.Event(e)
		}
		want := func(want ...string) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if !slices.Equal(messages, want) {
				t.Errorf("messages %q, want %q", messages, want)
			}
			messages = nil
		}
		n.Reloading() // before it was ready: for systemd it starts all the while
		n.Reloaded()
		want()
		event(loaded, "no files")
		event(rendered, "a file")
		want("STATUS=a file")
		event(rendered, "all files")
		event(ready, "all files")
		want("READY=1\nSTATUS=all files")
		event(rendered, "all files")
		want() // nothing is new
		n.Reloading()
		event(loaded, "one more")
		n.Reloaded()
		if len(messages) != 2 || !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=\d+$`).MatchString(messages[0]) {
			t.Fatalf("messages %q", messages)
		}
		messages = messages[1:]
		want("READY=1\nSTATUS=one more")
		event(rendered, "all files")
		n.Stopping()
		n.Stopping()
		want("STOPPING=1\nSTATUS=stopping")
		n.Close()
		event(ready, "all files")
		event(rendered, "all files")
		want()
	})
}

// systemd compares the time of a reload with its own clock.
func TestMonotonicTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is on Linux alone")
	}
	uptime, err := os.ReadFile("/proc/uptime") // of a clock that also counts when the machine sleeps
	if err != nil {
		t.Skip(err)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	if got := monotonic().Seconds(); got <= 0 || got > up+60 {
		t.Errorf("monotonic time %v s, and the machine is up for %v s", got, up)
	}
}

func TestWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, test := range []struct {
		environ []string
		want    time.Duration
	}{
		{nil, 0},
		{[]string{"WATCHDOG_USEC=30000000"}, 15 * time.Second},
		{[]string{"WATCHDOG_USEC=30000000", "WATCHDOG_PID=" + own}, 15 * time.Second},
		{[]string{"WATCHDOG_USEC=30000000", "WATCHDOG_PID=1"}, 0},
	} {
		m := newManager(t)
		n := m.notifier(test.environ...)
		if got := n.Heartbeat; got != test.want {
			t.Errorf("%v: heartbeat %v, want %v", test.environ, got, test.want)
		}
		n.Event(event.Alive{})
		m.want("WATCHDOG=1")
	}
}

func TestBadWatchdog(t *testing.T) {
	for _, usec := range []string{"soon", "0", "-1", "9223372036854775807"} {
		m := newManager(t)
		var warnings []error
		n := newNotifier(t, []string{"NOTIFY_SOCKET=" + m.name, "WATCHDOG_USEC=" + usec}, func(err error) { warnings = append(warnings, err) })
		if n.Heartbeat != 0 || len(warnings) != 1 {
			t.Errorf("WATCHDOG_USEC=%s: heartbeat %v, warnings %v", usec, n.Heartbeat, warnings)
		}
	}
}

func TestAbstractName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract names are Linux's")
	}
	m := listen(t, fmt.Sprintf("@restencil-test-%d", os.Getpid()))
	m.notifier().Event(event.Ready{})
	m.want("READY=1\nSTATUS=0 files in step")
}

func TestNobodyAsks(t *testing.T) {
	n := newNotifier(t, []string{"WATCHDOG_USEC=1000000"}, func(err error) { t.Error(err) })
	n.Event(event.Ready{})
	n.Reloading()
	n.Reloaded()
	n.Stopping()
	if n.Heartbeat != 0 {
		t.Errorf("heartbeat %v, want none", n.Heartbeat)
	}
}

// A service manager that is away, or does not read, is warned of once, and
// holds up nothing.
func TestNobodyListens(t *testing.T) {
	deaf := newManager(t)
	for _, socket := range []string{"vsock:2:1", deaf.name + "-nope", deaf.name} {
		var warnings []error
		n := newNotifier(t, []string{"NOTIFY_SOCKET=" + socket}, func(err error) { warnings = append(warnings, err) })
		start := time.Now()
		for len(warnings) == 0 && time.Since(start) < 10*time.Second {
			n.Event(event.Alive{})
		}
		n.Event(event.Alive{})
		if len(warnings) != 1 {
			t.Errorf("%s: warnings %v, want one", socket, warnings)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: it took %v", socket, took)
		}
	}
}
