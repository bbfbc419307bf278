// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"

	"coopkit/appliance/engine/hostnet"
	"coopkit/appliance/gateway"
	"coopkit/internal/problem"
)

// Config is what an agent can be told when it starts. Flags fills it from the
// command line; every field has a default that suits a co-op's own server.
type Config struct {
	State  string // folder for everything that the agent keeps
	Socket string // of the control API

	HTTP, HTTPS  string   // listening addresses of the front door
	DNS          []string // listening addresses of the name server; empty for none
	Console      string   // listening address of the console; empty for none
	ConsoleNames []string // of the console, beside those of the machine and those that the front door serves

	PublicAddresses []string // addresses that the names of this box point to; empty: see hostnet.Addresses
	PublicHTTPSPort int      // what visitors use; 0: the port of HTTPS
	NameServers     []string // of the zones on this box; empty: ns1.<zone>

	Issuer        string // local or acme
	ACMEDirectory string
	ACMEEmail     string
	ACMERoot      string // PEM file to trust for the directory itself
	ACMEEABKeyID  string // of the account that the directory knows; empty: it wants none
	ACMEEABKey    string // file with its key
	ACMEChallenge string // http (with tls-alpn) or dns

	Engine          string            // address of the Docker Engine; empty: DOCKER_HOST or the usual socket
	RegistryMirrors map[string]string // registry host, or "*", to the mirror that is asked instead

	LogLevel string

	Outside Outside // what is around the box, in tests

	sockets sockets // from systemd, for the addresses above
}

// LetsEncrypt is the default certificate authority.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// path is a place in the state folder.
func (c Config) path(parts ...string) string {
	return filepath.Join(append([]string{c.State}, parts...)...)
}

// publicPort is the port in the addresses that people see.
func (c Config) publicPort() int {
	if c.PublicHTTPSPort != 0 {
		return c.PublicHTTPSPort
	}
	_, port, err := net.SplitHostPort(c.HTTPS)
	if err != nil {
		return 443
	}
	n, err := strconv.Atoi(port)
	if err != nil || n == 0 {
		return 443
	}
	return n
}

// publicAddrs returns the addresses that names should point to, as they are now.
func (c Config) publicAddrs() ([]netip.Addr, error) {
	if len(c.PublicAddresses) == 0 {
		addrs, _, err := hostnet.Addresses()
		return addrs, err
	}
	out := make([]netip.Addr, len(c.PublicAddresses))
	for i, s := range c.PublicAddresses {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, flagProblem("--public-address", s, "it is not an IP address")
		}
		out[i] = a.Unmap()
	}
	return out, nil
}

// issuer turns the flags into what the gateway wants.
func (c Config) issuer() (gateway.IssuerConfig, error) {
	switch c.Issuer {
	case "local":
		return gateway.IssuerConfig{Kind: gateway.IssuerLocal}, nil
	case "acme":
	default:
		return gateway.IssuerConfig{}, flagProblem("--issuer", c.Issuer, "it is neither local nor acme")
	}
	out := gateway.IssuerConfig{
		Kind: gateway.IssuerACME, Directory: c.ACMEDirectory, Email: c.ACMEEmail, TrustedRoot: c.ACMERoot,
		EABKeyID: c.ACMEEABKeyID, EABKeyFile: c.ACMEEABKey,
	}
	switch c.ACMEChallenge {
	case "http":
	case "dns":
		out.Challenges = []gateway.Challenge{gateway.DNS01}
	default:
		return out, flagProblem("--acme-challenge", c.ACMEChallenge, "it is neither http nor dns")
	}
	return out, nil
}

func flagProblem(flag, value, why string) error {
	return &problem.Problem{
		Code: "flag-invalid", Kind: problem.Invalid,
		What: flag + " " + strconv.Quote(value) + " cannot be used",
		Why:  why,
		Next: []string{"coopkit agent run --help"},
	}
}
