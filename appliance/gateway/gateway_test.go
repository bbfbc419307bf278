// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coopkit/internal/hostname"
)

// discard is for gateways that say nothing of interest.
var discard = slog.New(slog.DiscardHandler)

// door is a running gateway with a client that trusts its CA and reaches every
// name at it.
type door struct {
	*Gateway
	t        testing.TB
	client   *http.Client
	log      *lockedBuffer
	stop     func() // ends the gateway and waits for it
	standard bool   // its proxy is the standard one, for comparison
}

// lockedBuffer is a buffer that many may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// local is the usual configuration of a test.
func local(tb testing.TB) Config {
	tb.Helper()
	return Config{
		HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", Storage: filepath.Join(tb.TempDir(), "certs"),
		Issuer: IssuerConfig{Kind: IssuerLocal}, Drain: 2 * time.Second,
	}
}

// open starts a gateway with routes and waits for their certificates.
func open(tb testing.TB, cfg Config, routes ...Route) *door {
	tb.Helper()
	return openWith(tb, cfg, Deps{}, slog.LevelInfo, routes...)
}

func openWith(tb testing.TB, cfg Config, deps Deps, level slog.Level, routes ...Route) *door {
	tb.Helper()
	d := &door{t: tb, log: &lockedBuffer{}}
	deps.Log = slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: level}))
	var err error
	if d.Gateway, err = New(cfg, deps); err != nil {
		tb.Fatal(err)
	}
	if err := d.SetRoutes(routes); err != nil {
		tb.Fatal(err)
	}
	if err := d.Listen(); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	tb.Cleanup(d.stop)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(d.log.String())
		}
	})
	if cfg.Issuer.Kind == IssuerLocal {
		d.client = d.newClient(false)
		tb.Cleanup(d.client.CloseIdleConnections)
		for _, r := range routes {
			d.waitFor(r.Host)
		}
	}
	return d
}

// waitFor waits for the certificate of host.
func (d *door) waitFor(host hostname.Name) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.WaitCertificate(ctx, host); err != nil {
		d.t.Fatal(err)
	}
}

// roots is the CA of the gateway.
func (d *door) roots() *x509.CertPool {
	d.t.Helper()
	pem, err := os.ReadFile(d.CAFile())
	if err != nil {
		d.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// newClient makes a client that follows no redirect and reaches every name at
// the gateway: port 80 and names with http at the plain listener.
func (d *door) newClient(h2 bool) *http.Client {
	d.t.Helper()
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := d.Addrs().HTTPS
		if strings.HasSuffix(addr, ":80") {
			to = d.Addrs().HTTP
		}
		return (&net.Dialer{}).DialContext(ctx, network, to.String())
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: d.roots()}, ForceAttemptHTTP2: h2,
			DisableCompression: true, MaxIdleConnsPerHost: 64,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// get asks for url with headers given as key, value …
func (d *door) get(url string, headers ...string) answer {
	d.t.Helper()
	return d.do(http.MethodGet, url, nil, headers...)
}

func (d *door) do(method, url string, body io.Reader, headers ...string) answer {
	d.t.Helper()
	a, err := do(d.client, method, url, body, headers...)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func do(c *http.Client, method, url string, body io.Reader, headers ...string) (answer, error) {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	resp, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b)}, errors.Join(err, resp.Body.Close())
}

// backend starts a service and returns its address.
func backend(tb testing.TB, h http.HandlerFunc) netip.AddrPort {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// nowhere is an address at which nothing listens.
func nowhere(tb testing.TB) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return netip.MustParseAddrPort(l.Addr().String())
}

// folder makes a folder with files.
func folder(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}
