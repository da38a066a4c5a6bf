package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// policy lets the page load only what belongs to it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses requests that other web sites make: those to a name that this server
// does not have (DNS rebinding), and those that a browser says come from elsewhere.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !s.hasName(r.Host):
			fail(w, http.StatusForbidden, fmt.Errorf("requests to the host %q are not answered: add its name to status.hosts", r.Host))
		case !sameOrigin(r):
			fail(w, http.StatusForbidden, fmt.Errorf("requests from other web sites are not answered"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hasName reports whether a request to this host, with or without a port, may be
// meant for this server.
func (s *Server) hasName(host string) bool {
	name := hostname(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	same := func(other string) bool { return strings.EqualFold(name, other) }
	return name != "" && (same("localhost") || same(hostname(s.o.Address)) || slices.ContainsFunc(s.o.Hosts, same))
}

// hostname returns a host without its port.
func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }

// sameOrigin reports whether a browser says nothing else than that its user, or a
// page of this server, makes the request.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err == nil && strings.EqualFold(u.Host, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Method == http.MethodGet // a link
}

// withToken has next handle the requests that bring the token.
func (s *Server) withToken(next http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte(s.o.Token))
	return func(w http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(token))
		switch {
		case s.o.Private:
		case s.o.Token == "":
			fail(w, http.StatusForbidden, fmt.Errorf("this is read-only: set status.token to allow changes"))
			return
		case !bearer || subtle.ConstantTimeCompare(got[:], want[:]) == 0:
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, fmt.Errorf("the token is missing or wrong"))
			return
		}
		control := http.NewResponseController(w) // a change may take longer than other requests
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetWriteDeadline(time.Time{})
		next(w, r)
	}
}
