package lint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/lint"
	"restencil/template"
)

// inTemplate returns what is found in a template by itself.
func inTemplate(text string) []lint.Finding {
	l := lint.New(context.Background())
	l.Template(template.Options{Name: "a.ctmpl", Text: text})
	return l.Findings(nil)
}

// inConfig returns what is found in a configuration file.
func inConfig(t *testing.T, text string) []lint.Finding {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l := lint.New(context.Background())
	cfg, err := config.Parse([]string{"-config", path}, nil)
	switch {
	case err == nil:
		l.Config(cfg)
	case !l.Diagnostics(err):
		t.Fatal(err)
	}
	found := l.Findings(nil)
	for i := range found {
		found[i].File = filepath.Base(found[i].File)
	}
	return found
}

func rulesOf(found []lint.Finding) []string {
	var names []string
	for _, f := range found {
		names = append(names, f.Rule)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	section = regexp.MustCompile(`(?m)^## (.*)\n`)
	fenced  = regexp.MustCompile("(?s)\n```(gotmpl|hcl)\n(.*?)```\n")
)

// Each rule has a section in docs/lint.md, in which examples stand in twos: the
// first has what the rule finds, and in the second nothing is found.
func TestDocumentedRules(t *testing.T) {
	page, err := os.ReadFile("../../../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, rules []string
	headings := section.FindAllStringSubmatchIndex(string(page), -1)
	for i, h := range headings {
		rule, end := string(page[h[2]:h[3]]), len(page)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		if strings.Contains(rule, " ") {
			continue
		}
		documented = append(documented, rule)
		for j, m := range fenced.FindAllStringSubmatch(string(page[h[1]-1:end]), -1) {
			want := []string{rule}
			if j%2 == 1 {
				want = nil
			}
			found := inTemplate(m[2])
			if m[1] == "hcl" {
				found = inConfig(t, m[2])
			}
			if diff := cmp.Diff(want, rulesOf(found)); diff != "" {
				t.Errorf("%s, example %d: want (-), found (+):\n%s%v", rule, j+1, diff, found)
			}
		}
	}
	for _, r := range lint.Rules() {
		rules = append(rules, r.Name)
	}
	if diff := cmp.Diff(rules, documented); diff != "" {
		t.Errorf("rules (-) and sections of docs/lint.md (+):\n%s", diff)
	}
}

// What is found in templates, as PLACE RULE, and what is not.
func TestTemplates(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "a {{ key `a` }}\n", ""},
		{"sprig", "{{ key `a` | trimLeft }}", "1:14 unknown-function"},
		{"each function once", "{{ nosuch }}\n{{ nosuch | other }}", "1:4 unknown-function 2:4 unknown-function 2:13 unknown-function"},
		{"column in characters", "é {{ nosuch }}", "1:6 unknown-function"},
		{"function as an argument", "{{ print (nosuch 1) }}", "1:11 unknown-function"},
		{"in a part that nobody calls", "{{ define `a` }}{{ nosuch }}{{ end }}", "1:4 unused-define 1:20 unknown-function"},

		{"undefined variable", "a\n{{ $x }}", "2:1 syntax"},

		{"field of a variable", "{{ $w := service `web` }}{{ range $w }}{{ .Prot }}{{ end }}", "1:43 unknown-field"},
		{"field of an element", "{{ range $i, $s := service `web` }}{{ $s.Prot }}{{ end }}", "1:41 unknown-field"},
		{"field of an indexed element", "{{ (index (service `web`) 0).Prot }}", "1:29 unknown-field"},
		{"field of a list", "{{ with service `web` }}{{ .Address }}{{ end }}", "1:28 unknown-field"},
		{"field of text", "{{ range ls `a` }}{{ .Value.Name }}{{ end }}", "1:28 unknown-field"},
		{"field by tag", "{{ range $t, $l := service `web` | byTag }}{{ range $l }}{{ .Adress }}{{ end }}{{ end }}", "1:61 unknown-field"},
		{"field in a part", "{{ define `s` }}{{ .Adress }}{{ end }}{{ range service `web` }}{{ template `s` . }}{{ end }}", "1:20 unknown-field"},
		{"field of a node", "{{ with node `n` }}{{ .Node.Adress }}{{ end }}", "1:28 unknown-field"},
		{"fields that there are", "{{ with node }}{{ .Node.Address }}{{ range .Services }}{{ .Port }}{{ end }}{{ end }}" +
			"{{ range service `a` }}{{ .Checks.AggregatedStatus }}{{ .ServiceMeta.any }}{{ .Tags | join `` }}{{ end }}" +
			"{{ with secret `a` }}{{ .Data.data.x.y }}{{ .LeaseID }}{{ end }}{{ with nomadVar `a` }}{{ .x.Value }}{{ .Keys }}{{ end }}", ""},
		{"methods", "{{ scratch.Set `a` 1 }}{{ scratch.Get `a` }}{{ scratch.Got `a` }}", "1:55 unknown-field"},
		{"unknown types", "{{ with key `a` | parseJSON }}{{ .x.y }}{{ end }}{{ .x }}{{ range tree `a` | explode }}{{ .x.y }}{{ end }}", ""},
		{"variables that change", "{{ $x := `` }}{{ range service `a` }}{{ $x = . }}{{ end }}{{ $x.Address }}", ""},

		{"executeTemplate", "{{ define `a` }}x{{ end }}{{ executeTemplate `a` }}{{ executeTemplate `b` }}", "1:55 unknown-template"},
		{"computed name", "{{ define `a` }}x{{ end }}{{ executeTemplate (key `a`) }}", ""},
		{"part of an unused part", "{{ define `a` }}x{{ end }}{{ define `b` }}{{ template `a` }}{{ end }}", "1:4 unused-define 1:30 unused-define"},
		{"block", "{{ block `a` . }}x{{ end }}", ""},
		{"recursion", "{{ define `a` }}{{ template `a` . }}{{ end }}{{ template `a` service `x` }}", ""},

		{"random", "{{ sprig_randInt 1 2 }}{{ sprig_htpasswd `a` `b` }}", "1:4 changes-by-itself 1:27 changes-by-itself"},
		{"keys", "{{ range sprig_keys (key `a` | parseJSON) }}{{ . }}{{ end }}", "1:10 changes-by-itself"},
		{"sorted keys", "{{ range sprig_keys (key `a` | parseJSON) | sprig_sortAlpha }}{{ . }}{{ end }}", ""},

		{"upstream of a variable", "{{ $w := service `w` }}upstream w { {{ range $w }}server a; {{ end }} }", "1:46 empty-list"},
		{"upstream of keys", "upstream w\n{\n{{ range ls `w` }}server a;\n{{ end }}keepalive 4; }", "3:10 empty-list"},
		{"upstream of a part", "{{ define `s` }}{{ range . }}server a;{{ end }}{{ end }}upstream w { {{ template `s` service `w` }} }", "1:26 empty-list"},
		{"upstream of each service", "{{ range services }}{{ if contains `a` .Tags }}upstream {{ .Name }} {\n{{ range service .Name }}server a;{{ end }} }{{ end }}{{ end }}", "2:10 empty-list"},
		{"upstream within if", "{{ if service `w` }}upstream w { {{ range service `w` }}server a; {{ end }} }{{ end }}", ""},
		{"upstream within if of a variable", "{{ $w := service `w` }}{{ if gt (len $w) 0 }}upstream w { {{ range service `w` }}server a; {{ end }} }{{ end }}", ""},
		{"upstream within with", "{{ with service `w` }}upstream w { {{ range . }}server a; {{ end }} }{{ end }}", ""},
		{"upstream by tag", "{{ range $t, $l := service `w` | byTag }}upstream {{ $t }} { {{ range $l }}server a; {{ end }} }{{ end }}", ""},
		{"upstream with another server", "upstream w { {{ range service `w` }}server a; {{ end }} server b backup; }", ""},
		{"upstream with another list", "upstream w { {{ range service `w` }}server a; {{ end }}{{ range service `v` }}server a;{{ else }}server b;{{ end }} }", ""},
		{"upstream of a list that is never empty", "upstream w { {{ range safeLs `w` }}server a; {{ end }} }", ""},
		{"upstream in a comment", "# upstream w {\n{{ range service `w` }}server a; {{ end }} }", ""},
		{"backend of HAProxy", "backend w\n{{ range service `w` }}server a {{ .Address }}\n{{ end }}", ""},
		{"braces in branches", "{{ if env `a` }}server { {{ else }}server { a; {{ end }} }\nupstream w { {{ range service `w` }}server a; {{ end }} }", "2:23 empty-list"},

		{"all nodes", "{{ range nodes }}{{ with node .Node }}{{ .Node.Address }}{{ end }}{{ end }}", "1:10 all-services"},
		{"continue", "{{ range services }}{{ if eq .Name `a` }}{{ continue }}{{ end }}{{ range service .Name }}{{ .Port }}{{ end }}{{ end }}", ""},
		{"names of services", "{{ range services }}{{ .Name }}{{ end }}{{ range service `a` }}{{ .Port }}{{ end }}", ""},

		{"plugin of data", "{{ plugin (key `a`) }}", "1:4 shell-data"},
		{"plugin through a variable", "{{ $k := key `a` }}{{ plugin `/bin/bash` `-c` $k }}", "1:23 shell-data"},
		{"plugin of the environment", "{{ plugin `sh` `-c` (env `a`) }}{{ plugin `a` (key `b`) }}", ""},

		{"writeToFile", "{{ with pkiCert `p` }}{{ .Key | writeToFile `k` `` `` `0644` }}{{ .Cert | writeToFile `c` `` `` `0644` }}{{ end }}", "1:55 secret-mode"},

		{"old functions", "{{ vault `a` }}{{ key_or_default `a` `b` }}", "1:4 old-spelling 1:19 old-spelling"},
		{"old forms", `{{ range service "a@d:80" "passing, any" }}{{ .Tags.Contains "x" }}{{ end }}`, "1:10 old-spelling 1:10 old-spelling 1:47 old-spelling"},

		{"ignored", "{{/* lint:ignore changes-by-itself it may */}}\n{{ timestamp }}\n{{ timestamp }} # lint:ignore changes-by-itself,syntax it may", ""},
		{"ignored without a reason", "{{/* lint:ignore changes-by-itself */}}\n{{ timestamp }}", "2:4 changes-by-itself"},
		{"another one ignored", "{{/* lint:ignore empty-list it may */}}{{ timestamp }}", "1:43 changes-by-itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			found := inTemplate(tt.text)
			for _, f := range found {
				place := strings.TrimPrefix(strings.SplitN(firstLine(t, f), ": ", 2)[0], "a.ctmpl:")
				got = append(got, place+" "+f.Rule)
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("%s\nfound %s\nwant  %s\n%v", tt.text, got, tt.want, found)
			}
		})
	}
}

