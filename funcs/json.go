package funcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
)

// jsonFuncs returns the functions that read and write JSON (COMPAT 3.9).
func jsonFuncs() template.FuncMap {
	return template.FuncMap{
		"parseJSON":             parseJSON,
		"toJSON":                toJSON,
		"toJSONPretty":          toJSONPretty,
		"toUnescapedJSON":       toUnescapedJSON,
		"toUnescapedJSONPretty": toUnescapedJSONPretty,
	}
}

// parseJSON reads any JSON value; its numbers are floats. Empty text, which is
// what a key gives that has not arrived yet, is an empty map.
func parseJSON(s string) (any, error) {
	if s == "" {
		return map[string]any{}, nil
	}
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return nil, err
	}
	return v, nil
}

// toJSON writes v on one line, keys sorted, with <, > and & escaped.
func toJSON(v any) (string, error) {
	if err := writable("toJSON", v); err != nil {
		return "", err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("toJSON: %w", err)
	}
	return string(b), nil
}

// toJSONPretty is toJSON over several lines, indented by two spaces.
func toJSONPretty(v any) (string, error) {
	if err := writable("toJSONPretty", v); err != nil {
		return "", err
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return "", fmt.Errorf("toJSONPretty: %w", err)
	}
	return string(b), nil
}

// toUnescapedJSON is toJSON without escapes for HTML.
func toUnescapedJSON(v any) (string, error) {
	return encodeJSON("toUnescapedJSON", "", v)
}

// toUnescapedJSONPretty is toJSONPretty without escapes for HTML.
func toUnescapedJSONPretty(v any) (string, error) {
	return encodeJSON("toUnescapedJSONPretty", "  ", v)
}

func encodeJSON(function, indent string, v any) (string, error) {
	if err := writable(function, v); err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("%s: %w", function, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
