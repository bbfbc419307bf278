// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/internal/testkit"
)

// TestAgent_comesBack: what is broken is tried again by itself.
func TestAgent_comesBack(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Console = l.Addr().String()
	r := run(t, cfg)
	job, err := push(t.Context(), r.Sites, "demo.coop", page(t, "site"))
	r.done(t, job, err)
	if s, err := r.Box.Status(t.Context()); err != nil || s.Console != "" {
		t.Errorf("the console's port is taken, and it is at %q, %v", s.Console, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 20*time.Second, "the console opens when its port is free", func() bool {
		s, err := r.Box.Status(t.Context())
		return err == nil && s.Console == cfg.Console
	})
	folder, aside := cfg.path("sites", "demo.coop", "1"), filepath.Join(t.TempDir(), "aside")
	for _, move := range []struct {
		from, to string
		count    int
	}{{folder, aside, 1}, {aside, folder, 0}} {
		if err := errors.Join(os.Rename(move.from, move.to), r.agent.backend.door.Refresh(t.Context())); err != nil {
			t.Fatal(err)
		}
		closed := slices.DeleteFunc(r.agent.backend.troubles.All(), func(t appliance.Trouble) bool { return !t.Kind.Closes() })
		if len(closed) != move.count {
			t.Errorf("with the folder at %s: %v", move.to, closed)
		}
	}
}

// TestAgent_aPanicIsOnePartsOwn: the part is reported and started again, and
// everything else goes on.
func TestAgent_aPanicIsOnePartsOwn(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	r := run(t, cfg)
	job, err := push(t.Context(), r.Sites, "demo.coop", page(t, "site"))
	r.done(t, job, err)
	b := r.agent.backend
	var asked atomic.Int64
	b.door.mu.Lock()
	b.door.endpoints = func(context.Context) ([]apps.Endpoint, error) { asked.Add(1); panic("a mistake of ours") }
	b.door.mu.Unlock()
	b.apps.Wake()
	testkit.Eventually(t, 20*time.Second, "the part is started again", func() bool { return asked.Load() > 1 })
	pem, err := os.ReadFile(cfg.path("certificates", "ca", "root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	s := seeded{roots: x509.NewCertPool()}
	s.roots.AppendCertsFromPEM(pem)
	if code, said, err := s.get(t.Context(), r, "demo.coop"); err != nil || code != http.StatusOK || said != "site" {
		t.Errorf("the site says %d %q, %v", code, said, err)
	}
	report, err := r.Health.Now(t.Context())
	if err != nil || !slices.ContainsFunc(report.Findings, func(f appliance.Finding) bool {
		return f.Subject == "part:apps" && strings.Contains(f.Why, "a mistake of ours")
	}) {
		t.Errorf("the doctor does not say so: %v, %v", report.Findings, err)
	}
}

// TestAgent_withoutItsNameServer: what has a name in a zone of the box can be
// removed although the box does not answer for names any more.
func TestAgent_withoutItsNameServer(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	r := run(t, cfg)
	job, err := r.Names.AddZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"})
	r.done(t, job, err)
	job, err = push(t.Context(), r.Sites, "demo.coop", page(t, "site"))
	r.done(t, job, err)
	job, err = r.Redirects.Add(t.Context(), appliance.Redirect{Host: "old.demo.coop", Target: "https://demo.coop"})
	r.done(t, job, err)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	cfg.DNS = nil
	r = run(t, cfg)
	job, err = r.Sites.Remove(t.Context(), appliance.RemoveSite{Host: "demo.coop"})
	r.done(t, job, err)
	job, err = r.Redirects.Remove(t.Context(), "old.demo.coop")
	r.done(t, job, err)
	job, err = r.Names.RemoveZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"})
	r.done(t, job, err)
	if zones, err := r.Names.Zones(t.Context()); err != nil || len(zones) > 0 {
		t.Errorf("left: %v, %v", zones, err)
	}
}

// TestAgent_withAnotherIssuerNeedsNoAuthority of its own: without one there is
// no console, and everything else is there.
func TestAgent_withAnotherIssuerNeedsNoAuthority(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Issuer, cfg.ACMEDirectory, cfg.Console = "acme", "https://127.0.0.1:1/directory", "127.0.0.1:0"
	dir := cfg.path("certificates", "ca")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "root.crt"), []byte("garbage"), 0o644)); err != nil {
		t.Fatal(err)
	}
	r := run(t, cfg)
	job, err := r.Redirects.Add(t.Context(), appliance.Redirect{Host: "old.demo.coop", Target: "https://demo.coop"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Jobs.Stop(t.Context(), job.ID); err != nil { // it waits for a certificate that nobody gives
		t.Log(err)
	}
	report, err := r.Health.Now(t.Context())
	if err != nil || !slices.ContainsFunc(report.Findings, func(f appliance.Finding) bool { return f.Code+" "+f.Subject == "PART-DOWN part:console" }) {
		t.Errorf("the doctor does not say that there is no console: %v, %v", report.Findings, err)
	}
}
