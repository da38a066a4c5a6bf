//go:build unix

package logging

import (
	"fmt"
	"net"
	"strings"
)

// dialSocket connects to the system log, at a socket or at one of the usual
// places.
func dialSocket(socket string) (net.Conn, error) {
	places := []string{"/dev/log", "/var/run/syslog", "/var/run/log"}
	if socket != "" {
		places = []string{socket}
	}
	for _, place := range places {
		for _, network := range []string{"unixgram", "unix"} {
			if conn, err := net.Dial(network, place); err == nil {
				return conn, nil
			}
		}
	}
	return nil, fmt.Errorf("nothing listens at %s: Unix syslog delivery error", strings.Join(places, ", "))
}
