// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/store"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// damage is one thing that is broken in a box.
type damage struct {
	name    string
	do      func(t *testing.T, cfg *Config, db *sql.DB)
	finding string   // CODE subject
	held    string   // the host that shows a holding page then
	unknown []string // zones that are not answered then
	gone    string   // the host that is not served any more
}

// exec damages a row of the records.
func exec(text string, args ...any) func(*testing.T, *Config, *sql.DB) {
	return func(t *testing.T, _ *Config, db *sql.DB) {
		t.Helper()
		res, err := db.ExecContext(t.Context(), text, args...)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("%s: %d rows, %v", text, n, err)
		}
	}
}

// damages are thirteen, so that thirteen agents with four each have every pair
// once: see TestAgent_servesTheRest.
var damages = []damage{
	{
		name: "site folder", finding: "NOT-SERVED host:folder.demo.coop", held: "folder.demo.coop",
		do: func(t *testing.T, cfg *Config, _ *sql.DB) {
			t.Helper()
			if err := os.RemoveAll(cfg.path("sites", "folder.demo.coop", "1")); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "release", finding: "NOT-SERVED app:release", held: "release.demo.coop",
		do: exec(`UPDATE release SET folder = x'00' WHERE install = 'release'`),
	},
	{
		name: "install", finding: "NOT-SERVED app:install", held: "install.demo.coop",
		do: exec(`UPDATE install SET settings = '[1]' WHERE name = 'install'`),
	},
	{
		name: "zone", finding: "NOT-SERVED zone:zone.coop", unknown: []string{"ns1.zone.coop"},
		do: exec(`UPDATE zone SET ns = '{"not": "a list"}' WHERE name = 'zone.coop'`),
	},
	{
		name: "record of a site", finding: "PART-DOWN part:sites", // it is served all the same
		do: exec(`UPDATE site SET versions = '{"not": "a list"}' WHERE host = 'record.demo.coop'`),
	},
	{
		name: "redirect", finding: "NOT-SERVED host:redirect.demo.coop", held: "redirect.demo.coop",
		do: exec(`UPDATE address SET target = 'javascript:alert(1)' WHERE host = 'redirect.demo.coop'`),
	},
	{
		name: "authority", finding: "PART-DOWN part:authority",
		do: func(t *testing.T, cfg *Config, _ *sql.DB) {
			t.Helper()
			if err := os.WriteFile(cfg.path("certificates", "ca", "root.key"), []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "desk", finding: "PART-DOWN part:desk",
		do: exec(`INSERT INTO desk_link (one, url, desk_key, box, key, secret, name, coop, words, joined, state, period, acked, head, told_facts, told_findings)
			VALUES (1, 'https://desk.example', zeroblob(32), 'b', zeroblob(32), zeroblob(32), '', '', '{"not": "a list"}', 0, 'linked', 60000, 0, zeroblob(16), '', '[]')`),
	},
	{name: "finding", finding: "PART-DOWN findings:", do: exec(`INSERT INTO finding (code, subject, finding) VALUES ('DISK-FULL', 'x', '[1]')`)},
	{
		name: "catalogue", finding: "PART-DOWN recipe:broken",
		do: func(_ *testing.T, cfg *Config, _ *sql.DB) {
			cfg.Outside.Catalogue = recipes.OpenCatalogue(fstest.MapFS{"c/broken/recipe.yaml": {Data: []byte("name: [")}}, "c")
		},
	},
	{
		name: "console", finding: "PART-DOWN part:console",
		do: func(t *testing.T, cfg *Config, _ *sql.DB) {
			t.Helper()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			cfg.Console = l.Addr().String()
		},
	},
	{
		name: "journal", finding: "PART-DOWN part:jobs",
		do: func(t *testing.T, _ *Config, db *sql.DB) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), `ALTER TABLE job RENAME TO gone`); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "unknown address", finding: "NOT-SERVED host:Not A Name", gone: "Not A Name",
		do: exec(`INSERT INTO address (host, kind, target, seq) VALUES ('Not A Name', 'redirect', 'https://example.org', 0)`),
	},
}

// TestAgent_servesTheRest damages a box in every way, one at a time and in
// pairs, and starts it: whatever is not damaged itself answers as before, and
// the doctor says what is broken. The pairs are those of a projective plane of
// order three: the lines {i, i+1, i+3, i+9} have each pair of points once.
func TestAgent_servesTheRest(t *testing.T) {
	t.Parallel()
	seed := seedBox(t)
	for i := range damages {
		t.Run(damages[i].name, func(t *testing.T) { t.Parallel(); seed.damaged(t, damages[i]) })
		t.Run(fmt.Sprintf("line %d", i), func(t *testing.T) {
			t.Parallel()
			var line []damage
			for _, step := range []int{0, 1, 3, 9} {
				line = append(line, damages[(i+step)%len(damages)])
			}
			seed.damaged(t, line...)
		})
	}
}

// seeded is the state folder of a box that has something of everything.
type seeded struct {
	state string
	roots *x509.CertPool
}

// answers is what each host of a seeded box says.
var answers = map[string]string{
	"good.demo.coop": "site", "folder.demo.coop": "site", "record.demo.coop": "site", "redirect.demo.coop": "https://example.org/x",
	"app.demo.coop": "app", "release.demo.coop": "app", "install.demo.coop": "app",
}

func seedBox(t *testing.T) seeded {
	t.Helper()
	cfg := config(t)
	r := run(t, cfg)
	for _, zone := range []string{"demo.coop", "zone.coop"} {
		job, err := r.Names.AddZone(t.Context(), appliance.ZoneChange{Zone: zone})
		r.done(t, job, err)
	}
	for _, host := range []string{"good", "folder", "record"} {
		job, err := push(t.Context(), r.Sites, host+".demo.coop", page(t, "site"))
		r.done(t, job, err)
	}
	job, err := r.Redirects.Add(t.Context(), appliance.Redirect{Host: "redirect.demo.coop", Target: "https://example.org/x"})
	r.done(t, job, err)
	for i, name := range []string{"app", "release", "install"} {
		seedApp(t, r.agent.backend.store, name, i)
	}
	if err := r.agent.backend.door.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for host := range answers {
		if err := r.agent.backend.door.WaitCertificate(t.Context(), hostname.Name(host)); err != nil {
			t.Fatal(err)
		}
	}
	pem, err := os.ReadFile(cfg.path("certificates", "ca", "root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	s := seeded{state: cfg.State, roots: x509.NewCertPool()}
	s.roots.AppendCertsFromPEM(pem)
	s.check(t, r, nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	return s
}

// seedApp records an install whose service is a server of this test: its subnet
// is one of loopback.
func seedApp(t *testing.T, db *store.Store, name string, number int) {
	t.Helper()
	recipe, err := recipes.Embedded().Find("dokuwiki")
	if err != nil {
		t.Fatal(err)
	}
	net3 := fmt.Sprintf("127.%d.%d", 20+os.Getpid()%200, number) // another run of these tests has its own
	subnet := netip.MustParsePrefix(net3 + ".0/27")
	l, err := net.Listen("tcp", fmt.Sprintf("%s.2:%d", net3, recipe.Web[0].Port))
	if err != nil {
		t.Fatal(err)
	}
	app := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app") })}
	go func() { _ = app.Serve(l) }()
	t.Cleanup(func() { _ = app.Close() })
	var folder bytes.Buffer
	w := zip.NewWriter(&folder)
	if err := errors.Join(w.AddFS(recipe.Files()), w.Close()); err != nil {
		t.Fatal(err)
	}
	in := appliance.Install{
		Name: appliance.InstallName(name), Recipe: recipe.Name, Wanted: appliance.WantRunning, Subnet: subnet,
		Addresses: []hostname.Name{hostname.Name(name + ".demo.coop")}, Settings: map[string]string{"email": "amara@demo.coop"}, Created: time.Now(),
	}
	ctx := t.Context()
	images := map[string]appliance.Image{"app": {ID: "sha256:app"}, "storage": {ID: "sha256:storage"}}
	err = db.CreateInstall(ctx, store.NewInstall{
		Install: in, Secrets: recipes.GenerateSecrets(recipe),
		Addresses: []appliance.Address{{Host: in.Addresses[0], Kind: appliance.ToService, Install: in.Name, Web: recipe.Web[0].Name}},
	})
	n, err2 := db.InsertRelease(ctx, appliance.Release{Install: in.Name, Version: recipe.Version, Images: images, Settings: in.Settings, Created: in.Created}, folder.Bytes())
	if err := errors.Join(err, err2, db.Activate(ctx, in.Name, n), db.SetOwner(ctx, in.Name, true), db.SetOpen(ctx, in.Name, true)); err != nil {
		t.Fatal(err)
	}
}

// damaged starts a copy of the box with the damages.
func (s seeded) damaged(t *testing.T, some ...damage) {
	t.Helper()
	cfg := config(t)
	if err := os.CopyFS(cfg.State, os.DirFS(s.state)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(cfg.path("certificates", "ca", "root.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", cfg.path("coopkit.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range some {
		d.do(t, &cfg, db)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r := run(t, cfg)
	s.check(t, r, some)
	report, err := r.Health.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range some {
		i := slices.IndexFunc(report.Findings, func(f appliance.Finding) bool { return f.Code+" "+f.Subject == d.finding })
		if i < 0 {
			t.Errorf("%s: there is no finding %s: %v", d.name, d.finding, report.Findings)
			continue
		}
		if f := report.Findings[i]; f.What == "" || f.Why == "" || len(f.Next) == 0 {
			t.Errorf("%s: the finding says too little: %+v", d.name, f)
		}
	}
	_, err = r.Redirects.Add(t.Context(), appliance.Redirect{Host: "more.demo.coop", Target: "https://example.org"})
	broken := slices.ContainsFunc(some, func(d damage) bool { return d.name == "journal" })
	if errors.Is(err, &problem.Problem{Code: "agent-stopping"}) != broken || !broken && err != nil {
		t.Errorf("a change gives %v", err)
	}
	if apps, err := r.Apps.List(t.Context()); err != nil || len(apps) != 3 {
		t.Errorf("the list of apps has %d, %v", len(apps), err)
	}
	if sites, err := r.Sites.List(t.Context()); err != nil || len(sites) != 3 {
		t.Errorf("the list of sites has %d, %v", len(sites), err)
	}
}

// check asks every host and every zone.
func (s seeded) check(t *testing.T, r *running, some []damage) {
	t.Helper()
	for host, want := range answers {
		held := slices.ContainsFunc(some, func(d damage) bool { return d.held == host })
		var code int
		var said string
		testkit.Eventually(t, 5*time.Second, host+" has its certificate", func() bool {
			var err error
			code, said, err = s.get(t.Context(), r, host)
			return err == nil
		})
		switch {
		case held && (code != http.StatusServiceUnavailable || !strings.Contains(said, "is not working") || !strings.Contains(said, "tell the people who look after it")):
			t.Errorf("%s is held, and says %d %q", host, code, title(said))
		case !held && !strings.HasPrefix(said, want):
			t.Errorf("%s says %d %q, want %q", host, code, title(said), want)
		}
	}
	for _, name := range []string{"ns1.demo.coop", "ns1.zone.coop"} {
		known := r.knows(t, name)
		if broken := slices.ContainsFunc(some, func(d damage) bool { return slices.Contains(d.unknown, name) }); known == broken {
			t.Errorf("the name server knows %s: %v", name, known)
		}
	}
}

// title is what a page is called, or the beginning of what is no page.
func title(said string) string {
	if _, after, ok := strings.Cut(said, "<title>"); ok {
		said, _, _ = strings.Cut(after, "<")
	}
	return said[:min(len(said), 60)]
}

// get opens a host, whatever the name server knows of it.
func (s seeded) get(ctx context.Context, r *running, host string) (code int, said string, err error) {
	client := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: s.roots}, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, r.agent.backend.gateway.Addrs().HTTPS.String())
			},
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/", nil)
	if err != nil {
		return 0, "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(res.Body)
	if to := res.Header.Get("Location"); to != "" {
		return res.StatusCode, to, errors.Join(err, res.Body.Close())
	}
	return res.StatusCode, string(body), errors.Join(err, res.Body.Close())
}
