package vault

import (
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestSecretDisappears: when a secret that a file needs is deleted, or destroyed,
// the file stays, and that is told, with what has become of the secret and what a
// restart would do.
func TestSecretDisappears(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.server.Write("sys/mounts/kv", map[string]any{"type": "kv"})
	s.vault += "\n default_lease_duration = \"1s\""
	for name, test := range map[string]struct {
		path, text, remove string
		body               map[string]any
		want               []string
	}{
		"deleted":   {"secret/data/deleted", `{{ with secret "secret/deleted" }}{{ .Data.data.v }}{{ end }}`, "secret/delete/deleted", map[string]any{"versions": []int{1}}, []string{"secret/deleted", "which has gone", "version 1 was deleted at", "a restart would wait for it"}},
		"destroyed": {"secret/data/destroyed", `{{ with secret "secret/destroyed" }}{{ .Data.data.v }}{{ end }}`, "secret/destroy/destroyed", map[string]any{"versions": []int{1}}, []string{"secret/destroyed", "version 1 was destroyed"}},
		"removed":   {"secret/data/removed", `{{ with secret "secret/removed" }}{{ .Data.data.v }}{{ end }}`, "secret/metadata/removed", nil, []string{"secret/removed", "which has gone", "no secret exists at secret/removed", "a restart would wait for it"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.server.Write(test.path, map[string]any{"data": map[string]any{"v": "1"}})
			s.template(name, test.text)
			d := s.start()
			await.Eventually(t, await.Holds(s.file(name), "1"))
			if test.body == nil {
				if _, err := s.server.Client().Logical().Delete(test.remove); err != nil {
					t.Fatal(err)
				}
			} else {
				s.server.Write(test.remove, test.body)
			}
			await.Within(t, 10*time.Second, d.says(test.want...))
			time.Sleep(2 * time.Second) // for the file to be lost, if it is
			if err := await.Holds(s.file(name), "1")(); err != nil {
				t.Error(err)
			}
		})
	}
}
