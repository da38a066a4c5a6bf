// Package systemd tells the service manager how the program fares, in the
// protocol of sd_notify(3): that it is ready, reloads or stops, what it is
// about in a few words, and that it is alive (WatchdogSec=). What is told comes
// from the runner's events.
//
// Where no service manager asks for that, nothing is sent. Nothing here waits
// for long, or ends the program: what cannot be sent is a warning.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"restencil/runner/event"
	"restencil/runner/status/eventlog"
)

const (
	statusDelay = 100 * time.Millisecond // how long changes of the status are gathered
	sendTimeout = 100 * time.Millisecond // how long a service manager that does not read is waited for
)

// A Notifier tells the service manager. It may be used concurrently.
type Notifier struct {
	heartbeat time.Duration
	warn      func(error)

	mu       sync.Mutex
	deliver  func(message string) error // nil: nobody asks for any
	ready    bool                       // READY=1 was sent
	stopping bool
	failing  bool // the last message could not be sent
	summary  eventlog.Summary
	status   string      // as it was sent last
	pending  *time.Timer // sends the status, nil where it is not due
}

// New returns a Notifier for the service manager that the environment tells
// of, if any. It calls warn with what goes wrong, once for each time that it
// begins to. The caller closes it.
func New(getenv func(string) string, warn func(error)) *Notifier {
	n := &Notifier{warn: warn}
	socket := getenv("NOTIFY_SOCKET")
	if socket == "" {
		return n
	}
	n.deliver = func(message string) error { return deliver(socket, message) }
	usec, pid := getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID")
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n
	}
	limit, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || limit <= 0 || limit > int64(time.Duration(1<<63-1)/time.Microsecond) {
		warn(fmt.Errorf("systemd: WATCHDOG_USEC=%s is not a number of microseconds, so there is no watchdog", usec))
		return n
	}
	n.heartbeat = time.Duration(limit) * time.Microsecond / 2
	return n
}

// Heartbeat is what runner.Options.Heartbeat must be for the watchdog: half of
// the time after which it acts. Zero where there is none.
func (n *Notifier) Heartbeat() time.Duration { return n.heartbeat }

// Event takes in an event of the runner. It is for runner.Options.Events.
func (n *Notifier) Event(e event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.deliver == nil {
		return
	}
	n.summary.Event(e)
	switch e.(type) {
	case event.Ready:
		n.ready = true
		n.send("READY=1\n" + n.statusLine())
	case event.Alive:
		n.send("WATCHDOG=1")
	default:
		if n.pending == nil {
			n.pending = time.AfterFunc(statusDelay, func() {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.pending = nil
				if !n.stopping && n.summary.String() != n.status {
					n.send(n.statusLine())
				}
			})
		}
	}
}

// Reloading tells that the configuration is being read again. Reloaded must
// follow, whatever becomes of that.
func (n *Notifier) Reloading() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
	}
}

// Reloaded tells that the program goes on, with the new configuration or the
// old one.
func (n *Notifier) Reloaded() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.send("READY=1\n" + n.statusLine())
	}
}

// Stopping tells that the program is about to end. Of several calls the first
// counts.
func (n *Notifier) Stopping() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.stopping {
		n.stopping = true
		n.send("STOPPING=1\nSTATUS=stopping")
	}
}

// Close ends the Notifier. Nothing is sent from then on.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliver = nil
	if n.pending != nil {
		n.pending.Stop()
		n.pending = nil
	}
}

func (n *Notifier) statusLine() string {
	n.status = n.summary.String()
	return "STATUS=" + n.status
}

// send sends a message where somebody asked for it.
func (n *Notifier) send(message string) {
	if n.deliver == nil {
		return
	}
	err := n.deliver(message)
	if err != nil && !n.failing {
		n.warn(fmt.Errorf("systemd: notifying the service manager: %w", err))
	}
	n.failing = err != nil
}

// deliver sends a datagram to a socket: a path, or an abstract name after "@".
func deliver(socket, message string) error {
	if socket[0] != '/' && socket[0] != '@' {
		return fmt.Errorf("NOTIFY_SOCKET=%s is neither a path nor an abstract name", socket)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
