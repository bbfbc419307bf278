// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The conformance table holds raw bytes of visitors and of services, and what
// becomes of them. Each case runs against our proxy and against the standard
// library's with http.Transport. Where the two differ, the case says why; a
// difference without a reason fails, and so does a reason without a difference.
//
// An outcome is one line:
//
//	POST /x chunked "hello" {X-A: 1} => 200 "ok"; open
//
// It says what the service got (requests joined by " + ", or "nothing"), what the
// visitor got (answers joined by " + "; of 400 and above the status alone), and
// what can be done afterwards with the connection that the case is about.
// Of neighbours that are equal, one is written.
// Headers that every request or answer has, with the value that they must
// have, are left out; any other value shows.
type conformanceCase struct {
	name string
	want string
	std  string // what the standard proxy does, if that differs
	why  string // why it differs
}

// standardTries is how often the standard proxy may try to do what a case says
// of it. Its transport reads and writes each connection in goroutines of their
// own, so where an answer breaks off, or comes unasked, either may be first, and
// the outcome differs from run to run. Ours has one try.
const standardTries = 10

// check compares the outcomes of both proxies with what the case says.
func (c conformanceCase) check(t *testing.T, run func(d *door, want string) string, ours, std *door) {
	t.Helper()
	if got := run(ours, c.want); got != c.want {
		t.Errorf("ours\n got %s\nwant %s", got, c.want)
	}
	want := c.std
	if want == "" {
		want = c.want
	}
	var got string
	for range standardTries {
		if got = run(std, want); got == want {
			break
		}
	}
	if got != want {
		t.Errorf("standard\n got %s\nwant %s", got, want)
	}
	if (c.std != "") != (c.why != "") || c.std == c.want {
		t.Error("a difference without a reason, or a reason without a difference")
	}
}

// inPieces checks that ours does the same when the bytes come one by one.
func (c conformanceCase) inPieces(t *testing.T, got string) {
	t.Helper()
	// An answer that breaks off may have begun by then.
	if got != c.want && got != strings.Replace(c.want, "nothing; closed", "200 broken; closed", 1) {
		t.Errorf("ours, byte by byte\n got %s\nwant %s", got, c.want)
	}
}

// trickle writes a short text byte by byte, each in a segment of its own.
func trickle(w io.Writer, s string) (n int, err error) {
	if len(s) > 1000 {
		return io.WriteString(w, s)
	}
	for ; n < len(s) && err == nil; n++ {
		_, err = io.WriteString(w, s[n:n+1])
	}
	return n, err
}

// writing is io.WriteString or trickle.
type writing func(io.Writer, string) (int, error)

// within waits until cond holds, for no longer than limit: what a case says is
// compared afterwards.
func within(limit time.Duration, cond func() bool) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !cond() && time.Now().Before(end); {
		<-tick.C
	}
}

// conformanceDoors opens one door with our proxy and one with the standard one.
func conformanceDoors(t *testing.T) (ours, std *door) {
	t.Helper()
	for _, d := range []**door{&ours, &std} {
		cfg := local(t)
		cfg.PublicHTTPSPort = 443
		*d = open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting}, otherHost)
	}
	std.standard = true
	return ours, std
}

// otherHost would answer a smuggled request in another way than the service.
var otherHost = Route{Host: "old.demo.coop", Kind: Redirect, To: "https://www.demo.coop/"}

// point sends what the door gets for www.demo.coop to a service.
func (d *door) point(t *testing.T, target netip.AddrPort) {
	t.Helper()
	if err := d.SetRoutes([]Route{{Host: "www.demo.coop", Kind: Service, Target: target, Title: "Our website"}, otherHost}); err != nil {
		t.Fatal(err)
	}
	if d.standard {
		d.table.Load().hosts["www.demo.coop"].handler = standardProxy(t, target)
	}
}

