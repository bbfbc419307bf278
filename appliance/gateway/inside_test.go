// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// reaches reports whether somebody listens.
func reaches(t *testing.T, addr string, port int) bool {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func addrs(texts ...string) (out []netip.Addr) {
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// TestInside_listensWhereAppsAre: 127.0.0.2 and 127.0.0.3 stand for the host in
// the networks of two apps.
func TestInside_listensWhereAppsAre(t *testing.T) {
	d := open(t, local(t), Route{Host: "old.demo.coop", Kind: Redirect, To: "https://www.demo.coop"})
	secure, plain := portOf(d.httpsLn), portOf(d.httpLn)
	d.SetInside(addrs("127.0.0.2", "127.0.0.3", "192.0.2.77")) // the last is no address of this machine, yet
	if !reaches(t, "127.0.0.2", secure) || !reaches(t, "127.0.0.2", plain) || !reaches(t, "127.0.0.3", secure) {
		t.Error("it does not listen inside")
	}
	inside := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     d.client.Transport.(*http.Transport).Clone(),
	}
	inside.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.2", strconv.Itoa(secure)))
	}
	defer inside.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://old.demo.coop/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := inside.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.Header.Get("Location") != "https://www.demo.coop/" {
		t.Errorf("inside it answers %s to %s, %v", resp.Status, resp.Header.Get("Location"), err)
	}
	d.SetInside(addrs("127.0.0.3"))
	if reaches(t, "127.0.0.2", secure) || !reaches(t, "127.0.0.3", secure) || !reaches(t, "127.0.0.1", secure) {
		t.Error("an app went, and it listens where it was, or not where others are")
	}
	d.stop()
	if reaches(t, "127.0.0.3", secure) {
		t.Error("it listens inside although it ended")
	}
}

func TestInside_opensNothingWhereItListensAlready(t *testing.T) {
	cfg := local(t)
	cfg.HTTPS, cfg.HTTP = "0.0.0.0:0", ""
	d := open(t, cfg, Route{Host: "old.demo.coop", Kind: Redirect, To: "https://www.demo.coop"})
	d.SetInside(addrs("127.0.0.2"))
	if len(d.inside.open) != 0 || !reaches(t, "127.0.0.2", portOf(d.httpsLn)) {
		t.Errorf("%d listeners more", len(d.inside.open))
	}
}

// TestInside_theAddressOfVisitorsCounts: visitors use another port than the one
// it listens on; an app uses theirs.
func TestInside_theAddressOfVisitorsCounts(t *testing.T) {
	cfg := local(t)
	cfg.HTTP, cfg.PublicHTTPSPort = "", testkit.FreePort(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.2", strconv.Itoa(cfg.PublicHTTPSPort)))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, cfg)
	d.SetInside(addrs("127.0.0.2", "127.0.0.3"))
	testkit.Eventually(t, 10*time.Second, "it listens inside", func() bool { return reaches(t, "127.0.0.3", cfg.PublicHTTPSPort) })
	d.SetInside(addrs("127.0.0.2", "127.0.0.3"))
	if n := strings.Count(d.log.String(), "cannot reach its own address"); n != 1 {
		t.Errorf("an address that another program has: said %d times", n)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	d.SetInside(addrs("127.0.0.2", "127.0.0.3"))
	if len(d.inside.open) != 2 {
		t.Error("it was not tried again")
	}
}
