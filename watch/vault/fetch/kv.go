package fetch

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"restencil/watch"
)

// A mount is where an engine is, as far as paths depend on it.
type mount struct {
	path      string // with a slash at its end, and without the client's namespace; "": not known
	versioned bool   // a key-value engine of version 2
	harmless  bool   // known to issue nothing, whatever is read there
}

// parseMount reads what Vault says of the mount of a path. The client's
// namespace, which Vault puts before the mount's path, is taken away once
// (COMPAT 3.5).
func parseMount(s *watch.Secret, namespace string) mount {
	if s == nil {
		return mount{}
	}
	at, _ := s.Data["path"].(string)
	kind, _ := s.Data["type"].(string)
	options, _ := s.Data["options"].(map[string]any)
	version, _ := options["version"].(string)
	// A mount may have the name of the namespace: of that nothing would be left.
	if rest, ok := strings.CutPrefix(at, strings.Trim(namespace, "/")+"/"); ok && rest != "" {
		at = rest
	}
	keepers := []string{"kv", "generic", "cubbyhole", "transit", "pki", "system", "identity", "totp"}
	return mount{path: at, versioned: kind == "kv" && version == "2", harmless: slices.Contains(keepers, kind)}
}

// holds tells whether path is in the mount, or the mount itself.
func (m mount) holds(path string) bool {
	return m.path != "" && strings.HasPrefix(path+"/", m.path)
}

// rest returns a path that the mount holds, from the mount on.
func (m mount) rest(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(m.path, "/")), "/")
}

// dataPath returns where to read or write the secret that people know by path.
func (m mount) dataPath(path string) string {
	if !m.versioned || !m.holds(path) {
		return path
	}
	rest := m.rest(path)
	for _, area := range []string{"data/", "metadata/", "subkeys/"} {
		if strings.HasPrefix(rest, area) {
			return path
		}
	}
	return strings.TrimSuffix(m.path+"data/"+rest, "/")
}

// listPath returns where to list what people know by path.
func (m mount) listPath(path string) string {
	if !m.versioned || !m.holds(path) {
		return path
	}
	rest := m.rest(path)
	if rest == "metadata" || strings.HasPrefix(rest, "metadata/") {
		return path
	}
	return strings.TrimSuffix(m.path+"metadata/"+rest, "/")
}

// A version is what Vault says of one version of a secret.
type version struct {
	number    string
	deletion  time.Time // zero: there is none
	destroyed bool
}

// versionOf reads it off a secret that was read, or off metadata.
func versionOf(s *watch.Secret) version {
	about, _ := s.Data["metadata"].(map[string]any)
	number, _ := about["version"].(json.Number)
	text, _ := about["deletion_time"].(string)
	deletion, _ := time.Parse(time.RFC3339, text)
	return version{number: number.String(), deletion: deletion, destroyed: about["destroyed"] == true}
}

// deleted reports whether the version is deleted.
func (v version) deleted(now time.Time) bool { return !v.deletion.IsZero() && now.After(v.deletion) }
