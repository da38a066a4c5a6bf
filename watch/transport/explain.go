package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Explain returns an error of a request to u, where no TLS connection came about
// with what to do about that.
func Explain(u *url.URL, err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		op      *net.OpError
	)
	advice := ""
	switch {
	case errors.As(err, &unknown):
		advice = "set ssl { ca_cert = … } to the file of the authority that signed the server's certificate"
	case errors.As(err, &name):
		advice = "set ssl { server_name = … } to a name in the server's certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		advice = "renew the server's certificate, or set this machine's clock"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		advice = "the server does not speak TLS at this address: use http://, or its port for https"
	case errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate"):
		advice = "set ssl { cert = …, key = … } to a certificate that the server accepts"
	case u.Scheme == "https" && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "client conn could not be established")):
		// Servers check the client's certificate last, and may have gone before
		// they say what is wrong with it. For what HTTP/2 says then there is no
		// value to compare with.
		advice = "if the server asks for a certificate, set ssl { cert = …, key = … } to a certificate that it accepts"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}
