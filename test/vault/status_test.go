package vault

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/servers"
)

// ask runs a command beside the daemon, and returns its exit code and what it prints.
func (s *site) ask(args ...string) (code int, out string) {
	s.t.Helper()
	text, err := exec.Command(binary.Path(s.t), append(args, "-state-dir", s.path("state"))...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), string(text)
	} else if err != nil {
		s.t.Fatal(err)
	}
	return 0, string(text)
}

// saying returns a check that a command ends with an exit code and prints what fits
// a pattern.
func (s *site) saying(code int, pattern string, args ...string) func() error {
	return func() error {
		got, out := s.ask(args...)
		if got != code || !regexp.MustCompile(pattern).MatchString(out) {
			return fmt.Errorf("%q ends with %d, want %d, and prints\n%s\nwant %q", args, got, code, out, pattern)
		}
		return nil
	}
}

// TestStatusOfLeases: how long a certificate and a lease are good is shown; where
// another cannot be had, the first line says so, and the second what to do.
func TestStatusOfLeases(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.authority("20s")
	s.leased()
	s.server.Write("leased/a", map[string]any{"password": "p", "ttl": "1h"})
	s.policy("app", everything)
	s.vault = fmt.Sprintf("token = %q\n renew_token = false", s.token("app", 0))
	s.template("cert.pem", `{{ with pkiCert "pki/issue/app" "common_name=www.example" }}{{ .Cert }}{{ end }}`)
	s.template("a", `{{ with secret "leased/a" }}{{ .Data.password }}{{ end }}`)
	s.start()
	await.Eventually(t, await.Exists(s.file("cert.pem")))
	await.Eventually(t, await.Exists(s.file("a")))
	await.Eventually(t, s.saying(0, `\Aall is well: (?s:.*)\nvault certificate pki/issue/app for \S* \(parameters \S*\): ends in [0-9]+s\n`, "status", "-check"))
	await.Eventually(t, s.saying(0, `\nvault secret leased/a: ends in (59m|1h)`, "explain", s.file("a")))

	s.policy("app", strings.ReplaceAll(everything, `path "*"`, `path "leased/*"`))
	await.Eventually(t, s.saying(1, `\Avault certificate pki/issue/app for \S* \(parameters \S*\): (ends in [0-9a-z]+|ended [^,]* ago), and cannot be (renewed|replaced): [^\n]*permission denied[^\n]*\n  the files stay as they are; retrying: check that the store is up and that the token may ask for it\n`,
		"status", "-check"))
}