// firstLine returns how a finding begins as text.
func firstLine(t *testing.T, f lint.Finding) string {
	t.Helper()
	var b bytes.Buffer
	if err := lint.Write(&b, "text", "", []lint.Finding{f}); err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(b.String(), "\n")
	return line
}

func TestConfigurations(t *testing.T) {
	const secret = "contents = \"{{ (secret `a`).Data.x }}\"\ndestination = \"f\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "bundel \"a\" {}", `a.hcl:1:1: error: unknown key "bundel" [config]`},
		{"a problem of the whole", "bundle \"a\" {\ncommand = \"x\"\nreload = \"y\"\n}\n", `a.hcl:3:1: error: reload and command are the same: one of them is too many [config]`},
		{"no effect", "once = true", `a.hcl:1:1: warning: once is in effect here; consul-template ignores it in a file [config]`},
		{"old key", "token = \"x\"", `a.hcl:1:1: warning: token is deprecated [old-spelling]`},
		{"no template", "template {\nsource = \"nosuch\"\ndestination = \"x\"\n}", `a.hcl:1:1: error: failed to read template: open nosuch: no such file or directory [template-file]`},
		{"line in a heredoc", "template {\ncontents = <<EOT\na\n{{ nosuch }}\nEOT\ndestination = \"f\"\n}", `a.hcl:4:4: error: function "nosuch" is not defined [unknown-function]`},
		{"line in an indented heredoc", "template {\ncontents = <<-EOT\n\ta\n\t  {{ nosuch }}\n\tEOT\ndestination = \"f\"\n}", `a.hcl:4:7: error: function "nosuch" is not defined [unknown-function]`},
		{"line in a string", "template {\ncontents = \"a\\n{{ nosuch }}\"\ndestination = \"f\"\n}", `a.hcl:2:1: error: line 2, column 4 of contents: function "nosuch" is not defined [unknown-function]`},
		{"variable", "template {\ncontents = \"a\"\ndestination = \"f\"\n}\nexec {\ncommand = \"true\"\nenv_template \"A\" {\ncontents = \"{{ nosuch }}\"\n}\nenv_template \"B\" {\nsource = \"nosuch\"\n}\nenv_template \"C\" {\n" + strings.Split(secret, "\n")[0] + "\n}\n}",
			`a.hcl:8:1: error: line 1, column 4 of contents: function "nosuch" is not defined [unknown-function]` + "\n" +
				`a.hcl:10:14: error: failed to read template: open nosuch: no such file or directory [template-file]`},
		{"ignored", "# lint:ignore unknown-function it comes\ntemplate {\n# lint:ignore unknown-function it comes\ncontents = \"{{ nosuch }}\"\ndestination = \"f\"\n}", ""},

		{"secret", "template {\n" + secret + "}", "a.hcl:1:1: warning: f holds secrets, and its mode is 0644, unless the file exists with another one [secret-mode]"},
		{"open secret", "secret_perms = 0600\ntemplate {\n" + secret + "perms = 0644\n}", "a.hcl:5:1: warning: f holds secrets, and its mode is 0644 [secret-mode]"},
		{"open secrets", "secret_perms = 0660\ntemplate {\n" + secret + "}", "a.hcl:1:1: warning: f holds secrets, and its mode is 0660 [secret-mode]"},
		{"kept secret", "secret_perms = 0640\ntemplate {\n" + secret + "}", ""},
		{"certificate", "template {\ncontents = \"{{ with pkiCert `a` }}{{ .Cert }}{{ end }}\"\ndestination = \"f\"\n}", ""},
		{"certificate of an authority", "template {\ncontents = \"{{ with secret `pki/cert/ca` }}{{ .Data.certificate }}{{ end }}\"\ndestination = \"f\"\n}", ""},
		{"key of a certificate", "template {\ncontents = \"{{ with pkiCert `a` }}{{ .Key }}{{ end }}\"\ndestination = \"f\"\nperms = 0604\n}", "a.hcl:4:1: warning: f holds secrets, and its mode is 0604 [secret-mode]"},

		{"command of data", "template {\ncontents = \"{{ key `a` }}\"\ndestination = \"/f\"\ncommand = \"chmod +x /f && sudo /f\"\n}", "a.hcl:4:1: warning: this executes /f, of which data from a store is a part [shell-data]"},
		{"exec of data", "template {\ncontents = \"{{ key `a` }}\"\ndestination = \"/f\"\n}\nexec {\ncommand = [\"bash\", \"-e\", \"/f\"]\n}", "a.hcl:6:1: warning: this executes /f, of which data from a store is a part [shell-data]"},
		{"command without data", "template {\ncontents = \"{{ env `a` }}\"\ndestination = \"/f\"\ncommand = \"sh /f\"\n}", ""},

		{"check in a container", "bundle \"b\" {\ncheck = \"cd / && sudo kubectl exec x nginx -t\"\n}\ntemplate {\ncontents = \"a\"\ndestination = \"/f\"\nbundle = \"b\"\n}", "a.hcl:2:1: warning: kubectl lets another process do the work, which sees the old files and not the new ones [check-file]"},
		{"check of a service", "template {\ncontents = \"a\"\ndestination = \"/f\"\ncheck = \"service nginx configtest; docker-lint f\"\n}", ""},
		{"staged elsewhere", "template {\ncontents = \"a\"\ndestination = \"/f\"\ncommand = \"x {{ .Staged `f` }}\"\n}", "a.hcl:4:1: error: {{ .Staged `f` }} stands for a staged file in a check alone; here it stays as it is [check-file]"},
		{"names of docker", "template {\ncontents = \"a\"\ndestination = \"/f\"\ncommand = \"docker ps --format '{{.Names}}'\"\n}", ""},
		{"no such file", "template {\ncontents = \"a\"\ndestination = \"/haproxy.cfg\"\ncheck = \"haproxy -c -f {{ .Staged `haproxy.conf` }}\"\n}", "a.hcl:4:1: error: no file of this bundle is called \"haproxy.conf\" [check-file]"},
		{"which file", "bundle \"b\" {\ncheck = \"x {{ .File }} {{ .Staged `g` }}\"\n}\ntemplate {\ncontents = \"a\"\ndestination = \"/f\"\nbundle = \"b\"\n}\ntemplate {\ncontents = \"a\"\ndestination = \"/g\"\nbundle = \"b\"\n}", "a.hcl:2:1: error: {{ .File }} fails: the bundle has several files [check-file]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range inConfig(t, tt.text) {
				got = append(got, firstLine(t, f))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("%s\nwant (-), found (+):\n%s", tt.text, diff)
			}
		})
	}
}

