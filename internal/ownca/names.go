// SPDX-License-Identifier: AGPL-3.0-or-later

package ownca

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
)

// Names says whether a server is reached by a name. Names come in any case and
// may have a final dot.
type Names func(name string) bool

// ofLAN are the domains under which routers and mDNS give machines their names;
// nobody can have them on the Internet.
var ofLAN = []string{"", "local", "lan", "home", "home.arpa", "internal", "localdomain", "fritz.box"}

// MachineNames are the names of this machine: localhost, its host name, the
// same without what comes after the first dot, and that under the domains of a
// LAN. It is also reached by what more says, which may be nil and gets names in
// lower case without a final dot.
func MachineNames(more Names) Names {
	own := map[string]bool{"localhost": true}
	if host, err := os.Hostname(); err == nil {
		host = strings.ToLower(host)
		own[host] = true
		label, _, _ := strings.Cut(host, ".")
		for _, domain := range ofLAN {
			own[strings.TrimSuffix(label+"."+domain, ".")] = true
		}
	}
	return func(name string) bool {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		return own[name] || more != nil && more(name)
	}
}

// misdirected is what a person reads who came by another name.
const misdirected = "This machine does not answer to that name.\nEsta máquina no responde a ese nombre.\nCette machine ne répond pas à ce nom.\n"

// Only lets h answer requests for names alone, and for addresses. A page that
// somebody else's name leads to would be of that somebody's site for a browser,
// and could read ours (DNS rebinding); an address is nobody else's.
func (names Names) Only(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && !names(host) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusMisdirectedRequest)
			_, _ = io.WriteString(w, misdirected)
			return
		}
		h.ServeHTTP(w, r)
	})
}
