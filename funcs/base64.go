package funcs

import (
	"encoding/base64"
	"fmt"
	"text/template"
)

// base64Funcs returns the functions of both base64 alphabets, padded
// (COMPAT 3.9).
func base64Funcs() template.FuncMap {
	return template.FuncMap{
		"base64Decode":    base64Decode,
		"base64Encode":    base64Encode,
		"base64URLDecode": base64URLDecode,
		"base64URLEncode": base64URLEncode,
	}
}

// base64Decode decodes the standard alphabet.
func base64Decode(s string) (string, error) {
	return decodeBase64("base64Decode", base64.StdEncoding, s)
}

// base64Encode encodes in the standard alphabet.
func base64Encode(s string) (string, error) {
	return encodeBase64("base64Encode", base64.StdEncoding, s)
}

// base64URLDecode decodes the alphabet that is safe in URLs and file names.
func base64URLDecode(s string) (string, error) {
	return decodeBase64("base64URLDecode", base64.URLEncoding, s)
}

// base64URLEncode encodes in the alphabet that is safe in URLs and file names.
func base64URLEncode(s string) (string, error) {
	return encodeBase64("base64URLEncode", base64.URLEncoding, s)
}

func encodeBase64(function string, enc *base64.Encoding, s string) (string, error) {
	if err := fits(function, 2, len(s)); err != nil {
		return "", err
	}
	return enc.EncodeToString([]byte(s)), nil
}

func decodeBase64(function string, enc *base64.Encoding, s string) (string, error) {
	b, err := enc.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("%s: %w", function, err)
	}
	return string(b), nil
}
