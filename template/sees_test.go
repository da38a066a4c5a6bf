package template

import (
	"testing"
	tmpltext "text/template"

	"restencil/funcs"
)

func TestSeesChecks(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"no services", `{{ key "a" }}{{ range ls "b" }}{{ .Key }}={{ .Value }}{{ . }}{{ end }}`, false},
		{"fields", `{{ range service "web" }}{{ .Node }} {{ .Address }}:{{ .Port }} {{ .Status }}{{ end }}`, false},
		{"tags and maps", `{{ range service "web" }}{{ range .Tags }}{{ . }}{{ end }}{{ .NodeMeta.rack }}{{ index .ServiceMeta "v" }}{{ .Tags | join "," }}{{ .Tags.Contains "a" }}{{ end }}`, false},
		{"a number", `{{ len (service "web") }}{{ service "web" | len }}`, false},
		{"conditions", `{{ if service "web" }}up{{ else if not (connect "web") }}down{{ end }}`, false},
		{"and, or", `{{ with or (service "a") (service "b") }}{{ range . }}{{ .ID }}{{ end }}{{ end }}`, false},
		{"variables", `{{ $all := service "web" }}{{ range $i, $s := $all }}{{ $i }}{{ $s.Address }}{{ end }}`, false},
		{"one name for two things", `{{ range $x := service "web" }}{{ $x.ID }}{{ end }}{{ range $x := ls "a" }}{{ $x }}{{ end }}`, false},
		{"a variable that is set", `{{ $x := "" }}{{ range service "web" }}{{ $x = .Address }}{{ end }}{{ $x }}`, false},
		{"index", `{{ (index (service "web") 0).Address }}`, false},
		{"services and their instances", `{{ range services }}{{ .Name }}{{ range service .Name }}{{ .Address }}{{ end }}{{ . }}{{ end }}`, false},
		{"groups", `{{ range $tag, $list := service "web" | byTag }}{{ $tag }}{{ range $list }}{{ .Address }}{{ end }}{{ end }}`, false},
		{"a group", `{{ range index (service "web" | byMeta "rack") "a" }}{{ .Address }}{{ end }}{{ with byPort (service "web") }}{{ len . }}{{ end }}`, false},
		{"a template", `{{ define "one" }}{{ .Address }}{{ end }}{{ range service "web" }}{{ template "one" . }}{{ end }}`, false},
		{"executeTemplate", `{{ define "one" }}{{ .Address }}{{ end }}{{ range service "web" }}{{ executeTemplate "one" . }}{{ end }}`, false},
		{"scratch", `{{ range service "web" }}{{ scratch.MapSet "a" .ID .Address }}{{ end }}{{ range scratch.MapValues "a" }}{{ . }}{{ end }}`, false},
		{"other values as a whole", `{{ nodes | toJSON }}{{ printf "%v" (ls "a") }}{{ range service "web" }}{{ .Node }}{{ end }}`, false},

		{"checks", `{{ range service "web" }}{{ range .Checks }}{{ .Output }}{{ end }}{{ end }}`, true},
		{"checks of a variable", `{{ range $s := service "web" }}{{ len $s.Checks }}{{ end }}`, true},
		{"checks of a chain", `{{ (index (service "web") 0).Checks.AggregatedStatus }}`, true},
		{"checks in a condition", `{{ range service "web" }}{{ if .Checks }}{{ .ID }}{{ end }}{{ end }}`, true},
		{"the list", `{{ service "web" }}`, true},
		{"an instance", `{{ range service "web" }}{{ . }}{{ end }}`, true},
		{"an instance of connect", `{{ range connect "web" }}{{ . }}{{ end }}`, true},
		{"an instance of a variable", `{{ range $s := service "web" }}{{ $s }}{{ end }}`, true},
		{"toJSON", `{{ service "web" | toJSON }}`, true},
		{"toJSON of a nested call", `{{ $x := toJSON (service "web") }}{{ $x }}`, true},
		{"toYAML", `{{ range service "web" }}{{ . | toYAML }}{{ end }}`, true},
		{"printf", `{{ range service "web" }}{{ printf "%v" . }}{{ end }}`, true},
		{"sprig", `{{ service "web" | sprig_toJson }}`, true},
		{"sprig list", `{{ $l := sprig_list (service "web") }}{{ len $l }}`, true},
		{"spew", `{{ service "web" | spew_dump }}`, true},
		{"plugin", `{{ plugin "x" (service "web" | toJSON) }}`, true},
		{"an unknown use", `{{ range service "web" }}{{ if eq . . }}{{ end }}{{ end }}`, true},
		{"a group as a whole", `{{ range service "web" | byTag }}{{ . }}{{ end }}`, true},
		{"a group by key", `{{ (service "web" | byTag).a }}`, true},
		{"index as a whole", `{{ index (service "web") 0 }}`, true},
		{"scratch keeps it", `{{ scratch.Set "a" (service "web") }}{{ scratch.Get "a" }}`, true},
		{"scratch is piped it", `{{ service "web" | scratch.Set "a" }}`, true},
		{"a template prints it", `{{ define "one" }}{{ . }}{{ end }}{{ range service "web" }}{{ template "one" . }}{{ end }}`, true},
		{"its root", `{{ define "one" }}{{ with 1 }}{{ $ }}{{ end }}{{ end }}{{ range service "web" }}{{ template "one" . }}{{ end }}`, true},
		{"a template of a template", `{{ define "b" }}{{ . }}{{ end }}{{ define "a" }}{{ template "b" . }}{{ end }}{{ template "a" service "web" }}`, true},
		{"executeTemplate prints it", `{{ define "one" }}{{ . }}{{ end }}{{ executeTemplate "one" (service "web") }}`, true},
		{"executeTemplate is piped it", `{{ define "one" }}{{ . }}{{ end }}{{ service "web" | executeTemplate "one" }}`, true},
		{"set in a later round", `{{ $x := "" }}{{ range service "web" }}{{ $x }}{{ $x = . }}{{ end }}`, true},
		{"set in another branch", `{{ $x := "" }}{{ if key "a" }}{{ $x = service "web" }}{{ end }}{{ $x }}`, true},
		{"the root is set", `{{ $ = service "web" }}{{ $ }}`, true},
		{"with, and else", `{{ with $x := service "web" }}{{ else }}{{ $x }}{{ end }}`, true},
		{"one or the other", `{{ or (key "a") (service "web") }}`, true},
		{"a range that sets", `{{ $s := "" }}{{ range $s = service "web" }}{{ end }}{{ $s }}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := tmpltext.New("").Funcs(funcs.MapFor(&funcs.Env{}, tt.text)).Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := seesChecks(text); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.text, got, tt.want)
			}
		})
	}
}
