package vault

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

func pkiQuery(body url.Values, keepers ...string) watch.Query {
	return watch.Query{Kind: watch.VaultPKI, Name: "pki/issue/web", Params: watch.PKIParams(body, keepers...)}
}

// certificates returns what a sink got, and sees to it that each is a pair.
func certificates(t *testing.T, s *sinkModel) []watch.Certificate {
	t.Helper()
	var list []watch.Certificate
	for _, a := range s.answers() {
		c := a.(watch.Certificate)
		if _, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key)); err != nil {
			t.Errorf("certificate and key do not belong together: %v", err)
		}
		for _, text := range append([]string{c.Cert, c.Key, c.CA}, c.CAChain...) {
			if !strings.HasSuffix(text, "-----\n") {
				t.Errorf("no newline at the end of %.30q", text)
			}
		}
		if len(c.CAChain) != 2 || c.CA != c.CAChain[0] {
			t.Errorf("the chain has %d certificates", len(c.CAChain))
		}
		list = append(list, c)
	}
	return list
}

func inPKI(t *testing.T, ttl time.Duration, test func(*world, *engine)) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.pki = newAuthorityModel(t)
		e := w.vault.mount("pki/", "pki")
		e.ttl = ttl
		test(w, e)
	})
}

func TestIssue(t *testing.T) {
	inPKI(t, 24*time.Hour, func(w *world, e *engine) {
		s := w.watch(pkiQuery(url.Values{"common_name": {"web.example"}}))
		pass(20 * time.Hour)
		if n := len(certificates(t, s)); n != 1 || w.issues(e) != 1 {
			t.Fatalf("%d certificates, %d issues; failure: %v", n, w.issues(e), s.failure())
		}
		pass(4 * time.Hour)
		if n := len(certificates(t, s)); n != 2 || w.issues(e) != 2 {
			t.Errorf("%d certificates, %d issues after a day; failure: %v", n, w.issues(e), s.failure())
		}
	})
}

// TestShortCertificates: of 20 s, back-dated by 30; the newest is good at each
// moment.
func TestShortCertificates(t *testing.T) {
	for _, ttl := range []time.Duration{20 * time.Second, 45 * time.Second, 61 * time.Second, 2 * time.Minute} {
		t.Run(ttl.String(), func(t *testing.T) {
			inPKI(t, ttl, func(w *world, e *engine) {
				s := w.watch(pkiQuery(url.Values{"common_name": {"web.example"}}))
				pass(time.Second)
				for range 30 * 60 {
					pass(time.Second)
					answers := s.answers()
					block, _ := pem.Decode([]byte(answers[len(answers)-1].(watch.Certificate).Cert))
					leaf, err := x509.ParseCertificate(block.Bytes)
					if err != nil || !time.Now().Before(leaf.NotAfter) {
						t.Fatalf("the newest certificate has ended; failure: %v", s.failure())
					}
				}
				if most := int(30 * time.Minute / ttl * 2); w.issues(e) > most {
					t.Errorf("%d issues in 30 min", w.issues(e))
				}
			})
		})
	}
}

// TestTooShortCertificates: what is due when it is issued is not issued over
// and over.
func TestTooShortCertificates(t *testing.T) {
	inPKI(t, time.Second, func(w *world, e *engine) {
		s := w.watch(pkiQuery(url.Values{"common_name": {"web.example"}}))
		pass(time.Hour)
		if err := s.failure(); err == nil || w.issues(e) < 30 || w.issues(e) > 70 {
			t.Errorf("%d issues, %v", w.issues(e), err)
		}
	})
}

