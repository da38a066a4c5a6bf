package client

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/hashicorp/vault/api"

	"restencil/watch/filewatch"
	"restencil/watch/transport"
)

// setTLS sets up TLS for the transport. The address decides whether it is used.
func setTLS(config *api.Config, client *http.Transport, o transport.TLS) error {
	o = tlsFromEnv(o)
	if o.Cert != "" {
		o.Key = cmp.Or(o.Key, o.Cert)
	}
	client.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	err := config.ConfigureTLS(&api.TLSConfig{
		CACert:        o.CACert,
		CACertBytes:   []byte(o.CACertBytes),
		CAPath:        o.CAPath,
		ClientCert:    o.Cert,
		ClientKey:     o.Key,
		TLSServerName: o.ServerName,
		Insecure:      o.SkipVerify,
	})
	if err != nil {
		return fmt.Errorf("configuring TLS failed: %w", err)
	}
	if o.Cert != "" {
		return followCertificate(client.TLSClientConfig, o)
	}
	return nil
}

// followCertificate has each new connection present the client's certificate
// as it is on disk then, for what logs in with one replaces it now and then.
// While the files cannot be used, their last good content is.
func followCertificate(config *tls.Config, o transport.TLS) error {
	var last atomic.Pointer[tls.Certificate]
	load := func() error {
		cert, certErr := filewatch.ReadFile(o.Cert)
		key, keyErr := filewatch.ReadFile(o.Key)
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
		return fmt.Errorf("configuring TLS failed: %w", err)
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		_ = load()
		return last.Load(), nil
	}
	return nil
}

// tlsFromEnv fills in what o leaves open. Whether certificates are verified is
// not among that: who says so explicitly must not be overruled.
func tlsFromEnv(o transport.TLS) transport.TLS {
	if o.Cert == "" && o.Key == "" {
		o.Cert, o.Key = os.Getenv(api.EnvVaultClientCert), os.Getenv(api.EnvVaultClientKey)
	}
	o.CACert = cmp.Or(o.CACert, os.Getenv(api.EnvVaultCACert))
	o.CACertBytes = cmp.Or(o.CACertBytes, os.Getenv(api.EnvVaultCACertBytes))
	o.CAPath = cmp.Or(o.CAPath, os.Getenv(api.EnvVaultCAPath))
	o.ServerName = cmp.Or(o.ServerName, os.Getenv(api.EnvVaultTLSServerName))
	return o
}
