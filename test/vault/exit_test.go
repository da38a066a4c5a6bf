package vault

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestRevokeOnExit: a daemon that ends gives back what it has, if it is told to.
func TestRevokeOnExit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting string
		leases  int // that are left, of two
		tokens  int // that are left of the login's
	}{
		"told to": {"revoke_on_exit = true", 0, 0},
		"not":     {"", 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, servers.Vault(t))
			s.leased()
			s.server.Write("leased/a", map[string]any{"v": "1", "ttl": "1h"})
			s.server.Write("leased/b", map[string]any{"v": "2", "ttl": "1h"})
			s.appRole(map[string]any{"token_ttl": "1h"}, test.setting)
			s.template("a", `{{ with secret "leased/a" }}{{ .Data.v }}{{ end }}{{ with secret "leased/b" }}{{ .Data.v }}{{ end }}`)
			d := s.start("-log-level", "info")
			await.Eventually(t, await.Holds(s.file("a"), "12"))
			if n := len(s.leases("leased/a/")) + len(s.leases("leased/b/")); n != 2 {
				t.Errorf("%d leases while it runs", n)
			}
			d.stop()
			// Vault ends leases after it has said so.
			await.Eventually(t, func() error {
				leases := len(s.leases("leased/a/")) + len(s.leases("leased/b/"))
				if tokens := len(s.leases("auth/approle/login/")); leases != test.leases || tokens != test.tokens {
					return fmt.Errorf("%d leases and %d tokens are left, want %d and %d", leases, tokens, test.leases, test.tokens)
				}
				return nil
			})
		})
	}
}

// TestOnce: what runs once renders and ends with 0, and asks no more than that
// takes; where something is missing it ends with 14.
func TestOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	s.server.Write("leased/a", map[string]any{"v": "1", "ttl": "1h"})
	s.put("a", map[string]any{"v": "2"})
	s.server.Write("sys/mounts/v1", map[string]any{"type": "kv"})
	s.server.Write("v1/a", map[string]any{"v": "3"})
	s.appRole(map[string]any{"token_ttl": "1h"})
	s.template("a", `{{ with secret "leased/a" }}{{ .Data.v }}{{ end }}{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`+
		`{{ with secret "v1/a" }}{{ .Data.v }}{{ end }}{{ range secrets "secret/" }}{{ . }}{{ end }}`+
		`{{ secret "v1/written" "w=4" }}`)
	began := time.Now()
	s.run(0, "-once")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := await.Holds(s.file("a"), "123a<nil>")(); err != nil && !strings.HasPrefix(content(t, s.file("a")), "123a") {
		t.Error(err)
	}
	if n := len(s.leases("leased/a/")); n != 1 {
		t.Errorf("%d leases", n)
	}
	if n := s.proxy.count("PUT /v1/v1/written"); n != 1 {
		t.Errorf("%d writes", n)
	}
	s.template("missing", `{{ with secret "secret/missing" }}{{ .Data }}{{ end }}`)
	_, stderr := s.run(14, "-once", "-vault-retry-attempts", "2", "-vault-retry-backoff", "50ms")
	if !strings.Contains(stderr, "no secret exists at secret/missing") {
		t.Errorf("it says:\n%s", stderr)
	}
	absent(t, s.file("missing"))
}

// TestPerms: a file that everybody may read and that holds a secret is told of
// once; secret_perms gives such files their mode, unless perms does.
func TestPerms(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.block("perms", "")
	s.put("a", map[string]any{"v": "1"})
	const text = `{{ with secret "secret/a?refresh=1s" }}{{ .Data.data.v }}{{ end }}`
	s.template("a", text)
	s.template("b", text, "perms = 0640")
	s.template("c", "public")
	d := s.start()
	s.follows("2")
	s.follows("3")
	d.reload()
	s.follows("4")
	if n := d.lines("WARN", s.file("a")); n != 1 {
		t.Errorf("%d warnings of the file that everybody may read", n)
	}
	if n := d.lines("WARN"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	s.modes(0o644, 0o640, 0o644)
	d.stop()

	s.block("perms", "secret_perms = 0600")
	d = s.start()
	s.follows("5")
	await.Eventually(t, await.Holds(s.file("b"), "5"))
	s.modes(0o600, 0o640, 0o644)
	if n := d.lines("WARN"); n != 0 {
		t.Errorf("%d warnings with secret_perms", n)
	}
}

func (s *site) modes(a, b, c os.FileMode) {
	s.t.Helper()
	for name, want := range map[string]os.FileMode{"a": a, "b": b, "c": c} {
		info, err := os.Stat(s.file(name))
		if err != nil {
			s.t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			s.t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

// TestMany: very many secrets are asked for at a bounded number at a time, and
// one of them followed closely.
func TestMany(t *testing.T) {
	t.Parallel()
	const most, templates = 32, 10
	n := 2000
	if *soak > 0 {
		n = 10_000
	}
	s := newSite(t, servers.Vault(t))
	s.fill(n)
	for i := range templates {
		var text strings.Builder
		for j := range n / templates {
			fmt.Fprintf(&text, "{{ with secret \"secret/many/%d\" }}{{ .Data.data.v }}\n{{ end }}", i*n/templates+j)
		}
		s.template(fmt.Sprint("many", i), text.String())
	}
	s.template("a", `{{ with secret "secret/many/1?refresh=1s" }}{{ .Data.data.v }}{{ end }}`)
	began := time.Now()
	d := s.start("-log-level", "warn")
	for i := range templates {
		await.Within(t, 2*await.Timeout, await.Exists(s.file(fmt.Sprint("many", i))))
	}
	s.proxy.mu.Lock()
	peak := s.proxy.most
	s.proxy.mu.Unlock()
	t.Logf("%d secrets in %v, at most %d requests at a time, %d in all", n, time.Since(began).Round(time.Millisecond), peak, s.proxy.count(""))
	if peak > most {
		t.Errorf("%d requests at a time, want at most %d", peak, most)
	}
	if asked := s.proxy.count(http.MethodGet); asked > n+n/10 {
		t.Errorf("%d requests for %d secrets", asked, n)
	}
	s.put("many/1", map[string]any{"v": "news"})
	await.Eventually(t, await.Holds(s.file("a"), "news"))
	checkMemory(t, d)
}

// fill writes n secrets below secret/many/.
func (s *site) fill(n int) {
	s.t.Helper()
	const writers = 16
	client := s.server.Client()
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := w; i < n; i += writers {
				value := map[string]any{"data": map[string]any{"v": fmt.Sprint("value ", i)}}
				if _, err := client.Logical().Write(fmt.Sprint("secret/data/many/", i), value); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			s.t.Fatal(err)
		}
	}
}

// checkMemory fails the test where the daemon takes much more memory than what
// it keeps. It knows where Linux says that.
func checkMemory(t *testing.T, d *siteDaemon) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Cmd.Process.Pid))
	if err != nil {
		return
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB resident", kilobytes>>10)
	if most := 400; kilobytes>>10 > most { // with the race detector
		t.Errorf("more than %d MB", most)
	}
}
