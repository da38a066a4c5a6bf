package vault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"restencil/test/binary"
	"restencil/test/servers"
)

// What restencil record prints has no secret, and templates that parse their secrets
// work with what stands in their place. No lease stays.
func TestRecordMasksSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.authority("1h")
	s.leased()
	var hidden canaries
	s.put("app", map[string]any{
		"password": hidden.value("password"), "pin": hidden.add("pin", "271828182845904523536028747135266249"),
		"url":     "postgres://app:" + hidden.add("url", "correct-horse-battery-staple-") + "@db/app",
		"account": `{"type": "service", "key": "` + hidden.add("json", "hunter2-hunter2-hunter2-hunter2") + `", "port": 5432}`,
		"encoded": hidden.add("base64", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="), "on": true, "list": []any{hidden.add("list", "first-of-the-list-first-of-the-list")},
		"ends": "2027-03-04T05:06:07Z",
	})
	s.server.Write("leased/db", map[string]any{"password": hidden.add("leased", "leased-leased-leased-leased"), "ttl": "1h"})
	s.template("out", `{{ with secret "secret/app" }}{{ with .Data.data }}{{ .password }} {{ .pin | parseFloat }} {{ .url }} {{ with .account | parseJSON }}{{ .key }} {{ .port }}{{ end }} `+
		`{{ .encoded | base64Decode }} {{ .on }} {{ index .list 0 }}{{ end }} {{ .Data.metadata.version }}{{ end }}
{{ with secret "leased/db" }}{{ .Data.password }}{{ end }}
{{ range secrets "secret/" }}{{ . }};{{ end }}
`)
	call := `{{ with pkiCert "pki/issue/app" "common_name=a.example" }}`
	s.block("bundle", "bundle \"tls\" {}")
	s.template("key", call+`{{ .Key }}{{ end }}`, `bundle = "tls"`, `format = "x509"`)
	s.template("cert", call+`{{ .Cert }}{{ end }}`, `bundle = "tls"`, `format = "x509"`)
	data, log := s.run(0, "record", "-log-level", "trace")
	for _, found := range append(hidden.found(data), hidden.found(log)...) {
		t.Errorf("recorded or logged: %s", found)
	}
	if strings.Contains(data, "postgres://app") || strings.Contains(data, "2027") {
		t.Errorf("recorded:\n%s", data)
	}
	if left := s.leases("leased"); len(left) > 0 {
		t.Errorf("leases are left: %v", left)
	}
	if entries, err := os.ReadDir(s.path("out")); err != nil || len(entries) > 0 {
		t.Errorf("files were written: %v %v", entries, err)
	}

	write(t, s.path("conf", "data.yaml"), data)
	tests := s.path("conf", "all_test.yaml")
	write(t, tests, fmt.Sprintf(`config: %q
data: data.yaml
tests:
  - name: what is parsed
    output:
      %q: |
        masked-password 0 postgres://masked-url masked-key 0 masked-encoded false masked-list 0
        masked-password
        app;
    check: true
`, "config.hcl", s.file("out")))
	if out, err := exec.Command(binary.Path(t), "test", tests).CombinedOutput(); err != nil {
		t.Errorf("restencil test: %v\n%s\nwith the data\n%s", err, out, data)
	}
}
