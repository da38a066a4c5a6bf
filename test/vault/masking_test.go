package vault

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestNamesMadeOfSecrets: what a secret leads to is not shown at any level, however
// short it is, and not kept on disk.
func TestNamesMadeOfSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("app", map[string]any{"folder": "hunter2", "pin": "7q!"})
	s.put("7q!/one", map[string]any{"v": "1"})
	s.put("hunter2", map[string]any{"v": "2"})
	consul, state := servers.Consul(t), t.TempDir()
	for key, value := range map[string]string{"hunter2": "of the secret", "public": "of nobody"} {
		if _, err := consul.Client().KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.template("out", `{{ with secret "secret/app" }}{{ range secrets (print "secret/" .Data.data.pin) }}{{ . }} {{ end }}`+
		`{{ with secret (print "secret/" .Data.data.folder) }}{{ .Data.data.v }}{{ end }} {{ key .Data.data.folder }}, {{ key "public" }}{{ end }}`)
	d := s.start("-log-level", "trace", "-consul-addr", consul.Addr(), "-cache", "-state-dir", state)
	await.Eventually(t, await.Holds(s.file("out"), "one 2 of the secret, of nobody"))
	await.Eventually(t, d.says("[DEBUG]", "consul key *** ", "kept by"))
	await.Eventually(t, d.says("[TRACE]", "GET", "/v1/secret/data/app: 200 OK"))
	await.Eventually(t, d.says("[TRACE]", "GET", "/***: 200 OK"))
	for _, canary := range []string{"7q!", "7q%21", "hunter2"} {
		if log := d.Log.String(); strings.Contains(log, canary) {
			t.Errorf("%s is shown:\n%s", canary, log)
		}
	}
	d.stop()
	kept := ""
	err := filepath.WalkDir(state, func(path string, file fs.DirEntry, err error) error {
		if err != nil || !file.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		kept += string(content)
		return err
	})
	base64 := base64.StdEncoding.EncodeToString
	if err != nil || !strings.Contains(kept, base64([]byte("of nobody"))) || strings.Contains(kept, "hunter2") || strings.Contains(kept, base64([]byte("of the secret"))) {
		t.Errorf("kept on disk (%v):\n%s", err, kept)
	}
}
