package controlplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// Ports of servers are drawn from below the ones that the kernel gives to connections and to listeners that ask for any
// (net.ipv4.ip_local_port_range begins at 32768): one of those may be somebody else's by the time that the server is there.
const firstPort, lastPort = 20_000, 32_000

// reserved are listeners that keep a port from others who draw one: of the same port, at an address at which nothing is served. They end
// with the process.
var reserved struct {
	sync.Mutex
	listeners []net.Listener
}

// Port draws a port of 127.0.0.1 for a server to be started. Nobody listens there, and no other process draws the same while this one lives.
func Port() (int, error) {
	reserved.Lock()
	defer reserved.Unlock()
	for range lastPort - firstPort {
		port := firstPort + rand.IntN(lastPort-firstPort)
		claim, err := net.Listen("tcp", net.JoinHostPort("127.0.0.2", strconv.Itoa(port)))
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL): // not Linux: there it is free, and may be drawn twice
		case err != nil:
			continue
		default:
			reserved.listeners = append(reserved.listeners, claim)
		}
		free, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := free.Close(); err != nil {
			return 0, fmt.Errorf("closing a port to be used: %w", err)
		}
		return port, nil
	}
	return 0, errors.New("drawing a port: none is free")
}
