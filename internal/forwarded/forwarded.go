// SPDX-License-Identifier: AGPL-3.0-or-later

// Package forwarded says by which headers an app behind the front door learns
// who asks, and at which address. The front door writes them into each request,
// and so does whatever asks an app as the front door would: health checks that
// presented themselves otherwise would test another app than visitors meet.
package forwarded

import (
	"net"
	"net/http"
)

// Visit is who asks, and where.
type Visit struct {
	IP        string // of the visitor
	Scheme    string // "http" or "https", as the visitor came
	Authority string // host as visitors write it, with a port unless it is the usual one of https
}

// Set puts the visit into the header of a request to an app, in place of what
// is there. The request's Host is to be the Authority, too.
func (v Visit) Set(h http.Header) {
	port := "443"
	if _, p, err := net.SplitHostPort(v.Authority); err == nil {
		port = p
	}
	h["X-Forwarded-For"], h["X-Real-Ip"] = []string{v.IP}, []string{v.IP}
	h["X-Forwarded-Host"], h["X-Forwarded-Port"] = []string{v.Authority}, []string{port}
	h["X-Forwarded-Proto"] = []string{v.Scheme}
}
