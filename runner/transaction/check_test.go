package transaction

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/runner/process"
)

// While checks run, nothing has changed where others look. They are told where the
// staged files are, and see those in their places.
func TestChecksSeeWhatIsStaged(t *testing.T) {
	b := newBench(t)
	before := b.look()
	b.change.Files[0].Check = process.Command{Args: []string{"lint", "{{ .File }}"}, Env: []string{"A=b"}}
	b.change.Files[1].Extras = []funcs.File{{Path: b.at("new/extra"), Content: "x", Perms: 0o600}}
	b.change.Check.Args = []string{"check", `{{ .Staged "b" }}`}
	var seen []process.Command
	b.onRun = func(c process.Command) {
		seen = append(seen, c)
		for path, was := range before {
			if got, err := os.ReadFile(path); string(got) != was.content {
				t.Errorf("during the check %s holds %q, %v", path, got, err)
			}
		}
		var overlay []string
		for _, o := range c.Overlay {
			content, err := os.ReadFile(o.Content)
			if err != nil {
				t.Error(err)
			}
			overlay = append(overlay, strings.TrimPrefix(o.Path, b.dir)+" is "+string(content))
		}
		if diff := cmp.Diff([]string{"/a is new a", "/sub/b is new b", "/new/extra is x"}, overlay); diff != "" {
			t.Errorf("overlay of %q (-want +got):\n%s", c.Args, diff)
		}
	}
	_, c := b.apply(t.Context())
	wantErr(t, c, "", "")
	if len(seen) != 2 {
		t.Fatalf("ran %q", b.ran)
	}
	lint := seen[0]
	if !renderer.IsTemp(lint.Args[1]) || lint.Timeout != checkTimeout || lint.Env[0] != "A=b" ||
		!slices.Contains(lint.Env, "RESTENCIL_STAGED="+lint.Args[1]) || !slices.Contains(lint.Env, "RESTENCIL_STAGED_A="+lint.Args[1]) {
		t.Errorf("%+v", lint)
	}
	if vars := variables(seen[1].Env); len(vars) != 5 { // bundle, list, more and two names
		t.Errorf("%q", vars)
	}
}

// What a check prints names destinations, and no secret.
func TestOutputOfCheck(t *testing.T) {
	b := newBench(t)
	b.change.Check.Args = []string{"check", `{{ .Staged "b" }}`}
	b.fails["check"] = errNo
	var hide func(string) string
	var staged string
	b.onRun = func(c process.Command) { hide, staged = c.Mask, c.Args[1] }
	b.apply(t.Context())
	if got, want := hide(staged+": canary"), b.at("sub/b")+": ***"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// Where a check cannot see staged files in their places, it is run after the swap,
// and the old files are back at once if it fails. One that says where it wants the
// staged files is run before.
func TestCheckAfterTheSwap(t *testing.T) {
	for _, fails := range []string{"", "lint", "check"} {
		t.Run(fails, func(t *testing.T) {
			b := newBench(t)
			b.noOverlay = errors.New("not allowed")
			b.change.Files[1].Check.Args = []string{"lint", "{{ .File }}"}
			b.fails[fails] = errNo
			before := b.look()
			b.onRun = func(c process.Command) {
				want := "old b"
				if c.Args[0] == "check" {
					want = "new b"
				}
				if got := b.look()[b.at("sub/b")].content; got != want || c.Overlay != nil {
					t.Errorf("%s runs while the file holds %q, with the overlay %v", c.Args, got, c.Overlay)
				}
			}
			tx, c := b.apply(t.Context())
			tx.Discard()
			if fails == "" {
				wantErr(t, c, "", "")
				b.wantFiles(newFiles)
				return
			}
			wantErr(t, c, event.Check, "exit status 1")
			if c.Output != fails+" says no" || c.Result(0).Change != renderer.Unchanged {
				t.Errorf("output %q, result %+v", c.Output, c.Result(0))
			}
			b.wantAsBefore(before)
		})
	}
}

// keyPair returns a certificate, valid for a while, and its key.
func keyPair(t *testing.T, valid time.Duration) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// A certificate without its key does not go in place, nor a key without its
// certificate, even if only one of the two files changes.
func TestCertificateAndKey(t *testing.T) {
	cert, key := keyPair(t, time.Hour)
	cert2, key2 := keyPair(t, time.Hour)
	expired, itsKey := keyPair(t, -time.Minute)
	b := newBench(t)
	b.change.Check.Args = nil
	for _, tt := range []struct {
		name      string
		cert, key []byte
		ok        bool
	}{
		{"a pair", cert, key, true},
		{"another key", cert, key2, false},
		{"another certificate", cert2, key, false},
		{"another pair", cert2, key2, true},
		{"expired", expired, itsKey, false},
		{"no key", cert, []byte("nonsense"), false},
	} {
		before := b.look()
		for i, content := range [][]byte{tt.cert, tt.key} {
			b.change.Files[i].Own.Content, b.change.Files[i].Format = content, format.X509
		}
		tx, c := b.apply(t.Context())
		tx.Discard()
		if tt.ok {
			wantErr(t, c, "", "")
			continue
		}
		if c.Step != event.Check || c.Err == nil {
			t.Errorf("%s: step %q, error %v", tt.name, c.Step, c.Err)
		}
		b.wantAsBefore(before)
	}
}
