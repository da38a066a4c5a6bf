package servers_test

import (
	"os"
	"testing"

	"restencil/test/servers"
)

func TestPostgresKeepsItsDataOverACrash(t *testing.T) {
	t.Setenv("PGDATABASE", "not-for-tests")
	pg := servers.Postgres(t)
	pg.SQL("CREATE TABLE a (b text); INSERT INTO a VALUES ('1'), ('2')")
	addr := pg.Addr()
	pg.Kill()
	if _, err := pg.Try(pg.User(), pg.Password(), "SELECT 1"); err == nil {
		t.Fatal("a killed server answers")
	}
	pg.Start()
	if pg.Addr() != addr {
		t.Errorf("the address changed from %s to %s", addr, pg.Addr())
	}
	if got := pg.SQL("SELECT * FROM a ORDER BY b"); got != "1\n2" {
		t.Errorf("got %q", got)
	}
}

func TestPostgresWantsAPassword(t *testing.T) {
	t.Parallel()
	pg := servers.Postgres(t)
	pg.SQL("CREATE ROLE app LOGIN PASSWORD 'right'")
	if out, err := pg.Try("app", "right", "SELECT current_user"); err != nil || out != "app" {
		t.Errorf("got %q, %v", out, err)
	}
	for _, user := range []string{"app", "postgres", "nobody"} {
		if _, err := pg.Try(user, "wrong", "SELECT 1"); err == nil {
			t.Errorf("%s came in with a wrong password", user)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
