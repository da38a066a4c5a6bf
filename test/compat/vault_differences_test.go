package compat

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestVaultDifferences shows what the two programs do differently on purpose,
// as TestDifferences does. An answer is what is rendered, or an exit code.
func TestVaultDifferences(t *testing.T) {
	r := newVaultRig(t)
	for _, d := range []struct {
		reason       string
		texts        []string // templates of one process; the last one counts
		theirs, ours string
	}{
		{
			reason: "what a template does to a secret, no other template sees",
			texts: []string{
				`{{ with secret "secret/changed" }}{{ $_ := sprig_set .Data.data "name" "changed" }}{{ end }}`,
				`{{ with secret "secret/changed" }}{{ .Data.data.name }}{{ end }}`,
			},
			theirs: "changed", ours: "as it was",
		},
		{
			reason: "reads that ask for different things are different reads (COMPAT Q22)",
			texts: []string{
				`{{ with secret "secret/subkeys/deep" }}{{ .Data.subkeys | toJSON }}{{ end }} {{ with secret "secret/subkeys/deep?depth=1" }}{{ .Data.subkeys | toJSON }}{{ end }}`,
			},
			theirs: `{"a":{"b":{"c":null}}} {"a":{"b":{"c":null}}}`, ours: `{"a":{"b":{"c":null}}} {"a":null}`,
		},
		{
			reason: "certificates of different names in one file are different certificates (COMPAT Q22)",
			texts: []string{
				`{{ with pkiCert "pki/issue/web" "common_name=a.example.com" }}{{ scratch.Set "a" .Cert }}{{ end }}{{ with pkiCert "pki/issue/web" "common_name=b.example.com" }}{{ eq .Cert (scratch.Get "a") }}{{ end }}`,
			},
			theirs: "true", ours: "false",
		},
		{
			reason: "an answer with nothing in it but warnings is no secret",
			texts:  []string{`{{ with secret "secret" }}{{ .Data }} {{ len .Warnings }}{{ end }}`},
			theirs: "map[] 1", ours: "exit 14",
		},
		{
			reason: "a template that fails before it has its secrets waits for them (design: missing dependency)",
			texts:  []string{`{{ index (secrets "secret/many") 0 }} {{ (secret "secret/kinds").Data.data.list | sprig_first }}`},
			theirs: "exit 14", ours: "10 3",
		},
	} {
		t.Run(d.reason, func(t *testing.T) {
			t.Parallel()
			if got := r.last(t, r.oracle, d.texts); got != d.theirs {
				t.Errorf("consul-template: %q, want %q", got, d.theirs)
			}
			if got := r.last(t, r.ours, d.texts); got != d.ours {
				t.Errorf("restencil: %q, want %q", got, d.ours)
			}
		})
	}
}

// last returns what became of the last template of a process.
func (r *vaultRig) last(t *testing.T, p program, texts []string) string {
	t.Helper()
	var sources []source
	for _, text := range texts {
		sources = append(sources, source{name: text, text: text})
	}
	run := p.prepare(t, sources)
	if end := p.once(t.Context(), run); end.exit != 0 {
		t.Logf("%s: %s", p.name, end.reason())
		return fmt.Sprint("exit ", end.exit)
	}
	text, _ := run.rendered(len(sources) - 1)
	return text
}

// TestVaultKeyElsewhere shows what becomes of a key when a program starts again
// and cannot read it from the template's file: consul-template takes the
// certificate that is there, and has no key.
func TestVaultKeyElsewhere(t *testing.T) {
	r := newVaultRig(t)
	for _, test := range []struct {
		name, text   string
		file         string
		theirs, ours bool // there is a key in the file in the end
	}{
		{
			name: "indented, as in YAML", file: out(0), ours: true,
			text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}{{ .Cert }}key: |
{{ .Key | indent 2 }}{{ end }}`,
		},
		{
			name: "in another file", file: "written/key", ours: true,
			text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}{{ .Cert }}{{ .Key | writeToFile "written/key" "" "" "0600" }}{{ end }}`,
		},
		{
			name: "in another file, if there is one", file: "written/key", theirs: true, ours: true,
			text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}{{ .Cert }}{{ if .Key }}{{ .Key | writeToFile "written/key" "" "" "0600" }}{{ end }}{{ end }}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := source{name: test.name, text: test.text}
			if got := r.keyAfterRestart(t, r.oracle, s, test.file); got != test.theirs {
				t.Errorf("consul-template, run again, has a key: %t, want %t", got, test.theirs)
			}
			if got := r.keyAfterRestart(t, r.ours, s, test.file); got != test.ours {
				t.Errorf("restencil, run again, has a key: %t, want %t", got, test.ours)
			}
		})
	}
}

// keyAfterRestart runs a program twice and tells whether the file then has the
// key of the certificate.
func (r *vaultRig) keyAfterRestart(t *testing.T, p program, s source, file string) bool {
	t.Helper()
	run := p.prepare(t, []source{s})
	for range 2 {
		if end := p.once(t.Context(), run); end.exit != 0 {
			t.Fatalf("%s: %s", p.name, end.reason())
		}
	}
	certificate, _ := run.rendered(0)
	key, err := os.ReadFile(filepath.Join(run.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	key = regexp.MustCompile(`(?m)^ +`).ReplaceAll(key, nil)
	_, err = tls.X509KeyPair([]byte(certificate), key)
	return err == nil
}
