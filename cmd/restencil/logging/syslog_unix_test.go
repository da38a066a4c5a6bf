//go:build unix

package logging

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A systemLog stands in for the one of the machine.
type systemLog struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func newSystemLog(t *testing.T) *systemLog {
	t.Helper()
	dir, err := os.MkdirTemp("", "log") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &systemLog{t: t, path: filepath.Join(dir, "log")}
	s.start()
	t.Cleanup(func() { s.conn.Close() })
	return s
}

func (s *systemLog) start() {
	s.t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.conn = conn
}

func (s *systemLog) stop() {
	s.t.Helper()
	if err := s.conn.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
}

// want wants this message next; stamp stands for a time and pid for a process
// id.
func (s *systemLog) want(want string) {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := s.conn.Read(buf)
	if err != nil {
		s.t.Fatalf("no message, want %q: %v", want, err)
	}
	pattern := regexp.QuoteMeta(want)
	pattern = strings.ReplaceAll(pattern, "stamp", `[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`)
	pattern = strings.ReplaceAll(pattern, "pid", fmt.Sprint(os.Getpid()))
	if !regexp.MustCompile("^" + pattern + "$").Match(buf[:n]) {
		s.t.Errorf("message %q, want %q", buf[:n], want)
	}
}

// The priorities are those of COMPAT 4.15, where LOCAL0 is 16 and a priority
// eight times the facility and the severity.
func TestSyslog(t *testing.T) {
	s := newSystemLog(t)
	l := open(t, Options{Level: "TRACE", Syslog: Syslog{Enabled: true, Facility: "local0", Name: "me", Socket: s.path}})
	l.With("component", "runner").Error("no", "k", "v")
	s.want("<131>stamp me[pid]: (runner) no\n")
	l.Warn("hm")
	s.want("<132>stamp me[pid]: hm\n")
	l.Info("yes")
	s.want("<133>stamp me[pid]: yes\n")
	l.WithGroup("g").Debug("so", "k", "v")
	s.want("<134>stamp me[pid]: so\n")
	l.Log(t.Context(), LevelTrace, "and so on")
	s.want("<133>stamp me[pid]: and so on\n")
}

func TestSyslogJSON(t *testing.T) {
	s := newSystemLog(t)
	l := open(t, Options{Format: "json", Syslog: Syslog{Enabled: true, Facility: "DAEMON", Name: "me", Socket: s.path}})
	l.Handler().WithAttrs(nil) // shares the line with l
	r := slog.NewRecord(time.Time{}, slog.LevelWarn, "hm", 0)
	if err := l.Handler().Handle(t.Context(), r); err != nil {
		t.Error(err)
	}
	s.want(`<28>stamp me[pid]: {"level":"WARN","msg":"hm"}` + "\n")
}

// Both together crash consul-template (COMPAT Q16).
func TestSyslogAndFile(t *testing.T) {
	s := newSystemLog(t)
	dir := t.TempDir()
	l := open(t, Options{
		File:   File{Path: dir + "/"},
		Syslog: Syslog{Enabled: true, Facility: "LOCAL7", Name: "me", Socket: s.path},
	})
	l.Warn("hm")
	s.want("<188>stamp me[pid]: hm\n")
	if got := files(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], "[WARN] hm\n") {
		t.Errorf("files hold %q", got)
	}
}

func TestSyslogErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ facility, want string }{
		{"BOGUS", "invalid syslog facility: BOGUS"},
		{"-", "invalid syslog facility: -"},
		{"USER", "Unix syslog delivery error"},
	} {
		_, err := Open(Options{
			File:   File{Path: dir + "/app.log"},
			Syslog: Syslog{Enabled: true, Facility: test.facility, Socket: dir + "/nobody"},
		})
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("facility %s: error %v, want %q", test.facility, err, test.want)
		}
	}
}

func TestSyslogThatRestarts(t *testing.T) {
	var out logged
	s := newSystemLog(t)
	l := open(t, Options{Stderr: &out, Syslog: Syslog{Enabled: true, Facility: "USER", Name: "me", Socket: s.path}})
	l.Warn("one")
	s.want("<12>stamp me[pid]: one\n")
	s.stop()
	s.start()
	l.Warn("two")
	s.want("<12>stamp me[pid]: two\n")
	out.want(t, "[WARN] one\n[WARN] two\n")
}

// A system log that does not read costs lines, and a moment.
func TestSyslogThatHangs(t *testing.T) {
	var out strings.Builder
	s := newSystemLog(t)
	l := open(t, Options{Stderr: &out, Syslog: Syslog{Enabled: true, Facility: "USER", Name: "me", Socket: s.path}})
	const lines = 1000
	start := time.Now()
	for range lines {
		l.Warn(strings.Repeat("x", 1000))
	}
	if took := time.Since(start); took > lines*syslogTimeout/2 { // if most lines waited
		t.Errorf("%d lines took %v", lines, took)
	}
	if n := strings.Count(out.String(), "the system log may lack lines"); n != 1 {
		t.Errorf("it was told %d times, want once", n)
	}
}
