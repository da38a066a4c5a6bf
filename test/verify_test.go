package test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"restencil/test/await"
	"restencil/test/daemon"
)

// TestVerify: what reads the files is asked whether it is well, by HTTP and by
// a connection. While it is not, the old files are in place. It is not believed at
// its first answer, which may come from a process with the old files.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	out, loaded := filepath.Join(dir, "a.conf"), filepath.Join(dir, "loaded")
	// It is ill with every even number, from its second answer on.
	var answered atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := os.ReadFile(loaded)
		if old := answered.Swap(string(got)); r.URL.Path == "/health" && old == string(got) && strings.ContainsAny(string(got), "02468") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	data, conf := filepath.Join(dir, "data.yaml"), filepath.Join(dir, "conf.hcl")
	writeFile(t, data, "keys: {a: 1}")
	writeFile(t, conf, fmt.Sprintf(`
local { path = %q }
state_dir = %q
bundle "app" {
	reload = "cp %[3]s %[4]s"
	retry {
		backoff     = "10ms"
		max_backoff = "100ms"
	}
	verify {
		http     = "%[5]s/health"
		within   = "200ms"
		interval = "10ms"
	}
	verify {
		tcp    = %[6]q
		within = "10s"
	}
}
template {
	contents    = "{{ key \"a\" }}"
	destination = %[3]q
	bundle      = "app"
}`, data, filepath.Join(dir, "state"), out, loaded, server.URL, listener.Addr()))
	d := start(t, "-config", conf, "-log-level", "info")
	logs(t, d, "app: applied in ", ": "+out)

	writeFile(t, data, "keys: {a: 2}")
	logs(t, d, "app: verify failed", server.URL, "503", "the old files are back")
	await.Eventually(t, await.Holds(loaded, "1"))

	writeFile(t, data, "keys: {a: 3}")
	await.Eventually(t, await.Holds(loaded, "3"))
	await.Eventually(t, await.Holds(out, "3"))
	d.MustBeAlive()
}

// logs waits until the daemon has printed these texts.
func logs(t *testing.T, d *daemon.Daemon, texts ...string) {
	t.Helper()
	await.Eventually(t, func() error {
		log := d.Log.String()
		for _, text := range texts {
			if !strings.Contains(log, text) {
				return fmt.Errorf("the daemon has not printed %q, but\n%s", text, log)
			}
		}
		return nil
	})
}
