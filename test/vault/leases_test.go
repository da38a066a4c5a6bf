package vault

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestNothingLapses has an application read its file at each query, while the
// tokens of the login and the leases of the database's users end all the time:
// no query fails, and what is over is not left behind.
func TestNothingLapses(t *testing.T) {
	t.Parallel()
	token, lease := 8*time.Second, 5*time.Second
	if *soak > 0 {
		token, lease = 30*time.Second, 20*time.Second
	}
	pg := servers.Postgres(t)
	s := newSite(t, servers.Vault(t, servers.VaultPlugins()))
	s.server.Database(pg)
	s.server.DatabaseRole("app", lease, 2*lease)
	s.appRole(map[string]any{"token_ttl": token.String(), "token_max_ttl": (2 * token).String()}, inTime)
	s.template("credentials", `{{ with secret "database/creds/app" }}{{ .Data.username }} {{ .Data.password }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Exists(s.file("credentials")))

	queries, users := 0, make(map[string]bool)
	for end := time.Now().Add(lasting(25 * time.Second)); time.Now().Before(end); queries++ {
		user, password, _ := strings.Cut(content(t, s.file("credentials")), " ")
		if _, err := pg.Try(user, password, "SELECT 1"); err != nil {
			t.Fatalf("query %d: %v", queries, err)
		}
		users[user] = true
		d.MustBeAlive()
		time.Sleep(50 * time.Millisecond) // the application has other things to do
	}
	logins := s.proxy.count("PUT /v1/auth/approle/login")
	t.Logf("%d queries as %d users, %d logins, %d requests", queries, len(users), logins, s.proxy.count(""))
	if len(users) < 3 || logins < 2 {
		t.Error("that is too few to have tested anything")
	}
	if most := 2 + int(3*lasting(20*time.Second)/(2*lease)); len(users) > most {
		t.Errorf("more than %d users", most)
	}
	s.few(pg)
}

// few fails the test where more leases or users are left than can be of use.
func (s *site) few(pg *servers.PostgresServer) {
	s.t.Helper()
	const most = 3
	if left := s.leases("database/creds/app/"); len(left) > most {
		s.t.Errorf("%d leases are left", len(left))
	}
	if n := pg.SQL("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'"); n > fmt.Sprint(most) || len(n) > 1 {
		s.t.Errorf("%s users are left", n)
	}
}

// TestReloads: what was issued stays in use over 50 reloads, and over those
// that change something else.
func TestReloads(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	s.server.Write("leased/a", map[string]any{"password": "p", "ttl": "1h"})
	s.authority("1h")
	s.appRole(map[string]any{"token_ttl": "1h"})
	s.block("consul", `consul { address = "127.0.0.1:1" }`)
	s.block("exec", fmt.Sprintf("exec {\n command = \"echo $$ >>%s; exec sleep 60\"\n reload_signal = \"\"\n}", s.path("child")))
	s.template("lease", `{{ with secret "leased/a" }}{{ .LeaseID }}{{ end }}`)
	s.template("key.pem", `{{ with pkiCert "pki/issue/app" "common_name=a.example" }}{{ .Cert }}{{ .Key }}{{ end }}`)
	s.template("token", `{{ with secret "auth/token/create" "ttl=1h" "policies=default" }}{{ .Auth.Accessor }}{{ end }}`)
	d := s.start("-log-level", "info")
	started := func(times int) func() error {
		return func() error {
			pids, err := os.ReadFile(s.path("child"))
			if n := strings.Count(string(pids), "\n"); err == nil && n != times {
				err = fmt.Errorf("the child was started %d times, want %d", n, times)
			}
			return err
		}
	}
	await.Eventually(t, started(1))
	before := s.standing()

	for range 50 {
		d.reload()
	}
	s.unchanged("50 reloads", before)
	s.template("more", `{{ with secret "leased/a" }}more {{ .LeaseID }}{{ end }}`)
	d.reload()
	await.Eventually(t, await.Exists(s.file("more")))
	s.unchanged("a new template", before)
	s.template("more", `{{ with secret "leased/a" }}other {{ .LeaseID }}{{ end }}`)
	d.reload()
	await.Eventually(t, await.Holds(s.file("more"), "other "+content(t, s.file("lease"))))
	s.unchanged("a changed template", before)
	s.block("consul", `consul { address = "127.0.0.1:2" }`)
	s.template("last", "last")
	d.reload()
	await.Eventually(t, await.Exists(s.file("last")))
	// The child is started again, since its environment has Consul's address.
	await.Eventually(t, started(2))
	before["child"] = content(t, s.path("child"))
	s.unchanged("another Consul", before)
}

// TestReloadsOfVault: where the vault block itself changes, what there is is
// issued anew, but no more often than at other times; and all of it is given
// back at the end.
func TestReloadsOfVault(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	s.server.Write("leased/a", map[string]any{"password": "p", "ttl": "1h"})
	s.appRole(map[string]any{"token_ttl": "1h"}, "revoke_on_exit = true")
	block := s.vault
	s.template("lease", `{{ with secret "leased/a" }}{{ .LeaseID }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Exists(s.file("lease")))
	for i := range 10 {
		s.vault = block + fmt.Sprintf("\n max_requests = %d", 10+i)
		logins := s.proxy.count("PUT /v1/auth/approle/login")
		d.reload()
		await.Eventually(t, func() error {
			if s.proxy.count("PUT /v1/auth/approle/login") == logins || s.proxy.busy() {
				return errors.New("the new configuration is not in use")
			}
			return nil
		})
		time.Sleep(100 * time.Millisecond) // for the answer to get here: a token that nobody got is nobody's to give back
	}
	if n, most := len(s.leases("leased/a/")), 4; n > most {
		t.Errorf("%d leases, more than %d", n, most)
	}
	d.stop()
	await.Eventually(t, func() error {
		if leases, tokens := s.leases("leased/a/"), s.leases("auth/approle/login/"); len(leases)+len(tokens) > 0 {
			return fmt.Errorf("%d leases and %d tokens are left", len(leases), len(tokens))
		}
		return nil
	})
}

// standing returns what must not change without need: how much Vault has
// issued, what the files hold, and the child.
func (s *site) standing() map[string]string {
	s.t.Helper()
	all := map[string]string{
		"leases": strings.Join(s.leases("leased/a/"), " "),
		"logins": strings.Join(s.leases("auth/approle/login/"), " "),
		"tokens": strings.Join(s.leases("auth/token/create/"), " "),
		"issues": fmt.Sprint(s.proxy.count(issues)),
		"child":  content(s.t, s.path("child")),
	}
	for _, name := range []string{"lease", "key.pem", "token"} {
		all[name] = content(s.t, s.file(name))
	}
	return all
}

func (s *site) unchanged(after string, before map[string]string) {
	s.t.Helper()
	for name, now := range s.standing() {
		if now != before[name] {
			s.t.Errorf("after %s, %s: «%s», before it «%s»", after, name, now, before[name])
		}
	}
}

// TestRenewalsFail: what cannot be renewed is replaced before it ends, and no
// more often than that takes.
func TestRenewalsFail(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]func(*site){
		"answered with 500": func(s *site) { s.proxy.fault("/renew", answers(http.StatusInternalServerError, "no")) },
		"answered with 429": func(s *site) { s.proxy.fault("/renew", answers(http.StatusTooManyRequests, "later")) },
		"answered with 400": func(s *site) { s.proxy.fault("/renew", answers(http.StatusBadRequest, "lease is not renewable")) },
		"without an answer": func(s *site) { s.proxy.fault("/renew", hangUp) },
		"forbidden": func(s *site) {
			s.policy("everything", everything+"\npath \"sys/leases/renew\" { capabilities = [\"deny\"] }\npath \"auth/token/renew-self\" { capabilities = [\"deny\"] }")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lease, long := 4*time.Second, 10*time.Second
			if *soak > 0 {
				lease, long = time.Minute, *soak
			}
			s := newSite(t, servers.Vault(t))
			s.leased()
			s.server.Write("leased/a", map[string]any{"password": "p", "ttl": lease.String()})
			s.appRole(map[string]any{"token_ttl": (2 * lease).String()}, inTime)
			forbid(s)
			s.template("lease", `{{ with secret "leased/a" }}{{ .LeaseID }}{{ end }}`)
			d := s.start("-log-level", "info")
			await.Eventually(t, await.Exists(s.file("lease")))
			s.alwaysValid(d, long)
			issued, logins := s.proxy.count("GET /v1/leased/a"), s.proxy.count("PUT /v1/auth/approle/login")
			t.Logf("%d issues and %d logins with leases of %v in %v, %d attempts to renew", issued, logins, lease, long, s.proxy.count("/renew"))
			if most := 4 + 2*int(long/lease); issued > most || logins > most {
				t.Errorf("more than %d", most)
			}
		})
	}
}

