package token

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"restencil/watch/schedule"
	"restencil/watch/vault/client"
)

// TestLostLogins: a login whose answer is lost may have made a token; however
// short the pauses are that somebody wants, there is no heap of them.
func TestLostLogins(t *testing.T) {
	for name, c := range map[string]struct {
		err         error
		least, most int // logins in ten minutes
	}{
		"lost":       {&client.UnansweredError{Err: io.EOF}, 50, 65},
		"cut off":    {status(http.StatusGatewayTimeout, "no"), 50, 65},
		"internal":   {status(http.StatusInternalServerError, "no"), 500, 2000},
		"no network": {&client.UnansweredError{Err: &net.OpError{Op: "dial", Err: errDown}}, 500, 2000},
		"sealed":     {status(http.StatusServiceUnavailable, "Vault is sealed"), 500, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			runManager(t, Options{Login: kubernetes}, func(m *tokenModel) {
				m.failed, m.retry = c.err, schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Second}
			}, func(s *managerTest) {
				time.Sleep(10 * time.Minute)
				if n := s.vault.count("login"); n < c.least || n > c.most {
					t.Errorf("%d logins in 10 minutes", n)
				}
			})
		})
	}
}
