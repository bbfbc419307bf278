// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	mdns "github.com/miekg/dns"
)

// pebble starts an ACME authority that asks dnsAddr and reaches every name at
// the given ports of 127.0.0.1. It returns its handler and a folder-less server
// that is not started yet, so that tests can have an authority that is down.
func pebble(t *testing.T, dnsAddr string, httpPort, tlsPort int) *httptest.Server {
	t.Helper()
	return pebbleFor(t, db.NewMemoryStore(), false, dnsAddr, httpPort, tlsPort)
}

// pebbleFor is pebble with a store of its own, which may want accounts that it
// knows.
func pebbleFor(t *testing.T, store *db.MemoryStore, known bool, dnsAddr string, httpPort, tlsPort int) *httptest.Server {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "d"}})
	checks := va.New(quiet, httpPort, tlsPort, false, dnsAddr, store)
	front := wfe.New(quiet, store, checks, authority, []string{"pebble.example"}, false, known, 1, 1)
	s := httptest.NewUnstartedServer(front.Handler())
	t.Cleanup(s.Close)
	return s
}

// everything answers every name with 127.0.0.1.
func everything(t *testing.T) string {
	t.Helper()
	for range 5 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := ln.Addr().String()
		_ = ln.Close()
		s, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{addr}, Log: log.New(io.Discard, "", 0)})
		if err != nil {
			t.Fatal(err)
		}
		s.SetDefaultDNSIPv4("127.0.0.1")
		s.SetDefaultDNSIPv6("")
		go s.Run()
		t.Cleanup(s.Shutdown)
		if answersDNS(addr) { // it does not say when the port was taken meanwhile
			return addr
		}
	}
	t.Fatal("no port for the DNS server")
	return ""
}

// answersDNS reports whether a DNS server answers there soon, over UDP and TCP.
func answersDNS(addr string) bool {
	query := new(mdns.Msg).SetQuestion("demo.coop.", mdns.TypeA)
	for _, network := range []string{"udp", "tcp"} {
		ok := false
		for range 20 {
			if _, _, err := (&mdns.Client{Net: network, Timeout: time.Second}).Exchange(query, addr); err == nil {
				ok = true
				break
			}
			<-time.After(50 * time.Millisecond)
		}
		if !ok {
			return false
		}
	}
	return true
}

