package funcs

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"text/template"
)

// hashFuncs returns the checksums, all in lower-case hexadecimal (COMPAT 3.9).
func hashFuncs() template.FuncMap {
	return template.FuncMap{
		"hmacSHA256Hex": hmacSHA256Hex,
		"md5sum":        md5sum,
		"sha256Hex":     sha256Hex,
	}
}

// sha256Hex returns the SHA-256 of s.
func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// md5sum returns the MD5 of s, which is good for telling versions of a file
// apart and for nothing secret.
func md5sum(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// hmacSHA256Hex signs message with key.
func hmacSHA256Hex(message, key string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}
