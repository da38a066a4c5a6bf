package funcs

import (
	"strings"
	"text/template"

	sockaddr "github.com/hashicorp/go-sockaddr/template"
)

// sockaddrFuncs returns the function that asks for this host's addresses
// (COMPAT 3.11).
func sockaddrFuncs() template.FuncMap {
	return template.FuncMap{"sockaddr": hostAddress}
}

// hostAddress evaluates an expression of go-sockaddr's own little language
// against the host's network interfaces.
func hostAddress(expression ...string) (string, error) {
	return sockaddr.Parse("{{ " + strings.Join(expression, " ") + " }}")
}
