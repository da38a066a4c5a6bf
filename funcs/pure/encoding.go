package pure

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"text/template"

	"github.com/BurntSushi/toml"
	"gopkg.in/yaml.v2"
)

// encodingFuncs returns the functions that read and write JSON, YAML, TOML and
// base64, and the checksums (COMPAT 3.9). The YAML is yaml.v2's: another library
// words and orders things differently. TOML's must stay at v1.5: from v1.6 on it
// writes large floats with an exponent.
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

// decoder returns a function that reads any value. Empty text, which is what a
// key gives that has not arrived yet, is an empty map.
func decoder(unmarshal func([]byte, any) error) func(string) (any, error) {
	return func(s string) (v any, err error) {
		if s == "" {
			return map[string]any{}, nil
		}
		if err := unmarshal([]byte(s), &v); err != nil {
			return nil, err
		}
		return v, nil
	}
}

// encoder returns a function that writes any value, without a newline at the end.
func encoder(name string, marshal func(any) ([]byte, error)) func(any) (string, error) {
	return func(v any) (string, error) {
		text, err := marshal(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return string(bytes.TrimSpace(text)), nil
	}
}

// jsonMarshal returns a json.MarshalIndent that escapes <, > and & or does not.
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
