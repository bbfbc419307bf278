// SPDX-License-Identifier: AGPL-3.0-or-later

package ownca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/internal/hostname"
)

const (
	leafLifetime = 90 * 24 * time.Hour
	leafRenew    = 30 * 24 * time.Hour // before its end
	maxLeaves    = 64                  // names and addresses that one server answers for
)

// TLSConfig returns a configuration for a server that is reached by names: each
// gets its own certificate, kept in memory and renewed in time. A client that
// names nothing gets one for the address it reached; one that names something
// else is refused (unrecognized_name), because whoever trusts the authority
// would trust it for that, too.
func (ca *Authority) TLSConfig(names Names) *tls.Config {
	l := &leaves{ca: ca, names: names, known: map[string]*tls.Certificate{}}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: CipherSuites(), GetCertificate: l.get, NextProtos: []string{"h2", "http/1.1"},
	}
}

// CipherSuites are those of TLS 1.2 that Go holds secure, without CBC; TLS 1.3
// has its own.
func CipherSuites() []uint16 {
	var ids []uint16
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) && !strings.Contains(suite.Name, "_CBC_") {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

type leaves struct {
	ca    *Authority
	names Names
	mu    sync.Mutex
	known map[string]*tls.Certificate
}

func (l *leaves) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	switch {
	case name == "":
		name = localAddr(hello.Conn)
	case !l.names(name):
		return nil, nil // no certificate: crypto/tls says unrecognized_name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.known[name]; c != nil && l.ca.now().Before(c.Leaf.NotAfter.Add(-leafRenew)) {
		return c, nil
	}
	c, err := l.ca.leaf(name)
	if err != nil {
		return nil, err
	}
	if len(l.known) >= maxLeaves {
		clear(l.known) // more than anybody uses
	}
	l.known[name] = c
	return c, nil
}

func localAddr(c net.Conn) string {
	if a, err := netip.ParseAddrPort(c.LocalAddr().String()); err == nil {
		return a.Addr().Unmap().WithZone("").String()
	}
	return "localhost"
}

func (ca *Authority) leaf(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	var names []string
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(name); err == nil {
		addrs = append(addrs, a)
	} else if _, err := hostname.Parse(name + ".local"); err == nil { // on a LAN, names may have no dot
		names = append(names, strings.ToLower(name))
	} else {
		return nil, fmt.Errorf("make certificate: %q is no host name", name)
	}
	der, err := ca.Sign(key.Public(), names, addrs, leafLifetime)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, ca.root.Raw}, PrivateKey: key}
	if c.Leaf, err = parse(der); err != nil {
		return nil, err
	}
	return c, nil
}
