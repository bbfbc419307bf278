// SPDX-License-Identifier: AGPL-3.0-or-later

package ownca_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/internal/ownca"
	"coopkit/internal/problem"
)

func open(t *testing.T, dir string) *ownca.Authority {
	t.Helper()
	ca, err := ownca.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// serve answers every request with 204 and returns the address.
func serve(t *testing.T, ca *ownca.Authority) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	srv := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		TLSConfig:         ca.TLSConfig(ownca.MachineNames(func(name string) bool { return name == "console.demo.coop" })),
		ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(&logged, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- srv.ServeTLS(ownca.Listener(ln), "", "") }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func trusting(t *testing.T, ca *ownca.Authority, name, addr string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.RootPEM())
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestServer_hasACertificateForItsNamesAndAddresses(t *testing.T) {
	ca := open(t, t.TempDir())
	addr := serve(t, ca)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	label, _, _ := strings.Cut(host, ".")
	for _, name := range []string{"", "127.0.0.1", "console.demo.coop", host, label, strings.ToUpper(label) + ".local", "localhost"} {
		res, err := trusting(t, ca, name, addr).Get("https://" + addr + "/")
		if err != nil {
			t.Errorf("as %q: %v", name, err)
			continue
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if res.StatusCode != http.StatusNoContent || res.ProtoMajor != 2 {
			t.Errorf("as %q: %s over %s", name, res.Status, res.Proto)
		}
	}
	if res, err := trusting(t, open(t, t.TempDir()), "", addr).Get("https://" + addr + "/"); err == nil {
		t.Errorf("another authority's client trusts it: %s, %v", res.Status, res.Body.Close())
	}
}

// TestServer_hasNoCertificateForOthers: a device that trusts the authority must
// not trust it for the names of somebody else.
func TestServer_hasNoCertificateForOthers(t *testing.T) {
	ca := open(t, t.TempDir())
	addr := serve(t, ca)
	for _, name := range []string{"evil.example", "localhost.evil.example", "console.demo.coop.evil.example"} {
		res, err := trusting(t, ca, name, addr).Get("https://" + addr + "/")
		if err == nil {
			_ = res.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "tls: unrecognized name") {
			t.Errorf("as %s: %v", name, err)
		}
	}
}

func TestNames_answerForThemselvesAlone(t *testing.T) {
	names := ownca.MachineNames(func(name string) bool { return name == "console.demo.coop" })
	h := names.Only(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, want := range map[string]int{
		"localhost:8420": 204, "Console.Demo.coop.:8420": 204, "console.demo.coop": 204, "192.0.2.7:8420": 204, "[2001:db8::1]:8420": 204, "[2001:db8::1]": 204,
		"evil.example:8420": 421, "evil.example": 421, "": 421, "192.0.2.7.evil.example": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestCipherSuites_haveNoCBC(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		addr := serve(t, open(t, t.TempDir()))
		cbc := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
		for _, suites := range [][]uint16{cbc, nil} {
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, CipherSuites: suites})
			if refused := suites != nil && version == tls.VersionTLS12; (err != nil) != refused {
				t.Errorf("version %x, suites %v: %v", version, suites, err)
			}
			if err == nil {
				_ = c.Close()
			}
		}
	}
}

func TestListener_sendsPlainHTTPToHTTPS(t *testing.T) {
	ca := open(t, t.TempDir())
	addr := serve(t, ca)
	res, err := trusting(t, ca, "", addr).Get("http://" + addr + "/apps?x=1")
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if want := "https://" + addr + "/apps?x=1"; res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != want {
		t.Errorf("%s to %s, want %s", res.Status, res.Header.Get("Location"), want)
	}
}

// TestListener_readsLittleWithoutTLS proves that a stranger can neither fill the
// memory with a request that does not end, nor put anything into the answer.
func TestListener_readsLittleWithoutTLS(t *testing.T) {
	addr := serve(t, open(t, t.TempDir()))
	for name, request := range map[string]string{
		"endless headers": "GET / HTTP/1.1\r\nHost: a.example\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 100),
		"endless line":    "GET /" + strings.Repeat("a", 100_000),
		"a second header": "GET / HTTP/1.1\r\nHost: a.example\rSet-Cookie: a=b\r\n\r\n",
		"no host":         "GET / HTTP/1.0\r\n\r\n",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(request)) // the other side may close before all of it is sent
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer, err := io.ReadAll(c)
		if len(answer) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
		_ = c.Close()
	}
}

func TestOpen_keepsTheAuthorityAndItsPin(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	if !bytes.Equal(a.Pin(), b.Pin()) || len(a.Pin()) != sha256.Size || !bytes.Equal(a.RootPEM(), b.RootPEM()) {
		t.Error("opening it again makes another authority")
	}
	info, err := os.Stat(filepath.Join(dir, "root.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info.Mode(), err)
	}
}

func TestOpen_refusesWhatDoesNotFit(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no key":   func(dir string) error { return os.Remove(filepath.Join(dir, "root.key")) },
		"nonsense": func(dir string) error { return os.WriteFile(filepath.Join(dir, "root.crt"), []byte("x"), 0o600) },
		"another": func(dir string) error {
			other, err := os.ReadFile(open(t, filepath.Join(dir, "other")).RootFile())
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "root.crt"), other, 0o600))
		},
	} {
		dir := t.TempDir()
		open(t, dir)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := ownca.Open(dir, time.Now); !errors.Is(err, &problem.Problem{Code: "local-ca-broken"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLSConfig_renewsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		get := open(t, t.TempDir()).TLSConfig(func(string) bool { return true }).GetCertificate
		first, err := get(&tls.ClientHelloInfo{ServerName: "a.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, same := range []bool{true, false} {
			<-time.After(map[bool]time.Duration{true: time.Hour, false: 61 * 24 * time.Hour}[same])
			c, err := get(&tls.ClientHelloInfo{ServerName: "a.example"})
			if err != nil || (c.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0) != same {
				t.Errorf("same %v: %v, %v", same, c.Leaf.NotAfter, err)
			}
			if !time.Now().Before(c.Leaf.NotAfter) {
				t.Error("an expired certificate is served")
			}
		}
		if _, err := get(&tls.ClientHelloInfo{ServerName: "no name"}); err == nil {
			t.Error("a certificate for what is no name")
		}
	})
}
