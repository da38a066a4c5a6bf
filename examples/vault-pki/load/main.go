// Load connects to an HTTPS server without a pause until it has seen a number
// of certificates there. Each time it wants the whole chain, and a server that
// has the key. It says when there is another certificate, and at the end how
// many connections failed; if any did, it exits with 1.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	clients = 4
	pause   = 5 * time.Millisecond // of a client between two connections
	timeout = 5 * time.Second      // for one connection
)

func main() {
	addr := flag.String("connect", "", "`host:port` of the server")
	name := flag.String("name", "", "the server's `name` in its certificate")
	root := flag.String("root", "", "the `file` of the only authority to trust")
	want := flag.Int("certificates", 4, "the `number` of certificates to see")
	most := flag.Duration("most", 5*time.Minute, "give up after this `time`")
	flag.Parse()
	client, err := newClient(*addr, *name, *root)
	if err == nil {
		err = run(client, "https://"+*name+"/", *want, *most)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// newClient returns a client that makes a new connection for each request.
func newClient(addr, name, root string) (*http.Client, error) {
	text, err := os.ReadFile(root)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + root)
	}
	dialer := &net.Dialer{}
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: name},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		},
	}}, nil
}

// run has the clients connect until they have seen the certificates they want.
func run(client *http.Client, url string, want int, most time.Duration) error {
	ctx, done := context.WithTimeout(context.Background(), most)
	defer done()
	seen := &tally{want: want, done: done, certificates: make(map[string]bool)}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for tick := time.NewTicker(pause); ctx.Err() == nil; {
				seen.add(connect(client, url))
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	return seen.sum()
}

// connect makes one connection and returns the serial number of the
// certificate that the server has shown.
func connect(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", errors.New("the server answered " + response.Status)
	}
	return response.TLS.PeerCertificates[0].SerialNumber.String(), nil
}

// A tally counts what the clients see.
type tally struct {
	want int
	done func() // is called when want certificates have been seen

	mu           sync.Mutex
	certificates map[string]bool
	newest       time.Time
	connections  int
	failed       int
}

// add counts a connection, and tells of a new certificate or an error.
func (t *tally) add(serial string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connections++
	if err != nil {
		t.failed++
		fmt.Println("failed:", err)
		return
	}
	if t.certificates[serial] {
		return
	}
	t.certificates[serial] = true
	n, now := len(t.certificates), time.Now()
	if n == 1 {
		fmt.Println("certificate 1 is served")
	} else {
		fmt.Printf("certificate %d is served, after %.0f s\n", n, now.Sub(t.newest).Seconds())
	}
	t.newest = now
	if n == t.want {
		t.done()
	}
}

// sum tells how it went.
func (t *tally) sum() error {
	fmt.Printf("%d connections, %d failed\n", t.connections, t.failed)
	switch {
	case t.failed > 0:
		return errors.New("connections failed")
	case len(t.certificates) < t.want:
		return fmt.Errorf("saw %d certificates, want %d", len(t.certificates), t.want)
	}
	return nil
}
