package funcs

import (
	"strings"
	"testing"
)

// What may print a list that the template has made is weighed, and nothing
// else: that takes time.
func TestWhatIsWeighed(t *testing.T) {
	for _, tt := range []struct{ text, want string }{ // of want only what is printed counts
		{`{{ key "a" }}{{ $x }}{{ 1 }}{{ "a" }}`, `{{$x | define}}`},
		{`{{ $x | toJSON }}{{ index $x 0 }}{{ len $x }}`, `{{index $x 0 | define}}`},
		{`{{ .A }}{{ . }}{{ $ }}`, `{{.A | define}}{{. | define}}{{$ | define}}`},
		{`{{ scratch.Set "a" 1 }}{{ scratch.MapSetX "a" "b" 1 }}{{ scratch.Get "a" }}{{ scratch }}`, `{{scratch.Get "a" | define}}{{scratch | define}}`},
		{`{{ range service "a" }}{{ .Address }}{{ if .Port }}{{ .Port }}{{ end }}{{ end }}{{ .Address }}`, `{{.Address | define}}`},
		{`{{ range $i, $s := service "a" }}{{ $i }}{{ $s.Address }}{{ $s }}{{ end }}`, ``},
		{`{{ range service "a" }}{{ . }}{{ .X | or $x }}{{ end }}`, `{{. | define}}{{.X | or $x | define}}`},
		{`{{ range service "a" }}{{ with $x }}{{ .A }}{{ else }}{{ .A }}{{ end }}{{ range $x }}{{ .B }}{{ end }}{{ end }}`, `{{.A | define}}{{.B | define}}`},
		{`{{ range service "a" | byTag }}{{ .A }}{{ end }}{{ range $x }}{{ .A }}{{ else }}{{ .B }}{{ end }}`, `{{.A | define}}{{.A | define}}{{.B | define}}`},
		{`{{ range $s := service "a" }}{{ $s.A }}{{ $s = $x }}{{ end }}`, `{{$s.A | define}}`},
		{`{{ range $s := service "a" }}{{ with $s := $x }}{{ $s.A }}{{ end }}{{ end }}`, `{{$s.A | define}}`},
		{`{{ $s := $x }}{{ range $s = service "a" }}{{ $s.A }}{{ end }}`, `{{$s.A | define}}`},
		{`{{ define "t" }}{{ .A }}{{ end }}{{ range service "a" }}{{ template "t" $x }}{{ end }}`, `{{.A | define}}`},
	} {
		p, err := parsePage(`{{ $x := sprig_list 1 }}` + tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var weighed strings.Builder
		for _, part := range p.text.Templates() {
			for action := range strings.SplitAfterSeq(part.Root.String(), "}}") {
				if strings.HasSuffix(action, " | define}}") {
					weighed.WriteString(action[strings.Index(action, "{{"):])
				}
			}
		}
		if weighed.String() != tt.want {
			t.Errorf("%s\nweighs %s\nwant   %s", tt.text, &weighed, tt.want)
		}
	}
}
