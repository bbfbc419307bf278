// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// running is a whole agent on loopback, spoken to through its socket.
type running struct {
	control.Agent
	agent *Agent
	stop  func() error
}

// config is a trial's: every port free, no engine unless a test sets one.
func config(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	return Config{
		State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"),
		HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", DNS: []string{"127.0.0.1:0"},
		PublicAddresses: []string{"127.0.0.1"}, Issuer: "local", ACMEChallenge: "http",
		Engine: "unix://" + filepath.Join(dir, "no-engine.sock"),
	}
}

// run starts an agent and waits until its socket answers.
func run(t *testing.T, cfg Config) *running {
	t.Helper()
	a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	r := &running{Agent: control.NewClient(cfg.Socket), agent: a}
	var once bool
	r.stop = func() error {
		if once {
			return nil
		}
		once = true
		cancel()
		return errors.Join(<-ended, a.Close())
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	testkit.Eventually(t, 10*time.Second, "the agent answers", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the agent ended: %v", err)
		default:
		}
		_, err := r.Box.Status(t.Context())
		return err == nil
	})
	return r
}

// done waits for a job and fails the test unless it was done.
func (r *running) done(t *testing.T, job appliance.Job, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Jobs.Follow(t.Context(), job.ID, 0, func(appliance.JobEvent) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if job, err = r.Jobs.Job(t.Context(), job.ID); err != nil || job.State != appliance.JobDone {
		t.Fatalf("job %+v, %v", job, err)
	}
}

// get opens a host over HTTPS, resolving it at the agent's own name server and
// trusting its local CA only.
func (r *running) get(t *testing.T, host, path string) (int, string, http.Header) {
	t.Helper()
	status, err := r.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(status.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	_, port, err := net.SplitHostPort(status.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				name, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(r.resolve(t, name), port))
			},
		},
	}
	res, err := client.Get("https://" + net.JoinHostPort(host, port) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

func (r *running) resolve(t *testing.T, name string) string {
	t.Helper()
	q := new(mdns.Msg).SetQuestion(mdns.Fqdn(name), mdns.TypeA)
	in, err := mdns.Exchange(q, r.agent.dnsAddr())
	if err != nil {
		t.Fatal(err)
	}
	for _, rr := range in.Answer {
		if a, ok := rr.(*mdns.A); ok {
			return a.A.String()
		}
	}
	t.Fatalf("the name server does not know %s: %v", name, in)
	return ""
}

func page(t *testing.T, text string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "index.html", Mode: 0o644, Size: int64(len(text))}),
		func() error { _, err := w.Write([]byte(text)); return err }(), w.Close(),
	); err != nil {
		t.Fatal(err)
	}
	return &buf
}

// push sends a site and publishes it.
func push(ctx context.Context, sites control.Sites, host string, archive io.Reader) (appliance.Job, error) {
	d, err := sites.Receive(ctx, "test", archive)
	if err != nil {
		return appliance.Job{}, err
	}
	return sites.Push(ctx, appliance.PushSite{Host: host, Draft: d.ID})
}

func TestAgent_servesSitesAndNamesWithoutAnEngine(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	r := run(t, cfg)
	job, err := r.Names.AddZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"})
	r.done(t, job, err)
	for _, text := range []string{"first", "second"} {
		job, err := push(t.Context(), r.Sites, "demo.coop", page(t, text))
		r.done(t, job, err)
		if code, body, _ := r.get(t, "demo.coop", "/"); code != http.StatusOK || body != text {
			t.Errorf("the site answers %d %q; want %q", code, body, text)
		}
	}
	job, err = r.Sites.Rollback(t.Context(), appliance.RollbackSite{Host: "demo.coop"})
	r.done(t, job, err)
	if _, body, _ := r.get(t, "demo.coop", "/"); body != "first" {
		t.Errorf("after going back the site says %q", body)
	}
	job, err = r.Redirects.Add(t.Context(), appliance.Redirect{Host: "old.demo.coop", Target: "https://demo.coop"})
	r.done(t, job, err)
	if code, _, h := r.get(t, "old.demo.coop", "/a?b=c"); code/100 != 3 || h.Get("Location") != "https://demo.coop/a?b=c" {
		t.Errorf("the redirect answers %d to %s", code, h.Get("Location"))
	}
	if _, err := r.Apps.PlanAdd(t.Context(), appliance.AddApp{Recipe: "wordpress", Host: "www.demo.coop", Settings: map[string]string{"email": "a@demo.coop"}}); !errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
		t.Errorf("adding an app without an engine: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := run(t, cfg)
	if _, body, _ := again.get(t, "demo.coop", "/"); body != "first" {
		t.Errorf("after a restart the site says %q", body)
	}
	if c, err := again.Names.Check(t.Context(), "demo.coop"); err != nil || !c.OK {
		t.Errorf("after a restart the name is %+v, %v", c, err)
	}
	job, err = again.Sites.Remove(t.Context(), appliance.RemoveSite{Host: "demo.coop"})
	again.done(t, job, err)
	if c, err := again.Names.Check(t.Context(), "demo.coop"); err != nil || c.OK {
		t.Errorf("after removing the site its name is still there: %+v, %v", c, err)
	}
}

// TestAgent_toldToEndWhileItStarts is a service that is restarted twice.
func TestAgent_toldToEndWhileItStarts(t *testing.T) {
	cfg := config(t)
	cfg.Console = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 { // the second one finds ports and socket free
		a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		select {
		case err := <-ended:
			if err := errors.Join(err, a.Close()); err != nil {
				t.Errorf("an agent that is told to end while it starts: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it did not end")
		}
		if _, err := os.Stat(cfg.Socket); err == nil {
			t.Error("the socket is left behind")
		}
	}
}

func TestAgent_refusesASecondOneAndTakenPorts(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	r := run(t, cfg)
	if _, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, &problem.Problem{Code: "state-in-use"}) {
		t.Errorf("a second agent on the same state: %v", err)
	}
	status, err := r.Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*Config){
		"https": func(c *Config) { c.HTTPS = status.HTTPS },
		"dns":   func(c *Config) { c.DNS = strings.Fields(status.DNS) },
	} {
		other := config(t)
		set(&other)
		b, err := New(t.Context(), other, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(b.Run(t.Context()), b.Close())
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.HasSuffix(p.Code, "port-taken") || !strings.Contains(p.Why, "agent.test") {
			t.Errorf("%s taken: %v", name, err)
		}
	}
}

func TestAgent_wrongFlagsAreProblems(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*Config){
		"address":   func(c *Config) { c.PublicAddresses = []string{"here"} },
		"issuer":    func(c *Config) { c.Issuer = "me" },
		"challenge": func(c *Config) { c.Issuer, c.ACMEChallenge = "acme", "smoke" },
	} {
		cfg := config(t)
		set(&cfg)
		_, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if !errors.Is(err, &problem.Problem{Code: "flag-invalid"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// knows reports whether the name server has an address for a name.
func (r *running) knows(t *testing.T, name string) bool {
	t.Helper()
	in, err := mdns.Exchange(new(mdns.Msg).SetQuestion(mdns.Fqdn(name), mdns.TypeA), r.agent.dnsAddr())
	if err != nil {
		t.Fatal(err)
	}
	return len(in.Answer) > 0
}
