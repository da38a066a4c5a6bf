package transport

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-rootcerts"

	"restencil/renderer/atomicfile"
	"restencil/watch/filewatch"
)

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

// Config returns the configuration of TLS, for addresses that use it. It reads the
// files, which an error names.
func (t TLS) Config() (*tls.Config, error) {
	config, err := t.config()
	if err != nil {
		files := slices.DeleteFunc(t.Files(), func(name string) bool { return name == "" })
		return nil, fmt.Errorf("configuring TLS failed: %w (its files: %s)", err, strings.Join(files, ", "))
	}
	return config, nil
}

func (t TLS) config() (*tls.Config, error) {
	if err := CheckFiles(t.Files()...); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.SkipVerify, ServerName: t.ServerName}
	if t.CACert != "" || t.CACertBytes != "" || t.CAPath != "" {
		err := rootcerts.ConfigureTLS(config, &rootcerts.Config{CAFile: t.CACert, CACertificate: []byte(t.CACertBytes), CAPath: t.CAPath})
		if err != nil {
			return nil, err
		}
	}
	switch {
	case t.Cert != "":
		t.Key = cmp.Or(t.Key, t.Cert)
		return config, t.followCertificate(config)
	case t.Key != "":
		return nil, errors.New("both client cert and client key must be provided")
	}
	return config, nil
}

// followCertificate makes each new connection use the client's certificate on disk,
// which may be replaced, or the last valid one if the files are invalid.
func (t TLS) followCertificate(config *tls.Config) error {
	var last atomic.Pointer[tls.Certificate]
	load := func() error {
		cert, certErr := filewatch.ReadFile(t.Cert)
		key, keyErr := filewatch.ReadFile(t.Key)
		if err := cmp.Or(certErr, keyErr); err != nil {
			return err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err == nil {
			last.Store(&pair)
		}
		return err
	}
	if err := load(); err != nil {
		return err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		_ = load()
		return last.Load(), nil
	}
	return nil
}
