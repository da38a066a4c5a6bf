package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/watch/printable"
)

// Formats are those that Write knows, the default first.
func Formats() []string { return []string{"text", "json", "sarif", "github"} }

// Write prints findings: as text for people, as JSON with an object a line, as
// SARIF 2.1.0, or as the commands by which GitHub annotates a change.
func Write(w io.Writer, format, version string, findings []Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if format == "sarif" {
		encoder.SetIndent("", "  ")
		return encoder.Encode(sarif(version, findings))
	}
	for _, f := range findings {
		var err error
		switch format {
		case "json":
			err = encoder.Encode(f)
		case "github":
			_, err = fmt.Fprintln(w, f.github())
		default:
			d := hcl1.Diagnostic{
				Position: hcl1.Position{File: f.File, Line: f.Line, Column: f.Column},
				Message:  fmt.Sprintf("%s: %s [%s]", f.Severity, f.Message, f.Rule),
				Hint:     f.Hint, Line: f.source, Width: f.width,
			}
			_, err = fmt.Fprintln(w, printable.Text(d.Error()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// text returns message and hint in one.
func (f Finding) text() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

// github returns the workflow command of a finding.
func (f Finding) github() string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	place := ""
	if f.File != "" {
		place = fmt.Sprintf(",file=%s,line=%d,col=%d", property.Replace(f.File), max(1, f.Line), max(1, f.Column))
	}
	return fmt.Sprintf("::%s title=%s%s::%s", f.Severity, property.Replace(f.Rule), place, data.Replace(f.text()))
}

// An object is one of JSON. Its keys are written in the order of the alphabet.
type object = map[string]any

// sarif returns findings as SARIF.
func sarif(version string, findings []Finding) object {
	rules, results := []object{}, []object{}
	for _, r := range Rules() {
		rules = append(rules, object{
			"id":                   r.Name,
			"shortDescription":     object{"text": r.Summary},
			"defaultConfiguration": object{"level": r.Severity},
		})
	}
	for _, f := range findings {
		result := object{
			"ruleId":    f.Rule,
			"ruleIndex": slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == f.Rule }),
			"level":     f.Severity,
			"message":   object{"text": f.text()},
		}
		if f.File != "" {
			result["locations"] = []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": uri(f.File)},
				"region":           object{"startLine": max(1, f.Line), "startColumn": max(1, f.Column)},
			}}}
		}
		results = append(results, result)
	}
	return object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"columnKind": "unicodeCodePoints",
			"tool":       object{"driver": object{"name": "restencil", "version": version, "rules": rules}},
			"results":    results,
		}},
	}
}

// uri returns the reference by which SARIF calls a file.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
	}
	return u.String()
}
