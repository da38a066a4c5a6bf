package fetch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

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

func TestMetadataPath(t *testing.T) {
	two := mount{path: "secret/", versioned: true}
	for data, want := range map[string]string{
		"secret/data/foo": "secret/metadata/foo", "secret/data/a/b": "secret/metadata/a/b",
		"secret/data": "", "secret/metadata/foo": "", "secret/subkeys/foo": "", "other/data/foo": "",
	} {
		got, ok := two.metadataPath(data)
		if ok != (want != "") || ok && got != want {
			t.Errorf("the metadata of %s is at %q, %v; want %q", data, got, ok, want)
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

func TestCurrent(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	version := func(n, deletion string, destroyed bool) map[string]any {
		return map[string]any{
			"version": json.Number(n), "created_time": "2029-01-0" + n + "T00:00:00Z",
			"deletion_time": deletion, "destroyed": destroyed, "custom_metadata": nil,
		}
	}
	read := func(meta map[string]any) *watch.Secret {
		return &watch.Secret{Data: map[string]any{"data": map[string]any{"k": "v"}, "metadata": meta}}
	}
	metadata := func(newest string, custom any, versions ...map[string]any) *watch.Secret {
		all := make(map[string]any)
		for _, v := range versions {
			all[v["version"].(json.Number).String()] = v
		}
		return &watch.Secret{Data: map[string]any{"current_version": json.Number(newest), "custom_metadata": custom, "versions": all}}
	}
	one, two := version("1", "", false), version("2", "", false)
	tests := map[string]struct {
		read, metadata *watch.Secret
		version        string
		want           bool
	}{
		"same":                     {read(one), metadata("1", nil, one), "", true},
		"newer one":                {read(one), metadata("2", nil, one, two), "", false},
		"version 0 is the newest":  {read(one), metadata("2", nil, one, two), "0", false},
		"fixed":                    {read(one), metadata("2", nil, one, two), "1", true},
		"fixed, deleted":           {read(one), metadata("2", nil, version("1", "2029-02-01T00:00:00Z", false), two), "1", false},
		"fixed, destroyed":         {read(one), metadata("2", nil, version("1", "", true), two), "1", false},
		"fixed, gone":              {read(one), metadata("2", nil, two), "1", false},
		"deleted":                  {read(one), metadata("1", nil, version("1", "2029-02-01T00:00:00Z", false)), "", false},
		"to be deleted later":      {read(version("1", "2031-01-01T00:00:00Z", false)), metadata("1", nil, version("1", "2031-01-01T00:00:00Z", false)), "", true},
		"was to be deleted by now": {read(version("1", "2029-12-01T00:00:00Z", false)), metadata("1", nil, version("1", "2029-12-01T00:00:00Z", false)), "", false},
		"custom metadata":          {read(one), metadata("1", map[string]any{"owner": "me"}, one), "", false},
		"made anew":                {read(one), metadata("1", nil, map[string]any{"version": json.Number("1"), "created_time": "2029-06-01T00:00:00Z", "deletion_time": "", "destroyed": false}), "", false},
		"no metadata read":         {&watch.Secret{Data: map[string]any{"k": "v"}}, metadata("1", nil, one), "", false},
		"nothing read":             {nil, metadata("1", nil, one), "", false},
		"no answer":                {read(one), nil, "", false},
	}
	for name, tt := range tests {
		if got := current(tt.read, tt.metadata, tt.version, now); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
