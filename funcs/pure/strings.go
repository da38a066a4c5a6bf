package pure

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"gopkg.in/yaml.v2"
)

// stringFuncs returns the functions on text, and those of regular expressions
// (COMPAT 3.9). The text is the last argument, so that it can be piped in.
func stringFuncs() template.FuncMap {
	return template.FuncMap{
		"indent":     indent,
		"join":       func(sep string, list []string) string { return strings.Join(list, sep) },
		"regexMatch": regexp.MatchString,
		"regexReplaceAll": func(re, repl, s string) (string, error) {
			r, err := regexp.Compile(re)
			if err != nil {
				return "", err
			}
			return r.ReplaceAllString(s, repl), nil
		},
		"replaceAll": func(from, to, s string) string { return strings.ReplaceAll(s, from, to) },
		"split":      split,
		"splitToMap": splitToMap,
		"toLower":    strings.ToLower,
		"toTitle":    func(s string) string { return cases.Title(language.Und, cases.NoLower).String(s) },
		"toUpper":    strings.ToUpper,
		"trim":       func(cutset, s string) string { return strings.Trim(s, cutset) },
		"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trimSpace":  strings.TrimSpace,
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	}
}

// indent puts so many spaces before each line that is not empty.
func indent(spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", errors.New("indent value must be a positive integer")
	}
	pad := strings.Repeat(" ", spaces)
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(pad)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// split splits s, without surrounding white space, at each sep, or between characters
// if sep is empty. Blank text has no parts.
func split(sep, s string) []string {
	s = strings.TrimSpace(s)
	if s == "" {
		return []string{}
	}
	return strings.Split(s, sep)
}

// splitToMap splits s like split at each itemSep, and each item at its first keySep
// into a key and a value. It omits items without keySep. The last value of a key is
// used.
func splitToMap(itemSep, keySep, s string) map[string]string {
	m := make(map[string]string)
	for _, item := range split(itemSep, s) {
		if key, value, ok := strings.Cut(item, keySep); ok {
			m[key] = value
		}
	}
	return m
}

// encodingFuncs returns the functions of JSON, YAML, TOML, base64 and checksums
// (COMPAT 3.9). yaml.v3 would give other bytes, and so would TOML from v1.6 on, for
// large floats.
func encodingFuncs() template.FuncMap {
	return template.FuncMap{
		"parseJSON":             decoder(json.Unmarshal),
		"toJSON":                encoder("toJSON", jsonMarshal("", true)),
		"toJSONPretty":          encoder("toJSONPretty", jsonMarshal("  ", true)),
		"toUnescapedJSON":       encoder("toUnescapedJSON", jsonMarshal("", false)),
		"toUnescapedJSONPretty": encoder("toUnescapedJSONPretty", jsonMarshal("  ", false)),

		"parseYAML": decoder(yaml.Unmarshal),
		"toYAML":    encoder("toYAML", yaml.Marshal),
		"toTOML":    encoder("toTOML", toml.Marshal),

		"base64Encode":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64Decode":    base64Decoder("base64Decode", base64.StdEncoding),
		"base64URLEncode": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"base64URLDecode": base64Decoder("base64URLDecode", base64.URLEncoding),

		"hmacSHA256Hex": func(message, key string) string {
			h := hmac.New(sha256.New, []byte(key))
			h.Write([]byte(message))
			return fmt.Sprintf("%x", h.Sum(nil))
		},
		"md5sum":    func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) },
		"sha256Hex": func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) },
	}
}

// decoder returns a function that decodes any value. Empty text, the value of a key
// without an answer, is an empty map.
func decoder(unmarshal func([]byte, any) error) func(string) (any, error) {
	return func(s string) (v any, err error) {
		if s == "" {
			return map[string]any{}, nil
		}
		if err := unmarshal([]byte(s), &v); err != nil {
			why := "not valid YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")
			if e, ok := errors.AsType[*json.SyntaxError](err); ok {
				why = jsonError(s, e)
			}
			return nil, &ParseError{s, why}
		}
		return v, nil
	}
}

// jsonError returns err with its line and column.
func jsonError(text string, err *json.SyntaxError) string {
	before := text[:max(0, min(int(err.Offset), len(text))-1)]
	unexpected := "unexpected end"
	if !strings.HasPrefix(err.Error(), unexpected) {
		r, _ := utf8.DecodeRuneInString(text[len(before):])
		unexpected = fmt.Sprintf("unexpected %q", string(r))
	}
	return fmt.Sprintf("not valid JSON: line %d, column %d: %s", 1+strings.Count(before, "\n"), len(before)-strings.LastIndexByte(before, '\n'), unexpected)
}

// encoder returns a function that encodes any value, without a final newline.
func encoder(name string, marshal func(any) ([]byte, error)) func(any) (string, error) {
	return func(v any) (string, error) {
		text, err := marshal(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return string(bytes.TrimSpace(text)), nil
	}
}

// jsonMarshal returns a function like json.MarshalIndent that escapes <, > and & if
// escape is true.
func jsonMarshal(indent string, escape bool) func(any) ([]byte, error) {
	return func(v any) ([]byte, error) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(escape)
		enc.SetIndent("", indent)
		err := enc.Encode(v)
		return b.Bytes(), err
	}
}

func base64Decoder(name string, alphabet *base64.Encoding) func(string) (string, error) {
	return func(s string) (string, error) {
		b, err := alphabet.DecodeString(s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return string(b), nil
	}
}