// alwaysValid fails the test where the lease that the file names is not one of
// Vault's at any time.
func (s *site) alwaysValid(d *siteDaemon, long time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		d.MustBeAlive()
		id := content(s.t, s.file("lease"))
		_, err := s.server.Client().Logical().Write("sys/leases/lookup", map[string]any{"lease_id": id})
		if err != nil {
			s.t.Fatalf("the file has a lease that is over: %v", err)
		}
	}
}

// TestNoRunaway: whatever fails, and for as long as it does, little is issued.
func TestNoRunaway(t *testing.T) {
	t.Parallel()
	pg := servers.Postgres(t)
	v := servers.Vault(t, servers.VaultPlugins())
	v.Database(pg)
	for name, fault := range map[string]func(*proxy){
		"lost":    func(p *proxy) { p.fault("GET /v1/database/", loses) },
		"garbled": func(p *proxy) { p.fault("GET /v1/database/", garbles) },
		"failed":  func(p *proxy) { p.fault("GET /v1/database/", answers(http.StatusBadGateway, "no")) },
		"refused": func(p *proxy) { p.fault("GET /v1/database/", flaps()) },
		"logins":  func(p *proxy) { p.fault("PUT /v1/auth/approle/login", loses) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, v)
			v.DatabaseRole(name, time.Hour, 2*time.Hour)
			s.appRole(map[string]any{"token_ttl": "1h"})
			fault(s.proxy)
			s.template("lease", `{{ with secret "database/creds/`+name+`" }}{{ .LeaseID }}{{ end }}`)
			d := s.start("-log-level", "info")
			time.Sleep(lasting(6 * time.Second)) // the fault
			d.MustBeAlive()
			s.proxy.heal()
			s.bounded("database/creds/" + name + "/")
		})
	}
}

