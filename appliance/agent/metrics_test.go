// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMetrics_areReadAtTheConsole reads the metrics of a whole agent as a
// Prometheus does that trusts the box's own authority.
func TestMetrics_areReadAtTheConsole(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Console = "127.0.0.1:0"
	r := run(t, cfg)
	status, err := r.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(status.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	url := "https://" + status.Console + "/metrics"
	get := func(token string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get(""); code != http.StatusNotFound {
		t.Errorf("before it is allowed: %d %s", code, body)
	}
	token, err := r.Metrics.Allow(t.Context())
	if err != nil || token.URL != url {
		t.Fatalf("%+v, %v; want %s", token, err, url)
	}
	if code, body := get("guess"); code != http.StatusUnauthorized || strings.Contains(body, "coopkit_") {
		t.Errorf("a guess: %d %s", code, body)
	}
	code, body := get(token.Token)
	if code != http.StatusOK {
		t.Fatalf("with the token: %d %s", code, body)
	}
	for _, want := range []string{"\ncoopkit_box_memory_used_bytes ", "\ncoopkit_box_disk_bytes ", "\ncoopkit_gateway_requests_total{status=\"2xx\"} ", "\nprocess_resident_memory_bytes ", "\ncoopkit_jobs_begun_total "} {
		if !strings.Contains(body, want) {
			t.Errorf("it does not have %q", want)
		}
	}
	if err := r.Metrics.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(token.Token); code != http.StatusNotFound {
		t.Errorf("revoked: %d", code)
	}
}