// SARIF 2.1.0 requires these of a log.
func TestSARIF(t *testing.T) {
	found := append(inTemplate("{{ nosuch }}{{ timestamp }}"), lint.Finding{Rule: "config", Severity: lint.Warning, Message: "x"},
		lint.Finding{File: "/a b/c.hcl", Rule: "config", Severity: lint.Error, Message: "x"})
	for _, findings := range [][]lint.Finding{nil, found} {
		var b bytes.Buffer
		if err := lint.Write(&b, "sarif", "v1", findings); err != nil {
			t.Fatal(err)
		}
		var log struct {
			Schema  string `json:"$schema"`
			Version string
			Runs    []struct {
				Tool struct {
					Driver struct {
						Name  string
						Rules []struct {
							ID                   string
							ShortDescription     struct{ Text string }
							DefaultConfiguration struct{ Level string }
						}
					}
				}
				Results []struct {
					RuleID    string
					RuleIndex int
					Level     string
					Message   struct{ Text string }
					Locations []struct {
						PhysicalLocation struct {
							ArtifactLocation struct{ URI string }
							Region           *struct{ StartLine, StartColumn int }
						}
					}
				}
			}
		}
		if err := json.Unmarshal(b.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name == "" {
			t.Fatalf("not a log of SARIF 2.1.0:\n%s", b.Bytes())
		}
		run := log.Runs[0]
		if run.Results == nil || len(run.Results) != len(findings) {
			t.Fatalf("%d results of %d findings:\n%s", len(run.Results), len(findings), b.Bytes())
		}
		for _, r := range run.Tool.Driver.Rules {
			if r.ID == "" || r.ShortDescription.Text == "" || r.DefaultConfiguration.Level == "" {
				t.Errorf("incomplete rule %+v", r)
			}
		}
		for _, r := range run.Results {
			if r.Message.Text == "" || r.Level != "error" && r.Level != "warning" || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("incomplete result %+v", r)
			}
			for _, l := range r.Locations {
				at := l.PhysicalLocation
				if at.ArtifactLocation.URI == "" || strings.Contains(at.ArtifactLocation.URI, " ") || at.Region != nil && (at.Region.StartLine < 1 || at.Region.StartColumn < 1) {
					t.Errorf("incomplete location %+v", at)
				}
			}
		}
	}
}

