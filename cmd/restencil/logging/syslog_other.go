//go:build !unix

package logging

import (
	"errors"
	"net"
)

func dialSocket(string) (net.Conn, error) {
	return nil, errors.New("there is no system log on this platform")
}
