package apply

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"restencil/renderer"
	"restencil/runner/format"
	"restencil/runner/journal"
)

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
	b.change.Check.Args, b.change.Reload.Args = nil, nil
	set := func(cert, key []byte) {
		for i, content := range [][]byte{cert, key} {
			b.change.Members[i].File.Content = content
			b.change.Members[i].Format = format.X509
		}
	}
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
		set(tt.cert, tt.key)
		out := b.apply(t.Context())
		if tt.ok {
			wantOutcome(t, out, Applied, "")
			continue
		}
		if out.Step != Check || out.Err == nil {
			t.Errorf("%s: outcome %+v", tt.name, out)
		}
		b.wantAsBefore(before)
	}
}

// Two renames are not one. But whoever reads both files after a reload, as the
// program does, finds a pair, also after a roll-back; each file by itself is
// always whole, and never has another mode than it was given.
func TestReadersAfterReloadSeePairs(t *testing.T) {
	b := newBench(t)
	times := 50 // a disk takes its time
	if dir, err := os.MkdirTemp("/dev/shm", "apply"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		times = 1000
		b.move(dir)
	}
	generation := func(n int) []byte { return []byte(strings.Repeat(fmt.Sprint(n, " "), 2000)) }
	for i, perm := range []os.FileMode{0o644, 0o600} {
		b.change.Members[i].File.Content, b.change.Members[i].File.Perm = generation(0), perm
	}
	b.change.Rollback = true
	b.tools.Entered = nil
	loaded := ""
	b.tools.Run = func(_ context.Context, c Command) (string, error) {
		if c.Args[0] != "reload" {
			return "", nil
		}
		cert, err := os.ReadFile(b.at("a"))
		key, err2 := os.ReadFile(b.at("sub/b"))
		if err != nil || err2 != nil || string(cert) != string(key) {
			t.Errorf("%.10q and %.10q; %v, %v", cert, key, err, err2)
		}
		if loaded == string(cert) {
			return "", nil
		}
		if strings.HasPrefix(string(cert), "13 ") {
			return "", errNo // the old ones are loaded again
		}
		loaded = string(cert)
		return "", nil
	}
	wantOutcome(t, b.apply(t.Context()), Applied, "")

	done := make(chan struct{})
	var readers sync.WaitGroup
	for i, perm := range []os.FileMode{0o644, 0o600} {
		path := b.change.Members[i].File.Path
		readers.Go(func() { sampleWhole(t, path, perm, done) })
	}
	for n := range times {
		n %= 50
		for i := range b.change.Members {
			b.change.Members[i].File.Content = generation(n)
		}
		out := b.apply(t.Context())
		if (out.Err != nil) != (n == 13) || out.RolledBack != (n == 13) || out.RollbackErr != nil {
			t.Fatalf("outcome %+v", out)
		}
	}
	close(done)
	readers.Wait()
}

// sampleWhole reads a file until done, and finds a whole generation each time.
func sampleWhole(t *testing.T, path string, perm os.FileMode, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		content, err := os.ReadFile(path)
		first, _, _ := strings.Cut(string(content), " ")
		if err != nil || string(content) != strings.Repeat(first+" ", 2000) {
			t.Errorf("%s holds %.20q, %d bytes; %v", path, content, len(content), err)
			return
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != perm {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, perm)
			return
		}
	}
}

// A crash is a panic in a step: nothing of what the transaction would still have
// done is done.
type crash Step

// What a crash at any step leaves is put right by the journal, and the reload
// is owed from the swap on until all is done.
func TestCrashAtEachStep(t *testing.T) {
	errBad := errors.New("bad")
	for _, tt := range []struct {
		at   Step
		want string // both files afterwards
		owed bool
	}{
		{Stage, "old", false},
		{Check, "old", false},
		{Swap, "old", false},
		{Reload, "new", true},
		{Verify, "new", true},
		{Rollback, "new", true},
		{Applied, "new", true},
	} {
		t.Run(string(tt.at), func(t *testing.T) {
			b := newBench(t)
			state := t.TempDir()
			b.tools.Journal = openJournal(t, state)
			b.change.Rollback = true
			b.change.Verify = probeCommand("probe")
			if tt.at == Rollback {
				b.fails["reload"] = errBad
			}
			b.onStep = func(s Step) {
				if s == tt.at {
					panic(crash(s))
				}
			}
			crashed(t, func() { Apply(t.Context(), b.change, b.tools) })
			if err := b.tools.Journal.Close(); err != nil {
				t.Fatal(err)
			}

			j := openJournal(t, state)
			if _, err := j.Recover(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a", "sub/b"} {
				got, err := os.ReadFile(b.at(name))
				if want := tt.want + " " + filepath.Base(name); string(got) != want {
					t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
				}
			}
			s, err := j.State("web")
			if err != nil || s.Owed() != tt.owed {
				t.Errorf("state %+v, %v; want owed %v", s, err, tt.owed)
			}
			if tt.at != Stage && tt.at != Check && tt.at != Swap {
				b.wantFiles(newFiles) // and nothing beside
			}

			b.fails, b.onStep = map[string]error{}, nil
			b.change.Owed, b.tools.Journal = s.Owed(), j
			wantOutcome(t, Apply(t.Context(), b.change, b.tools), Applied, "")
			if s, err = j.State("web"); err != nil || s.Owed() || s.Applied != "new" {
				t.Errorf("in the end: state %+v, %v", s, err)
			}
		})
	}
}

func openJournal(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{Generations: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func crashed(t *testing.T, do func()) {
	t.Helper()
	defer func() {
		if _, ok := recover().(crash); !ok {
			t.Error("it did not come to the step")
		}
	}()
	do()
}

// A generation can be looked up afterwards.
func TestGenerations(t *testing.T) {
	b := newBench(t)
	j := openJournal(t, t.TempDir())
	b.tools.Journal = j
	b.change.Members[1].Secret = true
	wantOutcome(t, Apply(t.Context(), b.change, b.tools), Applied, "")
	list, err := j.History("web")
	if err != nil || len(list) != 1 || list[0].Hash != "new" {
		t.Fatalf("history %+v, %v", list, err)
	}
	g, err := j.Generation("web", list[0].Number)
	if err != nil || len(g.Files) != 2 {
		t.Fatalf("%+v, %v", g, err)
	}
	if string(g.Files[0].Content) != "new a" || g.Files[1].Content != nil || g.Files[0].Path != b.at("a") {
		t.Errorf("%+v", g.Files)
	}
	if out := b.apply(t.Context()); out.Files[0].Change != renderer.Unchanged {
		t.Errorf("%+v", out)
	}
}
