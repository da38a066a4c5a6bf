package watch

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
)

// PKIParams returns the Params of a VaultPKI query: the body of the request,
// and the files that keep the certificate and its key.
func PKIParams(body url.Values, files ...string) string {
	escaped := make([]string, len(files))
	for i, file := range files {
		escaped[i] = url.QueryEscape(file)
	}
	return strings.Join(escaped, ",") + "?" + body.Encode()
}

// SplitPKIParams undoes PKIParams.
func SplitPKIParams(params string) (body url.Values, files []string, err error) {
	first, rest, _ := strings.Cut(params, "?")
	for file := range strings.SplitSeq(first, ",") {
		if file, err = url.QueryUnescape(file); err != nil {
			return nil, nil, err
		}
		if file != "" {
			files = append(files, file)
		}
	}
	body, err = url.ParseQuery(rest)
	return body, files, err
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
		body, files, _ := SplitPKIParams(q.Params)
		to := "->" + strings.Join(files, ",")
		if len(body) == 0 {
			return to
		}
		return to + " " + digest(q.Params)
	}
	return "?" + q.Params
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x", sum[:4])
}
