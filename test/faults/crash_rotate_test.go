package faults

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPairsFitAfterEachReload changes a certificate and its key over and over.
// They are two values of the store, and two files. Whoever reads both after a
// reload finds that they belong together, and in the end has the last ones; with
// -soak or RESTENCIL_SOAK ten thousand times. What does not belong together never comes in
// place.
func TestPairsFitAfterEachReload(t *testing.T) {
	r := newPairRig(t)
	const kinds = 16
	var pairs []keyPair
	for n := range kinds {
		pairs = append(pairs, newKeyPair(t, int64(n)))
	}
	r.rotate(pairs[0])
	d := r.start()
	d.ready()
	rotations, end := 10_000, time.Now().Add(crashTime(20*time.Second))
	if *soak > 0 || os.Getenv("RESTENCIL_SOAK") != "" {
		end = end.Add(24 * time.Hour)
	}
	n := 1
	for ; n <= rotations && time.Now().Before(end); n++ {
		p := pairs[n%kinds]
		r.rotate(p)
		if n%4 == 0 {
			continue // another comes right behind it
		}
		d.until("loaded", func() bool { return bytes.HasSuffix(r.seen(), p.loaded()) })
		r.check()
	}
	last := pairs[(n+1)%kinds]
	r.rotate(last)
	d.until("loaded", func() bool { return bytes.HasSuffix(r.seen(), last.loaded()) })
	r.check()
	r.rotate(keyPair{crt: pairs[0].crt, key: pairs[1].key})
	d.until("refused", func() bool { return strings.Contains(d.printed(), "tls: check failed") })
	if got := r.text("tls.crt") + r.text("tls.key"); got != string(last.loaded()) {
		t.Errorf("a pair that does not fit is in place:\n%s", got)
	}
	d.stop()
	t.Logf("%d rotations, %d loads", n, r.loaded)
	if r.loaded < n/2 {
		t.Errorf("only %d loads", r.loaded)
	}
}

// A pairRig is a bundle of a certificate and its key. What the program that
// reads them finds after a reload goes to the file seen.
type pairRig struct {
	*crashRig
	loaded int // how often it was, as far as that was checked
}

func newPairRig(t *testing.T) *pairRig {
	r := &pairRig{crashRig: newCrashRig(t)}
	r.write("seen", "")
	r.write("reload", "cat '"+r.at("tls.crt")+"' '"+r.at("tls.key")+"' >>'"+r.at("seen")+"'\n")
	r.write("conf.hcl", `
local { path = "`+r.at("data.json")+`" }
state_dir = "`+r.at("state")+`"
bundle "tls" {
	reload = "sh `+r.at("reload")+`"
	retry {
		backoff     = "1ms"
		max_backoff = "10ms"
	}
}
template {
	contents    = "{{ key \"crt\" }}"
	destination = "`+r.at("tls.crt")+`"
	bundle      = "tls"
	format      = "x509"
}
template {
	contents    = "{{ key \"key\" }}"
	destination = "`+r.at("tls.key")+`"
	bundle      = "tls"
	format      = "x509"
	perms       = 0600
}
`)
	return r
}

// rotate has the store hold another pair.
func (r *pairRig) rotate(p keyPair) {
	r.t.Helper()
	data, err := json.Marshal(map[string]any{"keys": map[string]string{"crt": string(p.crt), "key": string(p.key)}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("data.json", string(data))
}

func (r *pairRig) seen() []byte {
	r.t.Helper()
	seen, err := os.ReadFile(filepath.Join(r.dir, "seen"))
	if err != nil {
		r.t.Fatal(err)
	}
	return seen
}

// check looks at what was loaded since it last did. Nothing is being loaded
// meanwhile.
func (r *pairRig) check() {
	r.t.Helper()
	rest := r.seen()
	for len(rest) > 0 {
		crt, after := pem.Decode(rest)
		key, after := pem.Decode(after)
		if crt == nil || key == nil || crt.Type != "CERTIFICATE" || key.Type != "PRIVATE KEY" {
			r.t.Fatalf("load %d found no pair in:\n%s", r.loaded, rest)
		}
		if _, err := tls.X509KeyPair(pem.EncodeToMemory(crt), pem.EncodeToMemory(key)); err != nil {
			r.t.Fatalf("load %d: %v", r.loaded, err)
		}
		r.loaded++
		rest = after
	}
	r.write("seen", "")
}

// A keyPair is a certificate and its key, in PEM.
type keyPair struct{ crt, key []byte }

// loaded is how it is seen.
func (p keyPair) loaded() []byte { return append(bytes.Clone(p.crt), p.key...) }

func newKeyPair(t *testing.T, serial int64) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial + 1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
	}
	crt, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		crt: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt}),
		key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}
