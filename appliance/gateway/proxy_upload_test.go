// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// wired is a body whose second read panics.
type wired struct{ reads int }

func (w *wired) Read(b []byte) (int, error) {
	if w.reads++; w.reads > 1 {
		panic("a wire came loose")
	}
	return copy(b, "half"), nil
}

func (*wired) Close() error { return nil }

// TestUpload_aPanicEndsItsExchangeOnly: it is in a goroutine that net/http knows
// nothing of, and would end the agent.
func TestUpload_aPanicEndsItsExchangeOnly(t *testing.T) {
	got := make(chan error, 1)
	d := service(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		got <- err
	})
	h := d.proxy(d.table.Load().lookup("www.demo.coop").route)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body, r.ContentLength = &wired{}, 100
		h.ServeHTTP(w, r)
	}))
	defer front.Close()
	resp, err := http.Post(front.URL, "text/plain", strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("the visitor gets %d", resp.StatusCode)
	}
	if err := <-got; err == nil {
		t.Error("the service took half a body for the whole")
	}
	testkit.Eventually(t, 5*time.Second, "the log says why, and where", func() bool {
		return strings.Contains(d.log.String(), "a wire came loose") && strings.Contains(d.log.String(), "www.demo.coop")
	})
}
