// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"

	"coopkit/internal/problem"
)

// visitor is somebody outside: it knows the demo's DNS server and its local CA
// and nothing else; the machine's own resolver and trust are not asked.
type visitor struct {
	dns   string
	roots *x509.CertPool
}

// newVisitor trusts the CA certificate at path only.
func newVisitor(dnsServer, caPath string) (*visitor, error) {
	pem, err := os.ReadFile(caPath) //nolint:gosec // the path that the agent names
	if err != nil {
		return nil, fmt.Errorf("read the local CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, outside("the local CA's file has no certificate in it", caPath)
	}
	return &visitor{dns: dnsServer, roots: roots}, nil
}

// outside is the Problem of a look from outside that did not see what it should.
func outside(what, why string) error {
	return &problem.Problem{
		Code: "demo-not-reached", Kind: problem.Failed,
		What: "seen from outside, " + what,
		Why:  why,
		Next: []string{"bin/coopkit --socket .demo/coopkit.sock doctor", "read .demo/agent.log", "make demo, to try again"},
	}
}

// lookup asks the DNS server for the addresses of host; network is udp or tcp.
func (v *visitor) lookup(ctx context.Context, network, host string) ([]string, error) {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(host), dns.TypeA)
	query.SetEdns0(1232, false)
	client := dns.Client{Net: network, Timeout: 5 * time.Second}
	answer, _, err := client.ExchangeContext(ctx, query, v.dns)
	if err != nil {
		return nil, outside(fmt.Sprintf("the DNS server does not answer for %s over %s", host, network), err.Error())
	}
	if answer.Rcode != dns.RcodeSuccess || !answer.Authoritative {
		return nil, outside(fmt.Sprintf("the DNS server has no answer of its own for %s over %s", host, network), dns.RcodeToString[answer.Rcode])
	}
	var found []string
	for _, rr := range answer.Answer {
		if a, ok := rr.(*dns.A); ok {
			found = append(found, a.A.String())
		}
	}
	if len(found) == 0 {
		return nil, outside("the DNS server has no address for "+host, answer.String())
	}
	return found, nil
}

// client returns an HTTP client with cookies of its own, which resolves through
// the DNS server alone.
func (v *visitor) client() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	jar, _ := cookiejar.New(nil) // fails never
	return &http.Client{
		Timeout: time.Minute,
		Jar:     jar,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: v.roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				if net.ParseIP(host) != nil {
					return dialer.DialContext(ctx, network, addr)
				}
				ips, err := v.lookup(ctx, "udp", host)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort(ips[0], port))
			},
		},
	}
}

// page is what came back.
type page struct {
	status int
	url    string // after redirects
	body   string
}

// get fetches a page.
func get(ctx context.Context, c *http.Client, address string) (page, error) {
	return send(ctx, c, http.MethodGet, address, nil, nil)
}

// post sends a form.
func post(ctx context.Context, c *http.Client, address string, form url.Values) (page, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return send(ctx, c, http.MethodPost, address, strings.NewReader(form.Encode()), header)
}

func send(ctx context.Context, c *http.Client, method, address string, body io.Reader, header http.Header) (page, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return page{}, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(req.Header, header)
	resp, err := c.Do(req)
	if err != nil {
		return page{}, outside(address+" cannot be opened", err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return page{}, outside(address+" breaks off", err.Error())
	}
	return page{status: resp.StatusCode, url: resp.Request.URL.String(), body: string(text)}, nil
}

// see fetches a page that must be there and have a text in it.
func see(ctx context.Context, c *http.Client, address, text string) error {
	p, err := get(ctx, c, address)
	if err != nil {
		return err
	}
	if p.status != http.StatusOK || !strings.Contains(p.body, text) {
		return outside(fmt.Sprintf("%s does not show “%s”", address, text), fmt.Sprintf("it answered %d: %s", p.status, excerpt(p.body)))
	}
	return nil
}

func excerpt(body string) string {
	text := strings.Join(strings.Fields(body), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}
