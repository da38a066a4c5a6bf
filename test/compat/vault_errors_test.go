package compat

import (
	"strings"
	"testing"
)

// TestVaultErrorsTellNoSecret wants nothing of a secret in what restencil says,
// however much it says, when templates fail over one.
func TestVaultErrorsTellNoSecret(t *testing.T) {
	r := newVaultRig(t)
	const canary = "s3cr3t"
	for _, text := range []string{
		`{{ with secret "secret/app" }}{{ parseInt .Data.data.password }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ .Data.data.password | parseJSON }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ sprig_fail (print .Data) }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ sprig_fail (.Data.data.password | toUpper | toLower) }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ .Data.data.password | regexMatch "(" }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ executeTemplate .Data.data.password }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ .Data.data.password.x }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ index .Data.data.list .Data.data.password }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ .Data.data | toJSON | parseInt }}{{ end }}`,
		`{{ with secret "secret/app" }}{{ .Data.data.password | base64Encode | parseBool }}{{ end }}`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			run := r.ours.prepare(t, []source{{name: text, text: text}})
			end := r.ours.once(t.Context(), run, "-log-level", "trace")
			if end.exit != failed {
				t.Errorf("it ends with exit %d, want %d", end.exit, failed)
			}
			for _, hidden := range []string{canary, strings.ToUpper(canary), "czNjcjN0"} {
				if strings.Contains(end.stdout+end.stderr, hidden) {
					t.Errorf("it says %s:\n%s", hidden, end.stderr)
				}
			}
		})
	}
}
