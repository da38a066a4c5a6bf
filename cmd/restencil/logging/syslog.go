package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// syslogPatience is how long a line waits for a system log that does not
	// read. One that is busy needs a moment.
	syslogPatience = 100 * time.Millisecond

	// syslogPause is how long one that has failed is then left alone.
	syslogPause = 5 * time.Second
)

// A priority is a facility and a severity, as the system log has them.
type priority int

// facility returns the priority of a facility's name with severity 0.
func facility(name string) (priority, error) {
	names := strings.Fields("KERN USER MAIL DAEMON AUTH SYSLOG LPR NEWS UUCP CRON AUTHPRIV FTP" +
		" - - - - LOCAL0 LOCAL1 LOCAL2 LOCAL3 LOCAL4 LOCAL5 LOCAL6 LOCAL7")
	for i, n := range names {
		if n != "-" && strings.EqualFold(n, name) {
			return priority(i << 3), nil
		}
	}
	return 0, fmt.Errorf("invalid syslog facility: %s", name)
}

// severity returns what a level is in the system log (COMPAT 4.15).
func severity(l slog.Level) priority {
	const (
		syslogErr = 3 + iota
		syslogWarning
		syslogNotice
		syslogInfo
	)
	switch {
	case l >= slog.LevelError:
		return syslogErr
	case l >= slog.LevelWarn:
		return syslogWarning
	case l >= slog.LevelInfo:
		return syslogNotice
	case l >= slog.LevelDebug:
		return syslogInfo
	default:
		return syslogNotice
	}
}

// A syslog is a connection to the system log. It may be used concurrently.
type syslog struct {
	facility priority
	name     string
	dial     func() (net.Conn, error)

	mu     sync.Mutex
	conn   net.Conn  // nil: not connected
	resume time.Time // nothing is sent before
	closed bool
}

func dialSyslog(o Syslog) (*syslog, error) {
	fac, err := facility(o.Facility)
	if err != nil {
		return nil, err
	}
	s := &syslog{facility: fac, name: o.Name, dial: func() (net.Conn, error) { return dialSocket(o.Socket) }}
	s.conn, err = s.dial()
	return s, err
}

// send sends a message, which may end in a newline.
func (s *syslog) send(severity priority, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.closed:
		return nil
	case now.Before(s.resume):
		return errors.New("it has failed a moment ago")
	}
	packet := fmt.Appendf(nil, "<%d>%s %s[%d]: %s", s.facility|severity, now.Format(time.Stamp), s.name, os.Getpid(), message)
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
		conn, err := s.dial()
		if err != nil {
			return err
		}
		s.conn = conn
	}
	err := s.conn.SetWriteDeadline(now.Add(syslogPatience))
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

// A syslogHandler sends each line to the system log, with its priority.
type syslogHandler struct {
	slog.Handler // writes lines to shared.line
	shared       *syslogLine
}

// A syslogLine is where the handlers of one system log put a line together.
type syslogLine struct {
	syslog *syslog
	mu     sync.Mutex
	line   bytes.Buffer
}

func newSyslogHandler(s *syslog, o Options) slog.Handler {
	shared := &syslogLine{syslog: s}
	h := syslogHandler{newBareText(&shared.line, o.Level), shared}
	if o.JSON {
		h.Handler = newJSON(&shared.line, o.Level)
	}
	return h
}

func (h syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	h.shared.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	return h.shared.syslog.send(severity(r.Level), h.shared.line.Bytes())
}

func (h syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return syslogHandler{h.Handler.WithAttrs(attrs), h.shared}
}

func (h syslogHandler) WithGroup(name string) slog.Handler {
	return syslogHandler{h.Handler.WithGroup(name), h.shared}
}
