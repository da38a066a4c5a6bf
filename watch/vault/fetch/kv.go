package fetch

import (
	"encoding/json"
	"reflect"
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
	return mount{path: withoutNamespace(at, namespace), versioned: kind == "kv" && version == "2", harmless: onlyKeeps(kind)}
}

// onlyKeeps tells whether an engine is known to issue nothing for a read.
func onlyKeeps(engine string) bool {
	switch engine {
	case "kv", "generic", "cubbyhole", "transit", "pki", "system", "identity", "totp":
		return true
	}
	return false
}

// withoutNamespace returns a mount's path without the namespace before it. A
// mount may have the name of the namespace: of that nothing would be left.
func withoutNamespace(at, namespace string) string {
	namespace = strings.Trim(namespace, "/") + "/"
	if rest, ok := strings.CutPrefix(at, namespace); ok && rest != "" {
		return rest
	}
	return at
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

// metadataPath returns where the metadata of a secret is, given where its data
// is; ok is false where that is no data.
func (m mount) metadataPath(data string) (path string, ok bool) {
	if !m.versioned || !m.holds(data) {
		return "", false
	}
	name, ok := strings.CutPrefix(m.rest(data), "data/")
	return m.path + "metadata/" + name, ok && name != ""
}

// deleted tells whether s is a version that is deleted, or metadata with a
// time of deletion that is past.
func deleted(s *watch.Secret, now time.Time) bool {
	meta, _ := s.Data["metadata"].(map[string]any)
	return past(meta["deletion_time"], now)
}

func past(text any, now time.Time) bool {
	s, _ := text.(string)
	t, err := time.Parse(time.RFC3339, s)
	return err == nil && now.After(t)
}

// current tells from the metadata of a secret whether what was read of it is
// what would be read now: the version that was asked for, or the newest where
// version is "".
func current(read, metadata *watch.Secret, version string, now time.Time) bool {
	if read == nil || metadata == nil {
		return false
	}
	was, _ := read.Data["metadata"].(map[string]any)
	newest := text(metadata.Data["current_version"])
	if version == "" || version == "0" {
		version = newest
	}
	versions, _ := metadata.Data["versions"].(map[string]any)
	is, ok := versions[version].(map[string]any)
	if !ok || was == nil || text(was["version"]) != version || past(is["deletion_time"], now) {
		return false
	}
	for _, field := range []string{"created_time", "deletion_time", "destroyed"} {
		if text(was[field]) != text(is[field]) {
			return false
		}
	}
	return reflect.DeepEqual(was["custom_metadata"], metadata.Data["custom_metadata"])
}

// text returns what may be text, a number or a truth value, as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}