// bounded fails the test where more was issued than may be in the time of a
// fault, or the daemon has logged in all the time.
func (s *site) bounded(path string) {
	s.t.Helper()
	minutes := int(lasting(0) / time.Minute)
	leases, logins := len(s.leases(path)), s.proxy.count("PUT /v1/auth/approle/login")
	s.t.Logf("%d leases, %d logins, %d reads", leases, logins, s.proxy.count("GET /v1/database/"))
	if most := 3 + minutes; leases > most {
		s.t.Errorf("more than %d leases", most)
	}
	if most := 5 + 6*minutes; logins > most {
		s.t.Errorf("more than %d logins", most)
	}
}

// garbles is a fault: Vault does what it is asked, and its answer is cut off.
func garbles(w http.ResponseWriter, r *http.Request, next http.Handler) {
	recorded := newRecorder()
	next.ServeHTTP(recorded, r)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(recorded.Body.Bytes()[:recorded.Body.Len()/2])
}

// flaps returns a fault: every other request is answered as if Vault did not
// know the token.
func flaps() func(http.ResponseWriter, *http.Request, http.Handler) {
	turn := make(chan bool, 1)
	turn <- true
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		refuse := <-turn
		turn <- !refuse
		if refuse {
			answers(http.StatusForbidden, "permission denied; invalid token")(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}
