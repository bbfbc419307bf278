// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestConsole_staysOpenToOthers: whoever opens many and says nothing makes room, and the rest
// of the agent goes on.
func TestConsole_staysOpenToOthers(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Console = "127.0.0.1:0"
	r := run(t, cfg)
	access, err := r.Box.ConsoleAccess(t.Context())
	if err != nil || !strings.HasSuffix(access.URL, "/setup") || strings.Contains(access.URL, access.Token) {
		t.Fatalf("access %+v, %v", access, err)
	}
	at, err := url.Parse(access.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	answers := func() bool {
		res, err := client.Get(access.URL)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}
	if !answers() {
		t.Fatal("the console does not answer")
	}
	for _, evil := range []func(*http.Request, *tls.Config){
		func(r *http.Request, _ *tls.Config) { r.Host = "evil.example" },
		func(_ *http.Request, c *tls.Config) { c.ServerName = "evil.example" },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, access.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		c := &tls.Config{InsecureSkipVerify: true}
		evil(r, c)
		res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}).Do(r)
		if err == nil && (res.Body.Close() != nil || res.StatusCode != http.StatusMisdirectedRequest) {
			t.Errorf("it answers for the name of somebody else: %s", res.Status)
		}
	}
	var held []net.Conn
	for i := range 2 * maxVisitors {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}}
		c, err := d.DialContext(t.Context(), "tcp", at.Host)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	if !answers() {
		t.Errorf("it does not answer beside %d connections that say nothing", len(held))
	}
	if _, err := r.Box.Status(t.Context()); err != nil {
		t.Errorf("the agent: %v", err)
	}
	for _, c := range held {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if !answers() {
		t.Error("it does not answer after they are gone")
	}
}