// TestKeptCertificate: after a restart, what the files keep is used again, if
// it is what is wanted.
func TestKeptCertificate(t *testing.T) {
	web := url.Values{"common_name": {"web.example"}, "alt_names": {"www.example"}}
	both := func(c watch.Certificate) (string, string) { return c.Cert + c.CA + c.CAChain[1], c.Key }
	tests := map[string]struct {
		after  time.Duration
		body   url.Values
		files  func(watch.Certificate) (string, string)
		reused bool
	}{
		"in two files": {time.Hour, web, both, true},
		"in one":       {time.Hour, web, func(c watch.Certificate) (string, string) { return "", c.Key + c.Cert + c.CA + c.CAChain[1] }, true},
		"amid other text": {time.Hour, web, func(c watch.Certificate) (string, string) {
			return "a: |\n" + c.Cert + "\nb:\n" + c.CA + c.CAChain[1], c.Key
		}, true},
		"indented": {time.Hour, web, func(c watch.Certificate) (string, string) {
			return "cert: " + c.Cert + "ca: " + c.CA + c.CAChain[1] + "key: |\n  " + strings.ReplaceAll(c.Key, "\n", "\n  "), ""
		}, true},
		"no key":                {time.Hour, web, func(c watch.Certificate) (string, string) { return c.Cert + c.CA, "" }, false},
		"no certificate":        {time.Hour, web, func(c watch.Certificate) (string, string) { return c.CA, c.Key }, false},
		"nothing":               {time.Hour, web, func(c watch.Certificate) (string, string) { return "", "" }, false},
		"broken":                {time.Hour, web, func(c watch.Certificate) (string, string) { return strings.Replace(c.Cert, "M", "A", 9), c.Key }, false},
		"past its share":        {23 * time.Hour, web, both, false},
		"another common name":   {time.Hour, url.Values{"common_name": {"api.example"}, "alt_names": {"www.example"}}, both, false},
		"another alt name":      {time.Hour, url.Values{"common_name": {"web.example"}, "alt_names": {"www.example,new.example"}}, both, false},
		"an address":            {time.Hour, url.Values{"common_name": {"web.example"}, "ip_sans": {"10.0.0.1"}}, both, false},
		"written in other ways": {time.Hour, url.Values{"common_name": {" WEB.example"}, "alt_names": {"web.example, www.example"}}, both, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inPKI(t, 24*time.Hour, func(w *world, e *engine) {
				s := w.watch(pkiQuery(web))
				pass(tt.after)
				old := certificates(t, s)[0]
				dir := t.TempDir()
				cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
				one, two := tt.files(old)
				keep(t, cert, one)
				keep(t, key, two)
				before := w.issues(e)
				got := certificates(t, w.after(pkiQuery(tt.body, cert, key, filepath.Join(dir, "none"))))
				if len(got) != 1 {
					t.Fatalf("%d certificates", len(got))
				}
				if reused := got[0].Cert == old.Cert; reused != tt.reused || reused != (w.issues(e) == before) {
					t.Errorf("it was used again: %v; %d issues", reused, w.issues(e)-before)
				}
				if tt.reused && (got[0].Key != old.Key || got[0].CA != old.CA) {
					t.Error("the key or the authority is another")
				}
			})
		})
	}
}

// after returns the sink of a query that is watched a second.
func (w *world) after(q watch.Query) *sinkModel {
	s := w.watch(q)
	pass(time.Second)
	return s
}

func keep(t *testing.T, path, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeptWithoutVault: what is kept is there though Vault is not.
func TestKeptWithoutVault(t *testing.T) {
	inPKI(t, 24*time.Hour, func(w *world, e *engine) {
		old := certificates(t, w.after(pkiQuery(nil)))[0]
		file := filepath.Join(t.TempDir(), "all.pem")
		keep(t, file, old.Key+old.Cert+old.CA+old.CAChain[1])
		w.vault.change(func() { w.vault.trouble = func(client.Request) error { return errNetwork } })
		w.after(read("secret/x")) // finds out that Vault is away
		w.holder.set(token.Epoch{}, token.ErrPending)
		if got := certificates(t, w.after(pkiQuery(nil, file))); len(got) != 1 || got[0].Cert != old.Cert {
			t.Errorf("got %d certificates", len(got))
		}
	})
}

// TestFailedIssueKeepsTheOld, and there are several tries before it ends.
func TestFailedIssueKeepsTheOld(t *testing.T) {
	inPKI(t, 24*time.Hour, func(w *world, e *engine) {
		s := w.after(pkiQuery(url.Values{"common_name": {"web.example"}}))
		w.vault.change(func() {
			w.vault.trouble = func(r client.Request) error {
				if r.Method == "PUT" {
					return refuse(403, "permission denied")
				}
				return nil
			}
		})
		pass(23*time.Hour + 55*time.Minute)
		if n := w.vault.count("PUT pki/"); n < 20 || n > 600 || len(s.answers()) != 1 {
			t.Errorf("%d tries, %d answers", n, len(s.answers()))
		}
		w.vault.change(func() { w.vault.trouble = nil })
		pass(2 * time.Minute)
		if len(s.answers()) != 2 || s.failure() != nil {
			t.Errorf("%d answers, %v", len(s.answers()), s.failure())
		}
	})
}
