// SPDX-License-Identifier: AGPL-3.0-or-later

package demo

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// startDNS answers for demo.coop and example.com with 127.0.0.1, for
// empty.example.com with nothing, for other.example without authority, and
// denies all other names. It returns its port.
func startDNS(t *testing.T) string {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Authoritative = q.Question[0].Name != "other.example."
		switch name := q.Question[0].Name; name {
		case "demo.coop.", "example.com.", "other.example.":
			rr, _ := dns.NewRR(name + " 60 IN A 127.0.0.1")
			m.Answer = append(m.Answer, rr)
		case "empty.example.com.":
		default:
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{Listener: l, Handler: handler}, {PacketConn: pc, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return port(l.Addr())
}

func port(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// startHTTPS serves h as example.com instead of the demo's names. The lines that
// it returns have a visitor trust its certificate, and no other.
func startHTTPS(t *testing.T, h http.Handler) (d *demo, trust string) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	d = fakeDemo(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.env["DEMO_DNS"], d.env["DEMO_HTTPS"] = startDNS(t), port(srv.Listener.Addr())
	return d, "host=example.com ca=" + ca + "\n"
}

func TestVisitor_looksUp(t *testing.T) {
	d := fakeDemo(t)
	d.env["DEMO_DNS"] = startDNS(t)
	for _, network := range []string{"+udp", "+tcp"} {
		if got := d.do("lookup example.com " + network); got != "127.0.0.1\n" {
			t.Errorf("%s: %s", network, got)
		}
	}
	d.refused("lookup nobody.example.com +udp", "NXDOMAIN")
	d.refused("lookup empty.example.com +udp", "no address")
	d.refused("lookup other.example +tcp", "no answer of its own")
}

func TestVisitor_trustsTheLocalCAOnly(t *testing.T) {
	d, trust := startHTTPS(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") }))
	d.do(trust + `see "$(url example.com)" hello`)
	d.refused(trust+`see "$(url example.com)" goodbye`, "it answered 200 https://example.com", ": hello")
	d.refused(trust+`see "$(url nobody.example.com)" hello`, "cannot be opened", "NXDOMAIN")
	d.refused(`ca=/etc/ssl/certs/ca-certificates.crt; see "$(url example.com)" hello`, "cannot be opened", "certificate")
}

// wordpress stands for the app: a form that wants its test cookie, a session,
// and the few calls of the REST API that the demo makes.
type wordpress struct {
	mu      sync.Mutex
	content string
	posts   int
	nonce   string
}

func (wp *wordpress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wp.mu.Lock()
	defer wp.mu.Unlock()
	session, _ := r.Cookie("session")
	in := session != nil && session.Value == "owner"
	switch {
	case r.URL.Path == "/wp-login.php" && r.Method == http.MethodGet:
		http.SetCookie(w, &http.Cookie{Name: "wordpress_test_cookie", Value: "1", Secure: true})
		_, _ = fmt.Fprint(w, `<input id="user_login">`)
	case r.URL.Path == "/wp-login.php":
		_, err := r.Cookie("wordpress_test_cookie")
		if err != nil || r.PostFormValue("log") != "owner" || r.PostFormValue("pwd") != "s3cret&" {
			_, _ = fmt.Fprint(w, "The password is incorrect")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "owner", Path: "/", Secure: true})
		http.Redirect(w, r, r.PostFormValue("redirect_to"), http.StatusFound)
	case r.URL.Path == "/wp-admin/" && in:
		_, _ = fmt.Fprint(w, "Dashboard")
	case r.URL.Path == "/wp-admin/admin-ajax.php" && in:
		_, _ = fmt.Fprint(w, "a0b1c2")
	case r.URL.Path == "/index.php" && in && r.Header.Get("X-WP-Nonce") == wp.nonce:
		wp.api(w, r)
	case r.URL.Path == "/hello/":
		_, _ = fmt.Fprintf(w, "<p>%s</p>", wp.content)
	default:
		http.Error(w, "no", http.StatusForbidden)
	}
}

// published is the post as it is now, and how many there are.
func (wp *wordpress) published() (content string, posts int) {
	wp.mu.Lock()
	defer wp.mu.Unlock()
	return wp.content, wp.posts
}

func (wp *wordpress) api(w http.ResponseWriter, r *http.Request) {
	post := map[string]any{"id": 7, "link": "https://" + r.Host + "/hello/"}
	route := r.URL.Query().Get("rest_route")
	switch {
	case r.Method == http.MethodGet && route == "/wp/v2/posts":
		list := []any{}
		if wp.posts > 0 && r.URL.Query().Get("slug") == "hello-from-coopkit" {
			list = append(list, post)
		}
		_ = json.NewEncoder(w).Encode(list)
	case route == "/wp/v2/posts" || route == "/wp/v2/posts/7" && wp.posts > 0:
		if r.PostFormValue("status") != "publish" || r.PostFormValue("slug") != "hello-from-coopkit" {
			http.Error(w, "bad post", http.StatusBadRequest)
			return
		}
		wp.content = r.PostFormValue("content")
		if route == "/wp/v2/posts" {
			wp.posts++
			w.WriteHeader(http.StatusCreated)
		}
		_ = json.NewEncoder(w).Encode(post)
	default:
		http.Error(w, "no route", http.StatusNotFound)
	}
}

func TestWordPress_publishesOnePost(t *testing.T) {
	wp := &wordpress{nonce: "a0b1c2"}
	d, trust := startHTTPS(t, wp)
	for range 2 {
		before, _ := wp.published()
		d.do(trust + "user=owner password='s3cret&' publish")
		if after, _ := wp.published(); after == before {
			t.Error("the post is as it was")
		}
	}
	if _, posts := wp.published(); posts != 1 {
		t.Errorf("two runs made %d posts", posts)
	}
	d.refused(trust+"user=owner password=wrong publish", "does not let its owner in", "The password is incorrect")
	wp.mu.Lock()
	wp.nonce = "d3e4f5" // what the owner got is stale
	wp.mu.Unlock()
	d.refused(trust+"user=owner password='s3cret&' publish", "WordPress refuses what its owner may do", "it answered 403")
}

func TestRedirects_wantsHTTPS(t *testing.T) {
	var to atomic.Value
	to.Store("https://demo.coop:8443/")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to.Load().(string), http.StatusMovedPermanently)
	}))
	defer srv.Close()
	d := fakeDemo(t)
	d.env["DEMO_HTTP"], d.env["DEMO_DNS"] = port(srv.Listener.Addr()), startDNS(t)
	d.do("ca=/dev/null redirects")
	to.Store("https://demo.coop/")
	d.refused("ca=/dev/null redirects", "it leads to “https://demo.coop/”")
}
