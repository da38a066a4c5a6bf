package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"restencil/cmd/restencil/config/setting"
)

// Status is where the state is served over HTTP, and to whom.
type Status struct {
	Address string   // host:port; "": nowhere
	Hosts   []string // names that clients may use for it, besides localhost and IP addresses
	Token   string   // allows changes; "": there are none
}

func (s *Status) settings() []setting.Setting {
	return setting.In("Status over HTTP", setting.Setting{Key: "status", Block: []setting.Setting{
		{Key: "address", Flag: "status-addr", Arg: "<address>", To: &s.Address, Env: "RESTENCIL_STATUS_ADDR",
			Help: "Serve the state, metrics and a page over HTTP at this host:port, such as 127.0.0.1:8558; nowhere if not given."},
		{Key: "hosts", Flag: "status-host", Arg: "<name>", To: &s.Hosts,
			Help: "Host names that requests may be sent to, besides localhost and IP addresses."},
		{Key: "token", Flag: "status-token", Arg: "<token>", To: &s.Token, Env: "RESTENCIL_STATUS_TOKEN", Secret: true,
			Help: "Allow whoever sends this token to accept and roll back changes; nobody may if not given."},
	}})
}

// finish warns where others than this machine can read the state.
func (s *Status) finish(c *Config) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil || s.Token != "" || host == "localhost" {
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return
	}
	c.warn(c.Origin("status.address"), fmt.Sprintf("whoever reaches %s over the network can read there what is watched and rendered", s.Address),
		"write 127.0.0.1 or [::1] as its host, or set status.token")
}

// check validates the block.
func (s *Status) check(o *setting.Origins) []error {
	var errs []error
	_, port, err := net.SplitHostPort(s.Address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if s.Address != "" && err != nil {
		errs = append(errs, o.Origin("status.address").Wrong(fmt.Sprintf("status.address: expected host:port, found %q", s.Address), "write 127.0.0.1:8558"))
	}
	for _, name := range s.Hosts {
		if name == "" || strings.ContainsAny(name, ":/* ") {
			errs = append(errs, o.Origin("status.hosts").Wrong(fmt.Sprintf("status.hosts: expected a host name, found %q", name), "leave the scheme and the port out"))
		}
	}
	return errs
}
