package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
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

// A syslog is a connection to the system log.
type syslog struct {
	facility int
	name     string
	sockets  []string  // the paths to try
	conn     net.Conn  // nil: not connected
	resume   time.Time // nothing is sent before
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

// write sends a line, which may end in a newline, with its severity (COMPAT 4.15).
func (s *syslog) write(level slog.Level, line []byte) error {
	severity := 5 // notice
	switch {
	case level >= slog.LevelError:
		severity = 3 // error
	case level >= slog.LevelWarn:
		severity = 4 // warning
	case level < slog.LevelInfo && level >= slog.LevelDebug:
		severity = 6 // informational
	}
	now := time.Now()
	if now.Before(s.resume) {
		return errors.New("it has failed a moment ago")
	}
	packet := fmt.Appendf(nil, "<%d>%s %s[%d]: %s", s.facility<<3|severity, now.Format(time.Stamp), s.name, os.Getpid(), line)
	err := s.send(packet, now)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = s.send(packet, now) // it may have been restarted
	}
	if err != nil {
		s.resume = time.Now().Add(syslogPause)
	}
	return err
}

// send sends a packet, and connects first if needed. After an error it is not
// connected.
func (s *syslog) send(packet []byte, now time.Time) error {
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

// Close implements io.Closer.
func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
