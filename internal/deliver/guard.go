// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"coopkit/internal/problem"
)

// Dialer opens a connection, as net.Dialer's DialContext does.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Guard returns a Dialer that reaches the Internet and the local network but
// nothing of this machine itself, nor the addresses at which clouds answer
// questions about a machine: a person who names an address here must not reach
// through this program what only the machine may. It looks at the address that
// a name really leads to, at the moment of connecting. With plain, it reaches
// the local network only: what is not encrypted stays there.
func Guard(plain bool) Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return forbidden(address, err)
		}
		if plain && !at.Addr().Unmap().IsPrivate() {
			return unencrypted(address)
		}
		return check(at.Addr(), interfaces)
	}}
	return d.DialContext
}

// nat64 holds IPv4 addresses within IPv6 ones (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// metadata is where one cloud answers beside 169.254.169.254.
var metadata = netip.MustParseAddr("fd00:ec2::254")

func check(at netip.Addr, own func() ([]netip.Addr, error)) error {
	at = at.Unmap().WithZone("")
	if nat64.Contains(at) {
		b := at.As16()
		at = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case at.IsLoopback(), at.IsUnspecified(), at.IsLinkLocalUnicast(), at.IsMulticast(), at == metadata, at == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return forbidden(at.String(), nil)
	case at.Is4() && at.As4()[0] == 0: // this network (RFC 1122)
		return forbidden(at.String(), nil)
	}
	mine, err := own()
	if err != nil {
		return forbidden(at.String(), err)
	}
	for _, a := range mine {
		if a.Unmap().WithZone("") == at {
			return forbidden(at.String(), nil)
		}
	}
	return nil
}

func forbidden(address string, err error) error {
	return &problem.Problem{
		Code: "delivery-address-own", Kind: problem.Invalid,
		What: "messages are not sent to " + address, Why: "it is an address of this box itself, or one that has a meaning only for it",
		Next: []string{"name a machine in your network or on the Internet"},
		Args: map[string]string{"address": address}, Err: err,
	}
}

func unencrypted(address string) error {
	return &problem.Problem{
		Code: "delivery-unencrypted", Kind: problem.Invalid,
		What: "messages do not leave your network without encryption", Why: address + " is on the Internet, and the address begins with http://",
		Next: []string{"write https:// in its place"}, Args: map[string]string{"address": address},
	}
}

// interfaces are the addresses of every network card of this machine.
func interfaces() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out, nil
}

// client sends one request for ctx, which seen watches. It follows no redirect.
func client(ctx context.Context, dial Dialer, to *url.URL, seen *outcome) *http.Client {
	if dial == nil {
		dial = Guard(to.Scheme == "http")
	}
	seen.ctx, seen.rt = ctx, &http.Transport{
		DialContext: dial, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10,
	}
	return &http.Client{
		Timeout: Limit, Transport: seen,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
