package systemd

import (
	"fmt"
	"net"
	"time"
)

// patience is how long a message waits for a service manager that does not
// read.
const patience = 100 * time.Millisecond

// send sends a datagram to a socket: a path, or an abstract name after "@".
func send(socket, message string) error {
	if socket[0] != '/' && socket[0] != '@' {
		return fmt.Errorf("NOTIFY_SOCKET=%s is neither a path nor an abstract name", socket)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
