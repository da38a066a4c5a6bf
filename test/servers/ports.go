package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports are handed out in blocks below the range that systems take ephemeral
// ports from: no outgoing connection and no listener on port 0 can take a port
// while its server is down, and a client that dials a dead server cannot end
// up connected to itself. The first port of a block is the block's lock: it
// stays open while the block is in use, so test processes that run at the same
// time share nothing.
const (
	firstPort = 14000
	lastPort  = 32000
	blockSize = 8
)

// Ports returns n free loopback ports that nobody else who asks here is given
// until the test ends.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for len(ports) < n {
		block, err := takeBlock()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { block.lock.Close() })
		ports = append(ports, block.ports...)
	}
	return ports[:n]
}

// A block is a run of free ports and the listener that locks it.
type block struct {
	lock  net.Listener
	ports []int
}

// takeBlock locks a block whose ports are all free. The caller closes its lock.
func takeBlock() (block, error) {
	const blocks = (lastPort - firstPort) / blockSize
	start := rand.IntN(blocks)
	for i := range blocks {
		base := firstPort + (start+i)%blocks*blockSize
		lock, err := listen(base)
		if err != nil {
			continue
		}
		b := block{lock: lock}
		for port := base + 1; port < base+blockSize && isFree(port); port++ {
			b.ports = append(b.ports, port)
		}
		if len(b.ports) == blockSize-1 {
			return b, nil
		}
		lock.Close()
	}
	return block{}, errors.New("no free ports on loopback")
}

// isFree says whether both TCP and UDP can be listened to on port.
func isFree(port int) bool {
	tcp, err := listen(port)
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		return false
	}
	defer udp.Close()
	return true
}

func listen(port int) (net.Listener, error) { return net.Listen("tcp", loopback(port)) }

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
