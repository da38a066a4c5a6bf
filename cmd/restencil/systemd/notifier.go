package systemd

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"restencil/runner/event"
	"restencil/runner/status"
)

// statusDelay is how long changes of the status are gathered.
const statusDelay = 100 * time.Millisecond

// A Notifier tells the service manager. It may be used concurrently.
type Notifier struct {
	heartbeat time.Duration
	warn      func(error)

	mu       sync.Mutex
	deliver  func(message string) error // nil: nobody asks for any
	ready    bool                       // READY=1 was sent
	stopping bool
	failing  bool // the last message could not be sent
	summary  status.Summary
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
	n.deliver = func(message string) error { return send(socket, message) }
	timeout, err := watchdog(getenv)
	if err != nil {
		warn(err)
	}
	n.heartbeat = timeout / 2
	return n
}

// watchdog returns how long the service manager waits for a sign of life, 0:
// it does not, or not for this process.
func watchdog(getenv func(string) string) (time.Duration, error) {
	usec, pid := getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID")
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(time.Duration(1<<63-1)/time.Microsecond) {
		return 0, fmt.Errorf("systemd: WATCHDOG_USEC=%s is not a number of microseconds, so there is no watchdog", usec)
	}
	return time.Duration(n) * time.Microsecond, nil
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
		n.statusSoon()
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

// statusSoon sends the status in a moment, if it has changed by then.
func (n *Notifier) statusSoon() {
	if n.pending == nil {
		n.pending = time.AfterFunc(statusDelay, n.sendStatus)
	}
}

func (n *Notifier) sendStatus() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending = nil
	if n.stopping || n.summary.String() == n.status {
		return
	}
	n.send(n.statusLine())
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
		n.warn(fmt.Errorf("systemd: telling the service manager: %w", err))
	}
	n.failing = err != nil
}
