package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"restencil/runner/event"
)

const (
	statusDelay = 100 * time.Millisecond // changes of the status within it are sent as one
	sendTimeout = 100 * time.Millisecond // bounds how long a message waits for the service manager to read
)

// A Notifier notifies the service manager. It may be used concurrently.
type Notifier struct {
	// Heartbeat is what runner.Options.Heartbeat must be for the watchdog: half of
	// its timeout, or 0 without a watchdog.
	Heartbeat time.Duration

	summary func() string // the status
	warn    func(error)

	mu       sync.Mutex
	deliver  func(message string) error // nil: there is no service manager
	ready    bool                       // READY=1 was sent
	stopping bool
	failing  bool        // the last message could not be sent
	status   string      // as it was sent last
	pending  *time.Timer // sends the status, nil where it is not due
}

// New returns a Notifier for the service manager that the environment names, if any.
// It calls summary for the status, and warn with the first error of a series. The
// caller closes it.
func New(getenv func(string) string, summary func() string, warn func(error)) *Notifier {
	n := &Notifier{summary: summary, warn: warn}
	socket, usec, pid := getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID")
	if socket != "" {
		n.deliver = func(message string) error { return deliver(socket, message) }
	}
	if socket == "" || usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n
	}
	limit, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || limit <= 0 || limit > int64(time.Duration(1<<63-1)/time.Microsecond) {
		warn(fmt.Errorf("systemd: WATCHDOG_USEC=%s is not a number of microseconds, so there is no watchdog", usec))
		return n
	}
	n.Heartbeat = time.Duration(limit) * time.Microsecond / 2
	return n
}

// Event handles an event of the runner, which the summary has already taken in.
func (n *Notifier) Event(e event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.deliver == nil {
		return
	}
	switch e.(type) {
	case event.Ready:
		n.sendReady()
	case event.Alive:
		n.send("WATCHDOG=1")
	default:
		if n.pending == nil {
			n.pending = time.AfterFunc(statusDelay, func() {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.pending = nil
				if !n.stopping && n.summary() != n.status {
					n.send(n.statusLine())
				}
			})
		}
	}
}

// Reloading reports that the configuration is being read again. Reloaded must
// follow, even if that fails.
func (n *Notifier) Reloading() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
	}
}

// Reloaded reports that the program goes on, with the new configuration or the old.
func (n *Notifier) Reloaded() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.sendReady()
	}
}

// Stopping reports that the program is about to end. Later calls do nothing.
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

func (n *Notifier) sendReady() {
	n.ready = true
	n.send("READY=1\n" + n.statusLine())
}

func (n *Notifier) statusLine() string {
	n.status = n.summary()
	return "STATUS=" + n.status
}

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
