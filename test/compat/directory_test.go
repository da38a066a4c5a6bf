package compat

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
)

var templatesFlag = flag.String("compat.templates", "", "a directory of templates to render with both programs; what they ask of Consul and Vault is made up")

// TestDirectory renders templates that somebody else wrote, each by a process
// of its own. Everything that they ask for by name is there, and says something.
func TestDirectory(t *testing.T) {
	if *templatesFlag == "" {
		t.Skip("-compat.templates names no directory")
	}
	paths, err := filepath.Glob(filepath.Join(*templatesFlag, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no templates:", err)
	}
	var sources []source
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		local := strings.ReplaceAll(string(text), `writeToFile "/`, `writeToFile "written/`)
		sources = append(sources, source{name: filepath.Base(path), text: local})
	}
	r := newVaultRig(t)
	r.grant(t, sources)
	for _, s := range sources {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want, got := r.left(t, r.oracle, s), r.left(t, r.ours, s)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from consul-template (-) to restencil (+):\n%s", diff)
			}
		})
	}
}

// left returns what a program leaves behind: its exit code, and what is in each
// file that it wrote.
func (r *vaultRig) left(t *testing.T, p program, s source) map[string][]string {
	t.Helper()
	run := p.prepare(t, []source{s})
	end := p.once(t.Context(), run)
	all := map[string][]string{"": {fmt.Sprint("exit ", end.exit)}}
	if end.exit != 0 {
		t.Logf("%s: %s", p.name, end.reason())
	}
	for _, dir := range []string{"out", "written"} {
		paths, err := filepath.Glob(filepath.Join(run.dir, dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		deeper, _ := filepath.Glob(filepath.Join(run.dir, dir, "*", "*", "*"))
		for _, path := range append(paths, deeper...) {
			name, _ := filepath.Rel(run.dir, path)
			if text, err := os.ReadFile(path); err == nil {
				all[name] = pieces(t, string(text))
			}
		}
	}
	return all
}

// What templates ask for by a name that stands in them.
var (
	asksKey     = regexp.MustCompile(`\b(?:key|keyOrDefault|keyExists)\s+"([^"@?]+)"`)
	asksTree    = regexp.MustCompile(`\b(?:ls|tree|safeLs|safeTree)\s+"([^"@?]+)"`)
	asksService = regexp.MustCompile(`\b(?:service|connect)\s+"([^"@?|~]+)`)
	asksSecret  = regexp.MustCompile(`\bsecret\s+"/?([^"/]+)/([^"?]+?)/?["?]`)
	asksPKI     = regexp.MustCompile(`\b(?:pkiCert|secret)\s+"/?([^"]+)/(?:issue|sign)/([^"/]+)"`)
	asksCA      = regexp.MustCompile(`\bsecret\s+"/?([^"]+)/cert/ca`)
	usesField   = regexp.MustCompile(`\.Data(\.data)?\.([A-Za-z_]+)`)
)

// grant makes up all that the templates ask for.
func (r *vaultRig) grant(t *testing.T, sources []source) {
	t.Helper()
	r.grantStores(t, sources)
	authorities := make(map[string]bool)
	for _, s := range sources {
		for _, m := range append(asksCA.FindAllStringSubmatch(s.text, -1), asksPKI.FindAllStringSubmatch(s.text, -1)...) {
			if !authorities[m[1]] {
				authorities[m[1]] = true
				r.vault.Write("sys/mounts/"+m[1], map[string]any{"type": "pki", "config": map[string]string{"max_lease_ttl": "87600h"}})
				r.vault.Write(m[1]+"/root/generate/internal", map[string]any{"common_name": "Root of " + m[1], "ttl": "87600h"})
			}
			if len(m) == 3 {
				r.vault.Write(m[1]+"/roles/"+m[2], map[string]any{"allow_any_name": true, "key_type": "ec", "key_bits": 256, "max_ttl": "720h"})
			}
		}
	}
	r.grantSecrets(t, sources, authorities)
}

// secretsOf returns the fields that templates use of secrets, the version of
// each key-value mount that they ask, and the mount of each secret. A mount is
// of version 2 if a template that asks it uses .Data.data.
func secretsOf(sources []source, authorities map[string]bool) (fields, versions, mounts map[string]string) {
	fields, versions, mounts = make(map[string]string), make(map[string]string), make(map[string]string)
	for _, s := range sources {
		for _, m := range usesField.FindAllStringSubmatch(s.text, -1) {
			fields[m[2]] = m[2] + " & <ß>"
		}
		for _, m := range asksSecret.FindAllStringSubmatch(s.text, -1) {
			if authorities[m[1]] {
				continue
			}
			mounts[m[1]+"/"+m[2]] = m[1]
			if versions[m[1]] == "" {
				versions[m[1]] = "1"
			}
			if strings.Contains(s.text, ".Data.data") || strings.HasPrefix(m[2], "data/") {
				versions[m[1]] = "2"
			}
		}
	}
	return fields, versions, mounts
}

// grantSecrets puts every field that any template uses into every secret.
func (r *vaultRig) grantSecrets(t *testing.T, sources []source, authorities map[string]bool) {
	t.Helper()
	fields, versions, mounts := secretsOf(sources, authorities)
	for mount, version := range versions {
		if mount != "secret" {
			r.vault.Write("sys/mounts/"+mount, map[string]any{"type": "kv", "options": map[string]string{"version": version}})
		}
	}
	for path, mount := range mounts {
		body := mustJSON(t, fields)
		if versions[mount] == "2" {
			path = mount + "/data/" + strings.TrimPrefix(strings.TrimPrefix(path, mount+"/"), "data/")
			body = mustJSON(t, map[string]any{"data": fields})
		}
		eventually(t, path, func() error {
			_, err := r.vault.Client().Logical().WriteBytes(path, []byte(body))
			return err
		})
	}
}

// grantStores makes keys and services.
func (r *vaultRig) grantStores(t *testing.T, sources []source) {
	t.Helper()
	c := r.agent.Client()
	for _, s := range sources {
		for _, m := range asksKey.FindAllStringSubmatch(s.text, -1) {
			put(t, c, &api.KVPair{Key: strings.Trim(m[1], "/"), Value: []byte("1")})
		}
		for _, m := range asksTree.FindAllStringSubmatch(s.text, -1) {
			put(t, c, &api.KVPair{Key: strings.Trim(m[1], "/") + "/made/up", Value: []byte("2")})
		}
		for _, m := range asksService.FindAllStringSubmatch(s.text, -1) {
			parts := strings.Split(m[1], ".")
			name, tags := parts[len(parts)-1], parts[:len(parts)-1]
			service := &api.AgentService{Service: name, ID: name, Port: 8080, Address: "10.9.0.1", Tags: slices.Clone(tags)}
			if _, err := c.Catalog().Register(registration("node-of-"+name, "10.9.0.1", service), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
