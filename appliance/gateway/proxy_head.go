// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"

	"coopkit/internal/forwarded"

	"golang.org/x/net/http/httpguts"
)

// rewrite is ReverseProxy's Rewrite: it makes the service's request of the
// visitor's, whose headers of the connection are gone by now.
func (e *exchange) rewrite(pr *httputil.ProxyRequest) {
	out, host := pr.Out, e.p.g.authority(e.p.route.Host)
	out.URL.Scheme, out.URL.Host, out.Host = "http", e.p.route.Target.String(), host
	h := out.Header
	trailers := h["Te"] // "trailers", or ReverseProxy had removed it
	for key := range h {
		if !passedOn(key) {
			delete(h, key)
		}
	}
	if trailers != nil {
		h["Te"] = trailers
	}
	if e.upgrade {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{webSocket}
	}
	if cookies := h["Cookie"]; len(cookies) > 0 {
		h["Cookie"] = foreignCookies(cookies)
	}
	forwarded.Visit{IP: visitor(pr.In.RemoteAddr), Scheme: scheme(pr.In), Authority: host}.Set(h)
}

// writeHead writes the request line and headers for a service; in is the
// request as the visitor sent it. Errors stay in w until it is flushed.
func writeHead(w *bufio.Writer, out, in *http.Request, target string) {
	put := func(parts ...string) {
		for _, s := range parts {
			_, _ = w.WriteString(s)
		}
	}
	put(in.Method, " ", target, " HTTP/1.1\r\nHost: ", out.Host, "\r\n")
	for key, values := range out.Header {
		for _, v := range values {
			if v != "" || key != "User-Agent" { // ReverseProxy's sign for none
				put(key, ": ", v, "\r\n")
			}
		}
	}
	switch {
	case isChunked(in):
		put("Transfer-Encoding: chunked\r\n")
		if names := trailerNames(in.Trailer); len(names) > 0 {
			put("Trailer: ", strings.Join(names, ", "), "\r\n")
		}
	case in.ContentLength > 0 || in.Method == http.MethodPost || in.Method == http.MethodPut || in.Method == http.MethodPatch:
		put("Content-Length: ", strconv.FormatInt(in.ContentLength, 10), "\r\n")
	}
	if in.ContentLength != 0 && expectsContinue(in) {
		put("Expect: 100-continue\r\n")
	}
	put("\r\n")
}

// isChunked reports whether the body of r is sent in chunks: its length is not
// known, or something comes after it.
func isChunked(r *http.Request) bool {
	return r.ContentLength < 0 || r.ContentLength > 0 && len(r.Trailer) > 0
}

// trailerNames returns the announced trailers that a service gets, sorted.
func trailerNames(trailer http.Header) []string {
	var names []string
	for key := range trailer {
		if httpguts.ValidHeaderFieldName(key) && httpguts.ValidTrailerHeader(key) && passedOn(key) {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}

// writeLastChunk ends a body in chunks, with the trailers that were announced.
func writeLastChunk(w *bufio.Writer, names []string, trailer http.Header) {
	_, _ = w.WriteString("0\r\n")
	for _, key := range names {
		for _, v := range trailer[key] {
			_, _ = w.WriteString(key + ": " + v + "\r\n")
		}
	}
	_, _ = w.WriteString("\r\n")
}

// passedOn reports whether a service gets a visitor's header: not those of the
// connection itself, and none of those by which proxies say who the visitor is
// or what was asked for, since they would be a lie here.
func passedOn(key string) bool {
	switch key {
	case "Host", "Content-Length", "Expect", "Proxy",
		"Forwarded", "X-Real-Ip", "Client-Ip", "X-Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip",
		"X-Host", "X-Original-Host", "X-Original-Url", "X-Rewrite-Url", "X-Scheme", "X-Url-Scheme", "Front-End-Https",
		"Remote-User", "X-Remote-User":
		return false
	}
	if len(key) > 11 && (key[0] == 'X' || key[0] == 'x') && strings.Contains(key, "orwarded") {
		return false
	}
	// With underscores, CGI and WSGI programs could not tell them apart.
	if strings.IndexByte(key, '_') >= 0 {
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(key, "_", "-"))
		return !strings.Contains(plain, "_") && passedOn(plain)
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
