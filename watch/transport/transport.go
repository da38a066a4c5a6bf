// Package transport makes the HTTP transport of a source as the configuration
// has it (COMPAT 2.5.12).
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

// Options say how to treat connections. Start from Defaults, for zero means what
// each field says.
type Options struct {
	DialTimeout         time.Duration // zero: the system's. Default 30 s
	DialKeepAlive       time.Duration // between probes of an idle connection; zero: 15 s, negative: none. Default 30 s
	TLSHandshakeTimeout time.Duration // zero: none. Default 10 s
	IdleConnTimeout     time.Duration // an unused connection is closed then; zero: never. Default 5 s
	DisableKeepAlives   bool          // a connection for each request
	MaxIdleConns        int           // zero: no limit
	MaxIdleConnsPerHost int           // zero: 2. Default 100
	MaxConnsPerHost     int           // zero: no limit, unless the source has one of its own
}

// Defaults returns what consul-template uses where nothing is configured.
func Defaults() Options {
	return Options{
		DialTimeout:         30 * time.Second,
		DialKeepAlive:       30 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     5 * time.Second,
		MaxIdleConnsPerHost: 100,
	}
}

// Silence is how long a connection of HTTP/2 may show no sign of life before it
// is tried with a ping.
const Silence = 30 * time.Second

// New returns a transport, which is the caller's to change. It uses the proxies
// of the environment, and over TLS HTTP/2, where many requests share a
// connection; a peer that has vanished is found out by pings.
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

// Dialer returns what makes the connections, for addresses that are none of
// TCP's.
func (o Options) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: o.DialTimeout, KeepAlive: o.DialKeepAlive}
}

// TLS says how to use TLS (COMPAT 2.5.11). What is zero, a store's own
// environment variables say, or the system.
type TLS struct {
	// Enabled says that TLS is used whatever the address says, and that the
	// variables for certificates have no effect. Consul's alone: for the others
	// the address decides.
	Enabled bool

	SkipVerify  bool   // take any certificate
	Cert, Key   string // files of the client's own certificate; no Key: it stands in Cert
	CACert      string // file of the authorities to trust; "" is CACertBytes
	CACertBytes string // PEM text of them, not for Consul; "" is CAPath
	CAPath      string // directory of such files; "" is the system's authorities
	ServerName  string // the name in the server's certificate; "" is the address's
}

// Files returns the names of the files and directories that a client opens.
func (t TLS) Files() []string { return []string{t.Cert, t.Key, t.CACert, t.CAPath} }

// CheckFiles returns an error unless the files, and those in the directories, are
// regular files or missing. It comes before a library opens them, which would wait
// for ever for a named pipe. "" names none, and what the shell has opened already,
// as for <(…), may be a pipe.
func CheckFiles(paths ...string) error {
	for _, path := range paths {
		if path == "" || strings.HasPrefix(path, "/dev/fd/") {
			continue
		}
		err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, _ error) error {
			info, err := os.Stat(path)
			if err != nil || info.IsDir() {
				return nil // whoever opens it says why that fails
			}
			return atomicfile.Regular("read", path, info.Mode())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