// acmeConfig makes a configuration that trusts the authority.
func acmeConfig(t *testing.T, authority *httptest.Server, challenges ...Challenge) Config {
	t.Helper()
	cfg := local(t)
	root := filepath.Join(t.TempDir(), "authority.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw}
	if err := os.WriteFile(root, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Issuer = IssuerConfig{
		Kind: IssuerACME, Directory: authority.URL + wfe.DirectoryPath, Email: "amara@demo.coop",
		TrustedRoot: root, Profile: "default", Challenges: challenges,
	}
	cfg.tuning.retry = []time.Duration{100 * time.Millisecond}
	return cfg
}

// sockets opens the listeners first, so that the authority can be told where.
func sockets(t *testing.T, cfg *Config) (httpPort, tlsPort int) {
	t.Helper()
	for _, l := range []*net.Listener{&cfg.HTTPListener, &cfg.HTTPSListener} {
		var err error
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	return portOf(cfg.HTTPListener), portOf(cfg.HTTPSListener)
}

func TestACME_http01AndTLSALPN01(t *testing.T) {
	for _, challenge := range []Challenge{HTTP01, TLSALPN01} {
		t.Run(string(challenge), func(t *testing.T) {
			var given Config
			httpPort, tlsPort := sockets(t, &given)
			authority := pebble(t, everything(t), httpPort, tlsPort)
			authority.StartTLS()
			cfg := acmeConfig(t, authority, challenge)
			cfg.HTTPListener, cfg.HTTPSListener = given.HTTPListener, given.HTTPSListener
			d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
			d.waitFor("www.demo.coop")
			info := d.Certificates()[0]
			if !strings.Contains(info.Issuer, "Pebble") || info.Problem != nil || time.Until(info.NotAfter) < time.Hour {
				t.Errorf("%+v", info)
			}
			if d.CAFile() != "" {
				t.Error("there is a local CA")
			}
		})
	}
}

// TestACME_authorityDownAtStart: other hosts are served meanwhile, the reason
// can be read, and the certificate comes once the authority is back.
func TestACME_authorityDownAtStart(t *testing.T) {
	var given Config
	httpPort, tlsPort := sockets(t, &given)
	front := pebble(t, everything(t), httpPort, tlsPort)
	lid := &lid{inner: front.Config.Handler}
	front.Config.Handler = lid
	front.StartTLS()
	cfg := acmeConfig(t, front, HTTP01)
	cfg.HTTPListener, cfg.HTTPSListener = given.HTTPListener, given.HTTPSListener
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p, ok := errors.AsType[*problem.Problem](d.WaitCertificate(ctx, "www.demo.coop"))
	if !ok || p.Code != "certificate-failed" || p.Err == nil || len(p.Next) == 0 {
		t.Errorf("%+v", p)
	}
	resp, err := http.Get("http://" + d.Addrs().HTTP.String() + "/")
	if err != nil || resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("the door is shut: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	testkit.Eventually(t, 5*time.Second, "the failure can be read", func() bool { return d.Certificates()[0].Problem != nil })
	lid.lift()
	d.waitFor("www.demo.coop")
	if d.Certificates()[0].Problem != nil {
		t.Errorf("%+v", d.Certificates())
	}
}

// lid keeps an authority shut until it is lifted.
type lid struct {
	mu    sync.Mutex
	up    bool
	inner http.Handler
}

func (l *lid) lift() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = true
}

func (l *lid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	up := l.up
	l.mu.Unlock()
	if !up {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	l.inner.ServeHTTP(w, r)
}

// txtServer is a small authoritative DNS server that is also the TXTWriter.
type txtServer struct {
	mu   sync.Mutex
	txt  map[string][]string
	seen []string
}

func (s *txtServer) SetTXT(_ context.Context, fqdn, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[fqdn] = append(s.txt[fqdn], value)
	s.seen = append(s.seen, fqdn)
	return nil
}

func (s *txtServer) RemoveTXT(_ context.Context, fqdn, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[fqdn] = slices.DeleteFunc(s.txt[fqdn], func(v string) bool { return v == value })
	return nil
}

func (s *txtServer) ServeDNS(w mdns.ResponseWriter, q *mdns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(mdns.Msg).SetReply(q)
	m.Authoritative = true
	if ask := q.Question[0]; ask.Qtype == mdns.TypeTXT {
		for _, v := range s.txt[strings.ToLower(ask.Name)] {
			m.Answer = append(m.Answer, &mdns.TXT{Hdr: mdns.RR_Header{Name: ask.Name, Rrtype: mdns.TypeTXT, Class: mdns.ClassINET}, Txt: []string{v}})
		}
	}
	_ = w.WriteMsg(m)
}

func TestACME_dns01(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // Pebble asks for TXT over TCP
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	records := &txtServer{txt: make(map[string][]string)}
	for _, dns := range []*mdns.Server{{PacketConn: pc, Handler: records}, {Listener: l, Handler: records}} {
		go func() { _ = dns.ActivateAndServe() }()
		t.Cleanup(func() { _ = dns.Shutdown() })
	}
	authority := pebble(t, pc.LocalAddr().String(), 1, 1) // neither port is ours: only DNS can prove it
	authority.StartTLS()
	cfg := acmeConfig(t, authority, DNS01)
	d := openWith(t, cfg, Deps{TXT: records}, slog.LevelInfo, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	d.waitFor("www.demo.coop")
	records.mu.Lock()
	defer records.mu.Unlock()
	if !slices.Equal(records.seen, []string{"_acme-challenge.www.demo.coop."}) || len(records.txt["_acme-challenge.www.demo.coop."]) != 0 {
		t.Errorf("set %v, left %v", records.seen, records.txt)
	}
}

func TestLocalCA_renewsBeforeTheEnd(t *testing.T) {
	cfg := local(t)
	cfg.tuning.localLifetime, cfg.tuning.renewCheck = 6*time.Second, 200*time.Millisecond
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	first := d.Certificates()[0].NotAfter
	testkit.Eventually(t, 30*time.Second, "the certificate is renewed", func() bool {
		return d.Certificates()[0].NotAfter.After(first)
	})
	if a := d.get("https://www.demo.coop/"); a.StatusCode != 503 {
		t.Errorf("%d", a.StatusCode)
	}
	if !strings.Contains(d.log.String(), "certificate renewed") {
		t.Error("the log does not say so")
	}
}

func TestLocalCA_isKeptAndItsKeyIsSecret(t *testing.T) {
	cfg := local(t)
	route := Route{Host: "www.demo.coop", Kind: Held, Hold: Starting}
	d := open(t, cfg, route)
	root, err := os.ReadFile(d.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	leaf := d.get("https://www.demo.coop/").TLS.PeerCertificates[0]
	if len(leaf.AuthorityKeyId) == 0 || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) || leaf.IsCA || !slices.Equal(leaf.DNSNames, []string{"www.demo.coop"}) {
		t.Errorf("leaf: %+v", leaf)
	}
	for file, mode := range map[string]os.FileMode{"ca/root.key": 0o600, "ca/root.crt": 0o644, "ca": 0o700 | os.ModeDir, ".": 0o700 | os.ModeDir} {
		if info, err := os.Stat(filepath.Join(cfg.Storage, file)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
	}
	d.stop()
	again := open(t, cfg, route)
	second, err := os.ReadFile(again.CAFile())
	if err != nil || string(second) != string(root) {
		t.Errorf("the root changed: %v", err)
	}
	if !again.get("https://www.demo.coop/").TLS.PeerCertificates[0].Equal(leaf) {
		t.Error("the certificate was made anew")
	}
}

// TestLocalCA_damagedFilesAreNotReplaced: the gateway says so, uses the
// certificates that it has, and makes new ones as soon as it can.
func TestLocalCA_damagedFilesAreNotReplaced(t *testing.T) {
	cfg := local(t)
	cfg.tuning.retry = []time.Duration{50 * time.Millisecond}
	old := Route{Host: "www.demo.coop", Kind: Held, Hold: Starting}
	d := open(t, cfg, old)
	roots := d.roots()
	d.stop()
	key := filepath.Join(cfg.Storage, "ca", "root.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"garbage": func() error { return os.WriteFile(key, []byte("garbage"), 0o600) },
		"gone":    func() error { return os.Remove(key) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			var told atomic.Pointer[error]
			d := &door{t: t, log: &lockedBuffer{}}
			if d.Gateway, err = New(cfg, Deps{Log: discard, Report: func(part string, err error) {
				if part == Authority {
					told.Store(&err)
				}
			}}); err != nil {
				t.Fatal(err)
			}
			if !errors.Is(*told.Load(), &problem.Problem{Code: "local-ca-broken"}) || d.CAFile() != "" {
				t.Errorf("it is told %v, its root is %q", *told.Load(), d.CAFile())
			}
			fresh := hostname.Name(name + ".demo.coop")
			d.SetRoutes([]Route{old, {Host: fresh, Kind: Held, Hold: Starting}})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- d.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			d.waitFor(old.Host)
			if err := os.WriteFile(key, good, 0o600); err != nil {
				t.Fatal(err)
			}
			d.waitFor(fresh)
			if *told.Load() != nil || !d.roots().Equal(roots) {
				t.Errorf("when the key is back it is told %v, or has another root", *told.Load())
			}
		})
	}
}

func TestNew_refusesIssuersThatCanNotWork(t *testing.T) {
	for name, issuer := range map[string]IssuerConfig{
		"none": {}, "no directory": {Kind: IssuerACME},
		"dns-01 without DNS": {Kind: IssuerACME, Directory: "https://acme.example/", Challenges: []Challenge{DNS01}},
		"half an account":    {Kind: IssuerACME, Directory: "https://acme.example/", EABKeyID: "demo-coop"},
		"no key":             {Kind: IssuerACME, Directory: "https://acme.example/", EABKeyID: "demo-coop", EABKeyFile: "/dev/null"},
		"root":               {Kind: IssuerACME, Directory: "https://acme.example/", TrustedRoot: "/does/not/exist"},
	} {
		cfg := local(t)
		cfg.Issuer = issuer
		if _, err := New(cfg, Deps{Log: discard}); !errors.Is(err, &problem.Problem{Code: "issuer-invalid"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
