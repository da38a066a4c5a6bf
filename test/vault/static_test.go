package vault

import (
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestStaticRole: a password that Vault changes by the clock is in the file
// soon after each change, and is not asked for all the time until then.
func TestStaticRole(t *testing.T) {
	t.Parallel()
	const period, soon = 5 * time.Second, 3 * time.Second
	pg := servers.Postgres(t)
	s := newSite(t, servers.Vault(t, servers.VaultPlugins()))
	s.server.Database(pg)
	pg.SQL("CREATE ROLE batch LOGIN PASSWORD 'first'")
	s.server.Write("database/static-roles/batch", map[string]any{"db_name": "pg", "username": "batch", "rotation_period": period.String()})
	s.template("password", `{{ with secret "database/static-creds/batch" }}{{ .Data.password }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Exists(s.file("password")))

	long := lasting(14 * time.Second)
	passwords, good := make(map[string]bool), time.Now()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		password := content(t, s.file("password"))
		passwords[password] = true
		if _, err := pg.Try("batch", password, "SELECT 1"); err == nil {
			good = time.Now()
		} else if late := time.Since(good); late > soon {
			t.Fatalf("the password has been wrong for %v: %v", late, err)
		}
		d.MustBeAlive()
	}
	reads := s.proxy.count("GET /v1/database/static-creds/")
	t.Logf("%d passwords, %d reads", len(passwords), reads)
	if changes := int(long / period); len(passwords) < changes || reads > 10*(changes+1) {
		t.Errorf("that is not right for %d changes", changes)
	}
}
