package probe

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Validate tells what is wrong with p itself, in the words of its fields as a
// configuration has them. It asks no one.
func (p Probe) Validate() error {
	if err := p.validateMeans(); err != nil {
		return err
	}
	if p.HTTP == "" && (p.Host != "" || p.Status != 0 || p.SkipVerify) {
		return errors.New("host, status and skip_verify are for http only")
	}
	if p.Status != 0 && (p.Status < 100 || p.Status > 599) {
		return fmt.Errorf("status %d is not one of HTTP", p.Status)
	}
	if strings.ContainsAny(p.Host, " /@\t\r\n") {
		return fmt.Errorf("host %q is not a host", p.Host)
	}
	if p.Within < 0 || p.For < 0 || p.Interval < 0 || p.Timeout < 0 {
		return errors.New("a time is negative")
	}
	return nil
}

func (p Probe) validateMeans() error {
	means := 0
	for _, set := range []bool{len(p.Args) > 0, p.HTTP != "", p.TCP != ""} {
		if set {
			means++
		}
	}
	switch {
	case means == 0:
		return errors.New("one of command, http and tcp is required")
	case means > 1:
		return errors.New("only one of command, http and tcp may be set")
	case p.HTTP != "":
		return validateURL(p.HTTP)
	case p.TCP != "":
		return validateAddress(p.TCP)
	case p.Args[0] == "":
		return errors.New("the command is empty")
	}
	return nil
}

// validateURL does not quote what it refuses, as a password may be in it.
func validateURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("http is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("http must begin with http:// or https://")
	case u.Hostname() == "":
		return errors.New("http has no host")
	}
	return nil
}

func validateAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return fmt.Errorf("tcp %q is not host:port", s)
	}
	return nil
}
