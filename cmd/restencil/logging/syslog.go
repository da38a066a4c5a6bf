package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// syslogTimeout is how long a line waits for a system log that does not
	// read. One that is busy needs a moment.
	syslogTimeout = 100 * time.Millisecond

	// syslogPause is how long one that has failed is then left alone.
	syslogPause = 5 * time.Second
)

// facilities are those of the system log, by their numbers.
const facilities = "KERN USER MAIL DAEMON AUTH SYSLOG LPR NEWS UUCP CRON AUTHPRIV FTP" +
	" - - - - LOCAL0 LOCAL1 LOCAL2 LOCAL3 LOCAL4 LOCAL5 LOCAL6 LOCAL7"

// A syslog is a connection to the system log. It may be used concurrently.
type syslog struct {
	facility int
	name     string
	sockets  []string // one of them is its

	mu     sync.Mutex
	line   bytes.Buffer // that a handler has written
	conn   net.Conn     // nil: not connected
	resume time.Time    // nothing is sent before
	closed bool
}

func dialSyslog(o Syslog) (*syslog, error) {
	s := &syslog{name: o.Name, sockets: []string{"/dev/log", "/var/run/syslog", "/var/run/log"}}
	if o.Socket != "" {
		s.sockets = []string{o.Socket}
	}
	s.facility = slices.Index(strings.Fields(facilities), strings.ToUpper(o.Facility))
	if s.facility < 0 || o.Facility == "-" {
		return nil, fmt.Errorf("invalid syslog facility: %s", o.Facility)
	}
	return s, s.dial()
}

func (s *syslog) dial() error {
	for _, socket := range s.sockets {
		for _, network := range []string{"unixgram", "unix"} {
			if conn, err := net.Dial(network, socket); err == nil {
				s.conn = conn
				return nil
			}
		}
	}
	return fmt.Errorf("nothing listens at %s: Unix syslog delivery error", strings.Join(s.sockets, ", "))
}

// send sends what is in line, which may end in a newline. Called with mu held.
func (s *syslog) send(severity int) error {
	now := time.Now()
	switch {
	case s.closed:
		return nil
	case now.Before(s.resume):
		return errors.New("it has failed a moment ago")
	}
	packet := fmt.Appendf(nil, "<%d>%s %s[%d]: %s", s.facility<<3|severity, now.Format(time.Stamp), s.name, os.Getpid(), s.line.Bytes())
	err := s.write(packet, now)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = s.write(packet, now) // it was restarted, perhaps
	}
	if err != nil {
		s.resume = time.Now().Add(syslogPause)
	}
	return err
}

// write writes a packet, connecting first where that is needed. After an
// error it is not connected.
func (s *syslog) write(packet []byte, now time.Time) error {
	if s.conn == nil {
		if err := s.dial(); err != nil {
			return err
		}
	}
	err := s.conn.SetWriteDeadline(now.Add(syslogTimeout))
	if err == nil {
		_, err = s.conn.Write(packet)
	}
	if err != nil {
		_ = s.conn.Close() // the error that counts is err
		s.conn = nil
	}
	return err
}

// Close ends the connection; messages that come later are dropped.
func (s *syslog) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// A syslogHandler sends each line to the system log, with its severity
// (COMPAT 4.15).
type syslogHandler struct {
	slog.Handler // writes a line to syslog.line
	syslog       *syslog
}

func (h syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	s := h.syslog
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	switch l := r.Level; {
	case l >= slog.LevelError:
		return s.send(3) // error
	case l >= slog.LevelWarn:
		return s.send(4) // warning
	case l < slog.LevelInfo && l >= slog.LevelDebug:
		return s.send(6) // informational
	default:
		return s.send(5) // notice
	}
}

func (h syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return syslogHandler{h.Handler.WithAttrs(attrs), h.syslog}
}

func (h syslogHandler) WithGroup(name string) slog.Handler {
	return syslogHandler{h.Handler.WithGroup(name), h.syslog}
}
