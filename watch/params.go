package watch

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
)

// PKIParams returns the Params of a VaultPKI query: the body of the request,
// and the file that keeps the certificate.
func PKIParams(destination string, body url.Values) string {
	return url.QueryEscape(destination) + "?" + body.Encode()
}

// SplitPKIParams undoes PKIParams.
func SplitPKIParams(params string) (destination string, body url.Values, err error) {
	first, rest, _ := strings.Cut(params, "?")
	if destination, err = url.QueryUnescape(first); err != nil {
		return "", nil, err
	}
	body, err = url.ParseQuery(rest)
	return destination, body, err
}

// params returns what String shows of q.Params. The body of a request to
// Vault may hold secrets; a digest stands for it.
func (q Query) params() string {
	switch {
	case q.Params == "":
		return ""
	case q.Kind == FileContent:
		return " in " + q.Params
	case q.Kind == NomadService:
		return ":" + q.Params
	case q.Kind == VaultWrite:
		return " -> " + digest(q.Params)
	case q.Kind == VaultPKI:
		destination, body, _ := SplitPKIParams(q.Params)
		if len(body) == 0 {
			return "->" + destination
		}
		return "->" + destination + " " + digest(q.Params)
	}
	return "?" + q.Params
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x", sum[:4])
}
