// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	webhook "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"coopkit/internal/deliver"
)

// dial reaches loopback, which a Guard does not.
var dial = (&net.Dialer{}).DialContext

// answering is a receiver that answers so.
func answering(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestWebhook_canBeVerified(t *testing.T) {
	t.Parallel()
	secret := deliver.NewSecret()
	verifier, err := webhook.NewWebhook(string(secret))
	if err != nil {
		t.Fatal(err)
	}
	m := hello
	m.Data = json.RawMessage(`{"type":"finding.opened","subject":"app:wiki"}`)
	var ids []string
	at := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != string(m.Data) || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v: %s", r.Method, r.Header.Get("Content-Type"), err, body)
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("the signature does not fit: %v", err)
		}
		if verifier.Verify(append(body, ' '), r.Header) == nil {
			t.Error("another body fits, too")
		}
		ids = append(ids, r.Header.Get("webhook-id"))
		w.WriteHeader(http.StatusNoContent)
	})
	for range 2 {
		if err := (deliver.Webhook{URL: at, Secret: secret, Dial: dial}).Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] != m.ID || ids[1] != m.ID {
		t.Errorf("a second try has another id: %v", ids)
	}
}

func TestNtfy_hasTitleTextAndLink(t *testing.T) {
	t.Parallel()
	at := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, token, _ := r.BasicAuth()
		for what, pair := range map[string][2]string{
			"path": {r.URL.Path, "/push/bakery-7f3k9q2m"}, "title": {r.Header.Get("Title"), hello.Subject}, "click": {r.Header.Get("Click"), hello.Link},
			"priority": {strings.ToLower(r.Header.Get("Priority")), "high"}, "token": {token, "tk_secret"}, "text": {string(body), hello.Text},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
			}
		}
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"id":"x","event":"message"}`)
	})
	if err := (deliver.Ntfy{Server: at + "/push/", Topic: "bakery-7f3k9q2m", Token: "tk_secret", Dial: dial}).Deliver(t.Context(), hello); err != nil {
		t.Error(err)
	}
}

// channels are both that speak HTTP, to the same address.
func channels(url string, d deliver.Dialer) map[string]deliver.Channel {
	return map[string]deliver.Channel{
		"ntfy":    deliver.Ntfy{Server: url, Topic: "bakery", Dial: d},
		"webhook": deliver.Webhook{URL: url, Secret: deliver.NewSecret(), Dial: d},
	}
}

func TestPush_saysWhatIsWrong(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := answering(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for code, h := range map[string]http.HandlerFunc{
		"delivery-redirected": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) },
		"delivery-forbidden":  status(http.StatusForbidden),
		"delivery-nobody":     status(http.StatusGone),
		"delivery-status":     status(http.StatusTooManyRequests),
	} {
		for name, c := range channels(answering(t, h), dial) {
			t.Run(code+" "+name, func(t *testing.T) { isProblem(t, c.Deliver(t.Context(), hello), code) })
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	for name, c := range channels("https://127.0.0.1:1", dial) {
		t.Run("nobody there "+name, func(t *testing.T) { isProblem(t, c.Deliver(t.Context(), hello), "delivery-refused") })
	}
	tlsServer := httptest.NewTLSServer(status(http.StatusOK))
	t.Cleanup(tlsServer.Close)
	tlsServer.Config.ErrorLog = nil
	for name, c := range channels(tlsServer.URL, dial) {
		t.Run("certificate "+name, func(t *testing.T) { isProblem(t, c.Deliver(t.Context(), hello), "delivery-certificate") })
	}
	for _, url := range []string{"", "ftp://x.example", "https://", "https://a:b@x.example/", "javascript:alert(1)", "https://x.example/#a", "https://x y.example"} {
		for name, c := range channels(url, dial) {
			t.Run("url "+name, func(t *testing.T) { isProblem(t, c.Deliver(t.Context(), hello), "delivery-url-invalid") })
		}
	}
	isProblem(t, deliver.Ntfy{Server: "https://ntfy.sh", Topic: "../admin"}.Deliver(t.Context(), hello), "ntfy-topic-invalid")
	for _, bad := range []deliver.Secret{"", "short", "whsec_AAAA", "whsec_not base64 at all, but long enough to count as one"} {
		isProblem(t, deliver.Webhook{URL: "https://x.example", Secret: bad}.Deliver(t.Context(), hello), "webhook-secret-invalid")
	}
}

// What a receiver sends back is not read without end, and one that hangs is cut
// off.
func TestPush_boundsWhatAReceiverCanDo(t *testing.T) {
	t.Parallel()
	sent := make(chan int64, 4)
	flood := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		var n int64
		for ; n < 1<<30; n += 1 << 16 {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				break
			}
		}
		sent <- n
	})
	for _, c := range channels(flood, dial) {
		_ = c.Deliver(t.Context(), hello) // it said 200 at first; that it says too much does not matter
		if n := <-sent; n > 64<<20 {
			t.Errorf("%d bytes were taken from a receiver", n)
		}
	}
	hang := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client left
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	})
	for name, c := range channels(hang, dial) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Run(name, func(t *testing.T) { isProblem(t, c.Deliver(ctx, hello), "delivery-timeout") })
		cancel()
	}
}

// A receiver is never this machine: neither by its loopback, nor by an address
// of its network cards, nor by a name that leads there.
func TestGuard_keepsFromThisMachine(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	port := fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
	hosts := []string{"127.0.0.1", "127.9.9.9", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[fe80::1]"}
	cards, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range cards {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			hosts = append(hosts, strings.Replace(net.JoinHostPort(ip.IP.String(), ""), "]:", "]", 1))
		}
	}
	for _, host := range hosts {
		host = strings.TrimSuffix(host, ":")
		for name, c := range channels("https://"+host+":"+port, nil) {
			err := c.Deliver(t.Context(), hello)
			if err == nil {
				t.Errorf("%s reached %s", name, host)
			}
			if !strings.HasPrefix(host, "[") || strings.Contains(host, "::1]") { // this machine may have no IPv6 at all
				isProblem(t, err, "delivery-address-own")
			}
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests reached this machine", reached.Load())
	}
	for name, c := range channels("http://192.0.2.7:9", nil) {
		t.Run("unencrypted "+name, func(t *testing.T) { isProblem(t, c.Deliver(t.Context(), hello), "delivery-unencrypted") })
	}
}
