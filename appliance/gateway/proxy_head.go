// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// writeHead writes the request line and headers for a service; upgrade names
// the protocol of a tunnel, or is empty. Errors stay in out until it is flushed.
func writeHead(out *bufio.Writer, r *http.Request, upgrade string) {
	put := func(parts ...string) {
		for _, s := range parts {
			_, _ = out.WriteString(s)
		}
	}
	target := r.RequestURI
	if r.URL.Host != "" || !strings.HasPrefix(target, "/") && target != "*" {
		target = r.URL.RequestURI() // absolute form (RFC 9112 section 3.2.2)
	}
	put(r.Method, " ", target, " HTTP/1.1\r\nHost: ", r.Host, "\r\n")
	listed := r.Header["Connection"]
	for key, values := range r.Header {
		if !passedOn(key) || len(listed) > 0 && httpguts.HeaderValuesContainsToken(listed, key) {
			continue
		}
		for _, v := range values {
			if key == "Cookie" {
				if v = foreign(v); v == "" {
					continue
				}
			}
			put(key, ": ", v, "\r\n")
		}
	}
	who := visitor(r.RemoteAddr)
	put("X-Forwarded-For: ", who, "\r\nX-Real-Ip: ", who, "\r\nX-Forwarded-Host: ", r.Host, "\r\nX-Forwarded-Proto: ", scheme(r), "\r\n")
	switch {
	case upgrade != "":
		put("Connection: Upgrade\r\nUpgrade: ", upgrade, "\r\n")
	case r.ContentLength < 0:
		put("Transfer-Encoding: chunked\r\n")
	case r.ContentLength > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		put("Content-Length: ", strconv.FormatInt(r.ContentLength, 10), "\r\n")
	}
	put("\r\n")
}

// passedOn reports whether a service gets a visitor's header: not those of the
// connection itself, and none of those by which proxies tell who the visitor
// is, since they would be a lie here.
func passedOn(key string) bool {
	switch key {
	case "Host", "Content-Length", "Expect", "Forwarded", "X-Real-Ip", "Proxy":
		return false
	}
	if len(key) > 11 && (key[0] == 'X' || key[0] == 'x') && strings.Contains(key, "orwarded") {
		return false
	}
	// With underscores, CGI and WSGI programs could not tell them apart.
	if strings.IndexByte(key, '_') >= 0 {
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(key, "_", "-"))
		return strings.IndexByte(plain, '_') < 0 && passedOn(plain)
	}
	return !hopByHop(key)
}

// hopByHop reports whether a header is about one connection only (RFC 9110
// section 7.6.1 and what is common beside it).
func hopByHop(key string) bool {
	switch key {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// visitor returns the IP address of a "host:port".
func visitor(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		remote = remote[:i]
	}
	return strings.Trim(remote, "[]")
}

// scheme returns how the visitor came.
func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
