package vault

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestHTTPShowsNoSecret reads all that is served over HTTP about secrets that change:
// those in the files, what templates make of them, and the tokens.
func TestHTTPShowsNoSecret(t *testing.T) {
	t.Parallel()
	const canary, statusToken = "tweety-8c1d", "sylvester-77a0"
	s := newSite(t, servers.Vault(t))
	s.vault += "\n default_lease_duration = \"1s\""
	s.put("app", map[string]any{"password": canary + "-1"})
	s.block("history", "history_secrets = true")
	s.block("log", `log_level = "info"`)
	s.block("status", fmt.Sprintf("status {\n address = \"127.0.0.1:0\"\n token = %q\n}", statusToken))
	s.block("bundle", "bundle \"web\" {\n command = \"true\"\n guard { max_shrink = \"50%\" }\n}")
	const text = `{{ with secret "secret/data/app" }}password={{ .Data.data.password }} encoded={{ .Data.data.password | base64Encode }}{{ end }}`
	s.template("web", text, `bundle = "web"`)
	s.template("alone", text)
	d := s.start()
	served := regexp.MustCompile(`the status is served at (http://\S+?)/`)
	base := ""
	await.Eventually(t, func() error {
		if m := served.FindStringSubmatch(d.Log.String()); m != nil {
			base = m[1]
			return nil
		}
		return errors.New("it is not served")
	})
	get := func(path string) string {
		t.Helper()
		r, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK && path != "/ready" {
			t.Fatalf("%s: %s %v\n%s", path, r.Status, err, body)
		}
		return string(body)
	}
	has := func(path, want string) func() error {
		return func() error {
			if got := get(path); !strings.Contains(got, want) {
				return fmt.Errorf("%s has no %s:\n%s", path, want, got)
			}
			return nil
		}
	}
	await.Eventually(t, has("/ready", `"ready":true`))
	s.put("app", map[string]any{"password": canary + "-two"})
	await.Eventually(t, has("/v1/history?bundle=web", `"generation":2`))
	s.put("app", map[string]any{"password": ""}) // the guard holds that
	await.Eventually(t, has("/v1/status", `"state":"held"`))

	events, err := http.Get(base + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	lines := bufio.NewScanner(events.Body)
	lines.Buffer(nil, 1<<20)
	stream := ""
	for lines.Scan() && lines.Text() != "" {
		stream += lines.Text()
	}
	diff, history := "/v1/diff?bundle=web", "/v1/history?bundle=web"
	shown := map[string]string{"/v1/events": stream}
	for _, path := range []string{"/", "/page.js", "/ready", "/live", "/metrics", "/v1/status", "/v1/status?bundle=web", diff, history,
		"/v1/diff?bundle=" + url.QueryEscape(s.file("alone"))} {
		shown[path] = get(path)
	}
	if !strings.Contains(shown[diff], "-password=***") || !strings.Contains(shown[history], "+***=***") {
		t.Errorf("the changes are not shown:\n%s\n%s", shown[diff], shown[history])
	}
	shown["the log"] = d.Log.String()
	for _, secret := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))[:12], statusToken} {
		for path, text := range shown {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s:\n%s", path, secret, text)
			}
		}
	}
}
