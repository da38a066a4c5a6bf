package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Explain adds advice to an error of a request to u, if TLS failed for a known
// reason.
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
		// Servers check the client's certificate last, and may close the connection
		// without an alert. The error of HTTP/2 is no exported value.
		advice = "if the server asks for a certificate, set ssl { cert = …, key = … } to a certificate that it accepts"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, advice)
}

// Line returns text as one line of bounded length, for a proxy may send a web page, with
// *** for each of the secrets.
func Line(text string, secrets ...string) string {
	const longest = 500 // bytes
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// Cause returns why a request failed, without its URL.
func Cause(err error) error {
	if u, ok := err.(*url.Error); ok {
		err = u.Err
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the connection was closed before the whole answer came (%w)", err)
	}
	return err
}