// shown are what the pages show on purpose.
var shown = map[string][]string{
	"catalog.md":       {"all-services"},
	"configuration.md": {"config"},
	"files.md":         {"all-services"},
	"templates.md":     {"unknown-field", "unknown-function", "unknown-template"},
	"time.md":          {"changes-by-itself"},
}

// Nothing is found in the examples of this repository, and in the templates and
// configurations of its documentation but for what they show on purpose.
func TestExamplesAreClean(t *testing.T) {
	for _, pattern := range []string{"../../../examples/*/*.ctmpl", "../../../examples/*/*.hcl", "../../../docs/*.md", "../../../docs/functions/*.md", "../../../README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, ".nomad.hcl") {
				continue // a job or policy of Nomad
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check := func(kind, text string) {
				found := inTemplate(text)
				if kind == "hcl" {
					found = inConfig(t, text)
				}
				for _, f := range found {
					if f.Rule != "template-file" && !slices.Contains(shown[filepath.Base(path)], f.Rule) {
						t.Errorf("%s: %s", path, firstLine(t, f))
					}
				}
			}
			switch filepath.Ext(path) {
			case ".ctmpl":
				check("gotmpl", string(text))
			case ".hcl":
				check("hcl", string(text))
			default:
				if filepath.Base(path) == "lint.md" {
					continue
				}
				for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
					check(m[1], m[2])
				}
			}
		}
	}
}

