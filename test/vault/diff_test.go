package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestDiff: -diff and -shadow show no secret, not even one that a template has changed,
// write nothing, and give back what they have taken.
func TestDiff(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	s.server.Write("leased/a", map[string]any{"v": "canary1", "ttl": "1h"})
	s.put("a", map[string]any{"v": "canary2"})
	s.appRole(map[string]any{"token_ttl": "1h"})
	s.template("a", `user={{ with secret "leased/a" }}{{ .Data.v }}{{ end }} password={{ with secret "secret/a" }}{{ .Data.data.v | toUpper }}{{ end }}`)
	for _, flags := range [][]string{{"-diff"}, {"-shadow", "-once"}} {
		printed, logged := s.run(2, flags...)
		if lower := strings.ToLower(printed + logged); strings.Contains(lower, "canary") || !strings.Contains(printed, "+user=*** password=***\n") {
			t.Errorf("%v printed %s%s", flags, printed, logged)
		}
	}
	if _, err := os.Stat(s.file("a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	await.Eventually(t, func() error { // Vault ends leases after it has said so
		if n, tokens := len(s.leases("leased/a/")), len(s.leases("auth/approle/login/")); n+tokens > 0 {
			return fmt.Errorf("%d leases and %d tokens are left", n, tokens)
		}
		return nil
	})
}
