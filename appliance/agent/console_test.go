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

// TestConsole_holdsSoManyConnections: who opens more has to wait, and the rest
// of the agent goes on.
func TestConsole_holdsSoManyConnections(t *testing.T) {
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
	held := make([]net.Conn, maxVisitors)
	for i := range held {
		if held[i], err = net.Dial("tcp", at.Host); err != nil {
			t.Fatal(err)
		}
	}
	if answers() {
		t.Errorf("it answers beside %d connections", len(held))
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
