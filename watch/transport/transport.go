// Package transport makes the HTTP transport of a source (COMPAT 2.5.12).
package transport

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"restencil/renderer/atomicfile"
)

// Options configure connections. Start from Defaults.
type Options struct {
	DialTimeout         time.Duration // zero: the system's. Default 30 s
	DialKeepAlive       time.Duration // between probes of an idle connection; zero: 15 s, negative: none. Default 30 s
	TLSHandshakeTimeout time.Duration // zero: none. Default 10 s
	IdleConnTimeout     time.Duration // until an idle connection is closed; zero: never. Default 5 s
	DisableKeepAlives   bool          // use a connection for each request
	MaxIdleConns        int           // zero: no limit
	MaxIdleConnsPerHost int           // zero: 2. Default 100
	MaxConnsPerHost     int           // zero: no limit, unless the source has one of its own
}

// Defaults returns consul-template's defaults.
func Defaults() Options {
	return Options{
		DialTimeout:         30 * time.Second,
		DialKeepAlive:       30 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     5 * time.Second,
		MaxIdleConnsPerHost: 100,
	}
}

// Silence is how long an HTTP/2 connection may receive nothing before a ping is
// sent.
const Silence = 30 * time.Second

// New returns a transport, which the caller may change. It uses the environment's
// proxies, and HTTP/2 over TLS, with pings to detect a peer that has vanished.
func (o Options) New() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         o.Dialer().DialContext,
		TLSHandshakeTimeout: o.TLSHandshakeTimeout,
		IdleConnTimeout:     o.IdleConnTimeout,
		DisableKeepAlives:   o.DisableKeepAlives,
		MaxIdleConns:        o.MaxIdleConns,
		MaxIdleConnsPerHost: o.MaxIdleConnsPerHost,
		MaxConnsPerHost:     o.MaxConnsPerHost,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: Silence, PingTimeout: Silence / 2},
	}
}

// Dialer returns the dialer of the connections, also for Unix sockets.
func (o Options) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: o.DialTimeout, KeepAlive: o.DialKeepAlive}
}

// TLS configures TLS (COMPAT 2.5.11). A zero field is set by a store's own
// environment variables, or by the system.
type TLS struct {
	// Enabled uses TLS whatever the address says, and ignores the environment
	// variables for certificates. For Consul alone: elsewhere the address decides.
	Enabled bool

	SkipVerify  bool   // accept any certificate
	Cert, Key   string // files of the client's certificate; "" for Key means that Cert holds both
	CACert      string // file of the trusted authorities; "" means CACertBytes
	CACertBytes string // their PEM text, not for Consul; "" means CAPath
	CAPath      string // directory of such files; "" means the system's authorities
	ServerName  string // the name in the server's certificate; "" means the address's
}

// Files returns the names of the files and directories that a client opens.
func (t TLS) Files() []string { return []string{t.Cert, t.Key, t.CACert, t.CAPath} }

// CheckFiles returns an error unless the files, and those in the directories, are
// regular files or missing: a library that opens them would block on a named pipe.
// It ignores "" and the pipes that the shell has opened, as for <(…).
func CheckFiles(paths ...string) error {
	for _, path := range paths {
		if path == "" || strings.HasPrefix(path, "/dev/fd/") {
			continue
		}
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, _ error) error {
			info, err := os.Stat(path)
			if err != nil || info.IsDir() {
				return nil // opening it gives the error
			}
			return atomicfile.Regular("read", path, info.Mode())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
