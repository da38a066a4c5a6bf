package fetch

import (
	"encoding/json"
	"strings"
	"testing"

	"restencil/watch"
)

func TestPathsOfVersionedMounts(t *testing.T) {
	two := mount{path: "secret/", versioned: true}
	deep := mount{path: "team/a/kv/", versioned: true}
	tests := []struct {
		mount      mount
		path       string
		data, list string
	}{
		{two, "secret/foo", "secret/data/foo", "secret/metadata/foo"},
		{two, "secret/foo/bar", "secret/data/foo/bar", "secret/metadata/foo/bar"},
		{two, "secret/data/foo", "secret/data/foo", "secret/metadata/data/foo"},
		{two, "secret/metadata/foo", "secret/metadata/foo", "secret/metadata/foo"},
		{two, "secret/subkeys/foo", "secret/subkeys/foo", "secret/metadata/subkeys/foo"},
		{two, "secret/metadata", "secret/data/metadata", "secret/metadata"},
		{two, "secret/metadatafoo", "secret/data/metadatafoo", "secret/metadata/metadatafoo"},
		{two, "secret/data", "secret/data/data", "secret/metadata/data"},
		{two, "secret/database", "secret/data/database", "secret/metadata/database"},
		{two, "secret", "secret/data", "secret/metadata"},
		{two, "secrets/foo", "secrets/foo", "secrets/foo"},
		{deep, "team/a/kv/x", "team/a/kv/data/x", "team/a/kv/metadata/x"},
		{deep, "team/a/kv", "team/a/kv/data", "team/a/kv/metadata"},
		{mount{path: "secret/"}, "secret/foo", "secret/foo", "secret/foo"},
		{mount{}, "secret/foo", "secret/foo", "secret/foo"},
		{mount{versioned: true}, "secret/foo", "secret/foo", "secret/foo"},
	}
	for _, tt := range tests {
		if got := tt.mount.dataPath(tt.path); got != tt.data {
			t.Errorf("%+v: the data of %s is at %s, want %s", tt.mount, tt.path, got, tt.data)
		}
		if got := tt.mount.listPath(tt.path); got != tt.list {
			t.Errorf("%+v: the list of %s is at %s, want %s", tt.mount, tt.path, got, tt.list)
		}
	}
}

func TestParseMount(t *testing.T) {
	about := func(path, kind string, options any) *watch.Secret {
		return &watch.Secret{Data: map[string]any{"path": path, "type": kind, "options": options}}
	}
	v2 := map[string]any{"version": "2"}
	tests := map[string]struct {
		secret    *watch.Secret
		namespace string
		want      mount
	}{
		"version 2":             {about("secret/", "kv", v2), "", mount{"secret/", true, true}},
		"version 1":             {about("secret/", "kv", map[string]any{"version": "1"}), "", mount{"secret/", false, true}},
		"no options":            {about("secret/", "kv", nil), "", mount{"secret/", false, true}},
		"another engine":        {about("db/", "database", v2), "", mount{"db/", false, false}},
		"namespace":             {about("team/secret/", "kv", v2), "team", mount{"secret/", true, true}},
		"namespace with slash":  {about("team/secret/", "kv", v2), "team/", mount{"secret/", true, true}},
		"namespaces in a row":   {about("a/b/secret/", "kv", v2), "a/b", mount{"secret/", true, true}},
		"named as a namespace":  {about("team/", "kv", v2), "team", mount{"team/", true, true}},
		"taken away once":       {about("team/team/", "kv", v2), "team", mount{"team/", true, true}},
		"another's namespace":   {about("other/secret/", "kv", v2), "team", mount{"other/secret/", true, true}},
		"beginning like it":     {about("teams/secret/", "kv", v2), "team", mount{"teams/secret/", true, true}},
		"nothing":               {nil, "", mount{}},
		"something else":        {&watch.Secret{Data: map[string]any{"path": 5, "options": "x"}}, "", mount{}},
		"version as a number":   {about("secret/", "kv", map[string]any{"version": json.Number("2")}), "", mount{"secret/", false, true}},
		"generic, very old one": {about("secret/", "generic", map[string]any{"version": "2"}), "", mount{"secret/", false, true}},
	}
	for name, tt := range tests {
		if got := parseMount(tt.secret, tt.namespace); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzPaths(f *testing.F) {
	f.Add("secret/", "secret/foo")
	f.Add("team/a/kv/", "team/a/kv/data/x")
	f.Add("a/", "a")
	f.Fuzz(func(t *testing.T, at, path string) {
		if !strings.HasSuffix(at, "/") || at == "/" || strings.HasPrefix(at, "/") || path != strings.Trim(path, "/") || path == "" {
			t.Skip()
		}
		m := mount{path: at, versioned: true}
		data, list := m.dataPath(path), m.listPath(path)
		if !m.holds(path) {
			if data != path || list != path {
				t.Errorf("%q, outside of %q, became %q and %q", path, at, data, list)
			}
			return
		}
		for _, got := range []string{data, list} {
			if !m.holds(got) || strings.HasSuffix(got, "/") {
				t.Errorf("%q in %q became %q", path, at, got)
			}
		}
		if m.rest(data) != "data" && m.dataPath(data) != data {
			t.Errorf("%q in %q became %q, and that %q", path, at, data, m.dataPath(data))
		}
		if m.listPath(list) != list {
			t.Errorf("%q in %q became %q, and that %q", path, at, list, m.listPath(list))
		}
	})
}
