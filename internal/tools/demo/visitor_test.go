// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"coopkit/internal/problem"
)

// startDNS answers for host with 127.0.0.1, with nothing for empty.<host>, and
// denies all other names.
func startDNS(t *testing.T, host string, authoritative bool) string {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Authoritative = authoritative
		switch q.Question[0].Name {
		case host + ".":
			rr, _ := dns.NewRR(host + ". 60 IN A 127.0.0.1")
			m.Answer = append(m.Answer, rr)
		case "empty." + host + ".":
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
	return l.Addr().String()
}

// startHTTPS serves h at example.com; the visitor trusts its certificate alone.
func startHTTPS(t *testing.T, h http.Handler) (v *visitor, base string) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := newVisitor(startDNS(t, "example.com", true), ca)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	return v, "https://example.com:" + port + "/"
}

func notReached(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, &problem.Problem{Code: "demo-not-reached"}) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want one about %q", err, why)
	}
}

func TestVisitor_looksUp(t *testing.T) {
	v := &visitor{dns: startDNS(t, "example.com", true)}
	for _, network := range []string{"udp", "tcp"} {
		if got, err := v.lookup(t.Context(), network, "example.com"); err != nil || len(got) != 1 || got[0] != "127.0.0.1" {
			t.Errorf("%s: %v, %v", network, got, err)
		}
	}
	_, err := v.lookup(t.Context(), "udp", "other.example.com")
	notReached(t, err, "NXDOMAIN")
	_, err = v.lookup(t.Context(), "udp", "empty.example.com")
	notReached(t, err, "no address")
	_, err = (&visitor{dns: startDNS(t, "example.com", false)}).lookup(t.Context(), "udp", "example.com")
	notReached(t, err, "no answer of its own")
}

func TestVisitor_trustsTheLocalCAOnly(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") })
	v, base := startHTTPS(t, hello)
	if err := see(t.Context(), v.client(), base, "hello"); err != nil {
		t.Error(err)
	}
	notReached(t, see(t.Context(), v.client(), base, "goodbye"), "answered 200: hello")
	notReached(t, see(t.Context(), v.client(), strings.Replace(base, "example.com", "other.example.com", 1), "hello"), "cannot be opened")

	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newVisitor(v.dns, empty)
	notReached(t, err, "no certificate")
	stranger := &visitor{dns: v.dns}
	notReached(t, see(t.Context(), stranger.client(), base, "hello"), "cannot be opened")
}

// wordpress stands for the app: a form that wants its test cookie, a session,
// and the few calls of the REST API that the demo makes.
type wordpress struct {
	mu      sync.Mutex
	content string
	posts   int
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
		if err != nil || r.PostFormValue("log") != "owner" || r.PostFormValue("pwd") != "s3cret" {
			_, _ = fmt.Fprint(w, "The password is incorrect")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "owner", Path: "/", Secure: true})
		http.Redirect(w, r, r.PostFormValue("redirect_to"), http.StatusFound)
	case r.URL.Path == "/wp-admin/" && in:
		_, _ = fmt.Fprint(w, "Dashboard")
	case r.URL.Path == "/wp-admin/admin-ajax.php" && in:
		_, _ = fmt.Fprint(w, "n0nce")
	case r.URL.Path == "/index.php" && in && r.Header.Get("X-WP-Nonce") == "n0nce":
		wp.api(w, r)
	case r.URL.Path == "/hello/":
		_, _ = fmt.Fprintf(w, "<p>%s</p>", wp.content)
	default:
		http.Error(w, "no", http.StatusForbidden)
	}
}

func (wp *wordpress) api(w http.ResponseWriter, r *http.Request) {
	post := map[string]any{"id": 7, "link": "https://" + r.Host + "/hello/"}
	route := r.URL.Query().Get("rest_route")
	switch {
	case r.Method == http.MethodGet && route == "/wp/v2/posts":
		list := []any{}
		if wp.posts > 0 && r.URL.Query().Get("slug") == postSlug {
			list = append(list, post)
		}
		_ = json.NewEncoder(w).Encode(list)
	case route == "/wp/v2/posts" || route == "/wp/v2/posts/7" && wp.posts > 0:
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in["status"] != "publish" || in["slug"] != postSlug {
			http.Error(w, "bad post", http.StatusBadRequest)
			return
		}
		wp.content = in["content"]
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
	wp := &wordpress{}
	v, base := startHTTPS(t, wp)
	owner, err := signIn(t.Context(), v.client(), base, signin{User: "owner", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first words", "other words"} {
		link, err := owner.publish(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if err := see(t.Context(), v.client(), link, text); err != nil {
			t.Error(err)
		}
	}
	if wp.posts != 1 {
		t.Errorf("two runs made %d posts", wp.posts)
	}
	owner.nonce = "stale"
	_, err = owner.publish(t.Context(), "more")
	notReached(t, err, "answered 403")
}

func TestWordPress_saysThatTheSignInFailed(t *testing.T) {
	v, base := startHTTPS(t, &wordpress{})
	_, err := signIn(t.Context(), v.client(), base, signin{User: "owner", Password: "wrong"})
	notReached(t, err, "The password is incorrect")
}

func TestRedirects_wantsHTTPS(t *testing.T) {
	to := "https://demo.coop:8443/"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusMovedPermanently) }))
	defer srv.Close()
	d, _, _ := fakeDemo(t)
	d.http = srv.Listener.Addr().String()
	v := &visitor{dns: startDNS(t, zone, true)}
	if err := d.redirects(t.Context(), v); err != nil {
		t.Error(err)
	}
	to = "https://demo.coop/"
	notReached(t, d.redirects(t.Context(), v), "leads to “https://demo.coop/”")
}
