package servers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A PostgresServer is a real PostgreSQL with a cluster of its own, which asks
// everybody for a password. It syncs nothing to disk.
type PostgresServer struct {
	t        testing.TB
	dir      string
	password string
	port     int
	process  *process
}

// Postgres starts a PostgreSQL server and returns when it serves. It ends with
// the test. As root it runs as the system's user postgres. Without PostgreSQL
// on the system the test is skipped.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	for _, program := range []string{"initdb", "postgres", "psql"} {
		installed(t, program)
	}
	p := &PostgresServer{t: t, password: rand.Text()}
	t.Cleanup(p.end)
	if err := p.create(); err != nil {
		t.Fatal(err)
	}
	if err := p.startFirst(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Addr returns the host and port that the server listens on.
func (p *PostgresServer) Addr() string { return loopback(p.port) }

// User returns the name of the superuser, and of a database.
func (p *PostgresServer) User() string { return "postgres" }

// Password returns the superuser's password.
func (p *PostgresServer) Password() string { return p.password }

// DSN returns how programs are told to connect to a database as a user.
func (p *PostgresServer) DSN(user, password, database string) string {
	dsn := url.URL{
		Scheme: "postgresql", User: url.UserPassword(user, password), Host: p.Addr(),
		Path: database, RawQuery: "sslmode=disable",
	}
	return dsn.String()
}

// SQL runs statements as the superuser and returns the rows that they give, one
// a line, with the columns apart by "|".
func (p *PostgresServer) SQL(statements string) string {
	p.t.Helper()
	out, err := p.Try(p.User(), p.password, statements)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// Try is SQL as any user, and returns what goes wrong.
func (p *PostgresServer) Try(user, password, statements string) (string, error) {
	p.t.Helper()
	cmd := exec.Command(installed(p.t, "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statements, p.DSN(user, "", "postgres"))
	cmd.Env = []string{"PGPASSWORD=" + password, "PGCONNECT_TIMEOUT=10"}
	var errText strings.Builder
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("SQL as %s: %w: %s", user, err, strings.TrimSpace(errText.String()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Kill ends the server at once (SIGQUIT), as a crash would: all sessions break.
func (p *PostgresServer) Kill() {
	p.t.Helper()
	if err := p.process.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		p.t.Fatal("killing PostgreSQL:", err)
	}
	<-p.process.done
}

// Start starts a server again that was killed, on the same port and with the
// same data.
func (p *PostgresServer) Start() {
	p.t.Helper()
	if err := p.start(); err != nil {
		p.t.Fatal(err)
	}
}

// create makes the cluster. Its directory is not the test's own, which is for
// the eyes of the test's user alone, where the server may have to be another.
func (p *PostgresServer) create() error {
	var err error
	if p.dir, err = databaseDir(); err != nil {
		return err
	}
	secret := filepath.Join(p.dir, "password")
	if err := os.WriteFile(secret, []byte(p.password), 0o600); err != nil {
		return err
	}
	if err := giveToServer(p.dir, secret); err != nil {
		return err
	}
	cmd := p.command("initdb", "-D", p.data(), "-U", p.User(), "--pwfile="+secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a PostgreSQL cluster: %w\n%s", err, out)
	}
	return nil
}

func (p *PostgresServer) data() string { return filepath.Join(p.dir, "data") }

// command returns a command that runs as the server's user, and knows nothing
// of the environment's PG variables. PostgreSQL shuts down at once on SIGQUIT;
// a killed one would leave shared memory behind.
func (p *PostgresServer) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(installed(p.t, program), args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = asServer(ownGroup(syscall.SIGQUIT))
	return cmd
}

// startFirst starts the server, and again on another port where one was taken.
func (p *PostgresServer) startFirst() error {
	const attempts = 3
	var err error
	for range attempts {
		p.port = Ports(p.t, 1)[0]
		if err = p.start(); err == nil || !portTaken(err) {
			return err
		}
	}
	return err
}

func (p *PostgresServer) start() error {
	args := []string{"-D", p.data(), "-h", "127.0.0.1", "-p", fmt.Sprint(p.port)}
	for _, setting := range []string{
		"unix_socket_directories=", "fsync=off", "full_page_writes=off",
		"max_connections=50", "shared_buffers=16MB", "log_min_messages=warning",
	} {
		args = append(args, "-c", setting)
	}
	process, err := startProcess(p.command("postgres", args...), filepath.Join(p.dir, "log"))
	if err != nil {
		return err
	}
	p.process = process
	return process.waitReady(p.ready)
}

// ready returns nil once the server answers the superuser.
func (p *PostgresServer) ready() error {
	answer, err := p.Try(p.User(), p.password, "SELECT 1")
	if err == nil && answer != "1" {
		err = errors.New("SELECT 1 gave " + answer)
	}
	return err
}

// end shuts the server down at the end of the test, and removes its data. Its
// log tells why a test failed.
func (p *PostgresServer) end() {
	if p.process != nil && !p.process.ended() {
		_ = p.process.cmd.Process.Signal(os.Interrupt) // at once, but cleanly
		select {
		case <-p.process.done:
		case <-time.After(grace):
			p.process.kill()
		}
	}
	if p.process != nil && p.t.Failed() {
		p.t.Logf("the end of PostgreSQL's log:\n%s", p.process.log())
	}
	if p.dir == "" {
		return
	}
	if err := os.RemoveAll(p.dir); err != nil {
		p.t.Error("removing PostgreSQL's data:", err)
	}
}
