package vault

import (
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestNamesMadeOfSecrets: what a secret leads to is not shown at any level, however
// short it is.
func TestNamesMadeOfSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("app", map[string]any{"folder": "hunter2", "pin": "7q!"})
	s.put("7q!/one", map[string]any{"v": "1"})
	s.put("hunter2", map[string]any{"v": "2"})
	s.template("out", `{{ with secret "secret/app" }}{{ range secrets (print "secret/" .Data.data.pin) }}{{ . }} {{ end }}`+
		`{{ with secret (print "secret/" .Data.data.folder) }}{{ .Data.data.v }}{{ end }}{{ end }}`)
	d := s.start("-log-level", "trace")
	await.Eventually(t, await.Holds(s.file("out"), "one 2"))
	await.Eventually(t, d.says("[TRACE]", "GET", "/v1/secret/data/app: 200 OK"))
	await.Eventually(t, d.says("[TRACE]", "GET", "/***: 200 OK"))
	for _, canary := range []string{"7q!", "7q%21", "hunter2"} {
		if log := d.Log.String(); strings.Contains(log, canary) {
			t.Errorf("%s is shown:\n%s", canary, log)
		}
	}
}