// No text makes it panic, or takes it longer than a moment.
// However large a template is, lint ends soon, says what it has left out, and finds the
// last mistake, too.
func TestLarge(t *testing.T) {
	const n = 12_000
	const short = "no more than 50000 nodes were looked at, or no more than 1000 findings are shown"
	for name, tt := range map[string]struct {
		text  string
		rules []string
		one   string // of what is found
	}{
		"a mistake in each line":     {strings.Repeat("{{ nosuch \"a\" }}\n", n), []string{"incomplete", "unknown-function"}, short},
		"all in one line":            {strings.Repeat("{{ nosuch \"a\" }}", n), []string{"incomplete", "unknown-function"}, short},
		"many parts":                 {numbered("{{ define \"d%d\" }}x{{ end }}\n", n), []string{"incomplete", "unused-define"}, short},
		"many variables":             {numbered("{{ $v%[1]d := \"x\" }}{{ $v%[1]d }}\n", n/4) + "{{ nosuch }}", []string{"unknown-function"}, `function "nosuch" is not defined`},
		"many nodes":                 {strings.Repeat("{{ \"a\" }}\n", 2*n) + "{{ nosuch }}", []string{"unknown-function"}, `function "nosuch" is not defined`},
		"lists in conditions":        {strings.Repeat("{{ if key \"a\" }}{{ range service \"b\" }}x", 4000) + strings.Repeat("{{ end }}{{ end }}", 4000) + "{{ nosuch }}", []string{"unknown-function"}, `function "nosuch" is not defined`},
		"deep":                       {strings.Repeat("{{ if key \"a\" }}", n) + "{{ nosuch }}" + strings.Repeat("{{ end }}", n), []string{"unknown-function"}, `function "nosuch" is not defined`},
		"parts that call each other": {numbered("{{ define \"d%[1]d\" }}{{ if . }}a{{ else }}b{{ end }}{{ end }}{{ template \"d%[1]d\" . }}\n", 4*n), []string{"incomplete"}, short},
	} {
		t.Run(name, func(t *testing.T) {
			found := inTemplate(tt.text)
			if diff := cmp.Diff(tt.rules, rulesOf(found)); diff != "" {
				t.Fatal(diff)
			}
			if !slices.ContainsFunc(found, func(f lint.Finding) bool { return f.Message == tt.one }) || len(found) > 1001 {
				t.Errorf("%d findings, want %q", len(found), tt.one)
			}
		})
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// What is asked to end looks at nothing more.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := lint.New(ctx)
	l.Template(template.Options{Name: "a.ctmpl", Text: "{{ nosuch }}"})
	if found := l.Findings(nil); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, pattern := range []string{"../../../docs/*.md", "../../../docs/functions/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				f.Fatal(err)
			}
			for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
				f.Add(m[2])
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range inTemplate(text) {
			if found.Line < 1 || found.Column < 1 || found.Message == "" || found.Severity == "" {
				t.Errorf("incomplete finding %+v", found)
			}
		}
	})
}