// standardProxy is the standard library's proxy as its documentation sets it up.
func standardProxy(tb testing.TB, target netip.AddrPort) http.Handler {
	tb.Helper()
	to := &url.URL{Scheme: "http", Host: target.String()}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, ExpectContinueTimeout: time.Second}
	tb.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(to)
			pr.Out.Host = pr.In.Host
			pr.SetXForwarded()
		},
		Transport:  transport,
		BufferPool: buffers,
		ErrorLog:   log.New(io.Discard, "", 0),
	}
}

// usual are the headers with the values that they must have.
var usual = map[string]string{
	"Host": "www.demo.coop", "X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Host": "www.demo.coop",
	"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
	"Content-Type": "text/plain; charset=utf-8", // what net/http guesses
}

// describeHeaders writes what is unusual in a header, sorted.
func describeHeaders(h http.Header, without ...string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[key] {
			if usual[key] != v && !slices.Contains(without, key) {
				lines = append(lines, fmt.Sprintf("%s: %.60s", key, v))
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	lines = slices.Compact(lines)
	return " {" + strings.Join(lines, "; ") + "}"
}

// describeRequest writes what a service got; err is how its body ended.
func describeRequest(r *http.Request, body []byte, err error) string {
	s := r.Method + " " + r.RequestURI
	if r.Host != usual["Host"] {
		s += " host=" + r.Host
	}
	switch {
	case len(r.TransferEncoding) > 0:
		s += " chunked"
	case r.ContentLength > 0 || r.Header["Content-Length"] != nil:
		s += fmt.Sprintf(" len=%d", r.ContentLength)
	}
	switch {
	case err != nil:
		s += " broken" // how much had come may differ each time
	case len(body) > 0:
		s += fmt.Sprintf(" %.40q", body)
	}
	s += describeHeaders(r.Header, "Content-Length")
	if trailer := describeHeaders(r.Trailer); trailer != "" {
		s += " trailer" + trailer
	}
	return s
}

// describeAnswer writes what a visitor got.
func describeAnswer(r *http.Response, body []byte, err error) string {
	s := fmt.Sprint(r.StatusCode)
	if r.StatusCode < 400 {
		if len(body) > 0 && err == nil {
			s += fmt.Sprintf(" %.40q", body)
		}
		s += describeHeaders(r.Header, "Date", "Content-Length", "Connection")
		if trailer := describeHeaders(r.Trailer); trailer != "" {
			s += " trailer" + trailer
		}
	}
	if err != nil {
		s += " broken"
	}
	return s
}

// conformanceVisitor speaks to a door by hand.
type conformanceVisitor struct {
	conn    *tls.Conn
	in      *bufio.Reader
	methods []string // of the requests that have no answer yet
	answers []string
	after   string // set once the connection cannot be read any more, or was probed
}

func callDoor(t *testing.T, d *door) *conformanceVisitor {
	t.Helper()
	c := d.rawVisitor("http/1.1")
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	return &conformanceVisitor{conn: c, in: bufio.NewReader(c)}
}

// probe is a request whose answer cannot be taken for another.
const (
	probe       = "GET /probe HTTP/1.1\r\nHost: www.demo.coop\r\n\r\n"
	probeAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe"
)

// read reads one answer, interim or final, and returns its status; 0 = none.
func (v *conformanceVisitor) read() int {
	method := http.MethodGet
	if len(v.methods) > 0 {
		method = v.methods[0]
	}
	resp, err := http.ReadResponse(v.in, &http.Request{Method: method})
	if err != nil {
		v.after = "closed"
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			v.after = "silent"
		}
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if string(body) == "probe" {
		v.after = "open"
		return resp.StatusCode
	}
	v.answers = append(v.answers, describeAnswer(resp, body, err))
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		v.after = "tunnel"
	case resp.StatusCode >= http.StatusOK && len(v.methods) > 0:
		v.methods = v.methods[1:]
	}
	return resp.StatusCode
}

// probeEnd asks once more, and reads until that is answered or nothing comes.
func (v *conformanceVisitor) probeEnd() {
	if v.after == "" {
		_, _ = io.WriteString(v.conn, probe)
	}
	for v.after == "" {
		v.read()
	}
}

// got is what the visitor got, in words.
func (v *conformanceVisitor) got() string {
	if len(v.answers) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Compact(v.answers), " + ")
}
