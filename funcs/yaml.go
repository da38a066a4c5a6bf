package funcs

import (
	"bytes"
	"fmt"
	"text/template"

	"gopkg.in/yaml.v2"
)

// yamlFuncs returns the functions that read and write YAML, which is yaml.v2's
// (COMPAT 3.9): another library words and orders things differently.
func yamlFuncs() template.FuncMap {
	return template.FuncMap{
		"parseYAML": parseYAML,
		"toYAML":    toYAML,
	}
}

// parseYAML reads any YAML value; keys of its maps may be of any type. Empty
// text, which is what a key gives that has not arrived yet, is an empty map.
func parseYAML(s string) (any, error) {
	if s == "" {
		return map[string]any{}, nil
	}
	var v any
	if err := yaml.Unmarshal([]byte(s), &v); err != nil {
		return nil, err
	}
	return v, nil
}

// toYAML writes v in block style, without a newline at the end.
func toYAML(v any) (string, error) {
	if err := writable("toYAML", v); err != nil {
		return "", err
	}
	b, err := yaml.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("toYAML: %w", err)
	}
	return string(bytes.TrimSpace(b)), nil
}
