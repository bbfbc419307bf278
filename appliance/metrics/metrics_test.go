// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"coopkit/appliance"
	"coopkit/appliance/metrics"
	"coopkit/appliance/usage"
	"coopkit/internal/problem"
)

var update = flag.Bool("update", false, "write the table of the reference page again")

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// settings are those of a box.
type settings struct {
	mu  sync.Mutex
	set map[string]string
	err error
}

func (s *settings) Settings(context.Context) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.set), s.err
}

func (s *settings) SaveSettings(_ context.Context, set map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		maps.Copy(s.set, set)
	}
	return s.err
}

// sources are those of a box with two apps, one of which is closed.
func sources() metrics.Sources {
	return metrics.Sources{
		Usage: func() []usage.Reading {
			return []usage.Reading{
				{MemoryAll: 4e9, DiskAll: 1e11, Worked: time.Hour, UsageNow: appliance.UsageNow{MemoryBytes: new(1.6e9), Processor: new(0.2), DiskBytes: new(4e10)}},
				{App: "wordpress", Worked: 90 * time.Second, UsageNow: appliance.UsageNow{MemoryBytes: new(3e8), DiskBytes: new(3.4e9)}},
				{App: "wiki", UsageNow: appliance.UsageNow{}},
			}
		},
		Apps: func(context.Context) ([]appliance.Install, error) {
			return []appliance.Install{
				{Name: "wordpress", Wanted: appliance.WantRunning, Release: 1},
				{Name: "wiki", Wanted: appliance.WantRunning, Release: 2},
				{Name: "old", Wanted: appliance.WantStopped, Release: 2},
				{Name: "trial", Wanted: appliance.WantRunning, Release: 1, Scratch: true},
			}, nil
		},
		Findings: func(context.Context) (appliance.Report, error) {
			return appliance.Report{At: now.Add(-time.Minute), Findings: []appliance.Finding{
				{Code: "SERVICE-STOPPED", Subject: "app:wiki/db", Severity: appliance.Critical},
				{Code: "SERVICE-STOPPED", Subject: "app:x", Severity: appliance.Critical},
				{Code: "DISK-FILLING", Subject: "disk:/", Severity: appliance.Warning},
			}}, nil
		},
		Jobs: func(context.Context) (int64, []appliance.JobCount, error) {
			return 700, []appliance.JobCount{{Kind: "add", State: "done", Count: 3}, {Kind: "add", State: "undone", Count: 1}}, nil
		},
		Certificates: func(context.Context) ([]appliance.Certificate, error) {
			return []appliance.Certificate{{Host: "www.demo.coop", NotAfter: now.Add(time.Hour)}, {Host: "wiki.demo.coop"}}, nil
		},
		Requests: func() [6]uint64 { return [6]uint64{1, 0, 500, 20, 3, 0} },
	}
}

func open(t *testing.T, s metrics.Sources) (*metrics.Metrics, *settings) {
	t.Helper()
	set := &settings{set: map[string]string{"coop": "Lantern Street Bakery"}}
	return again(t, s, set), set
}

func again(t *testing.T, s metrics.Sources, set *settings) *metrics.Metrics {
	t.Helper()
	return metrics.New(metrics.Deps{
		Sources: s, Settings: set, Version: "1.2", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		URL: func() (string, error) { return "https://box.example:8420/metrics", nil },
	})
}

// read reads metrics as a Prometheus does, and checks them with its linter.
func read(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "coopkit_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// ours are the samples of our own families, as lines.
func ours(families map[string]*dto.MetricFamily) []string {
	var lines []string
	for name, f := range families {
		if !strings.HasPrefix(name, "coopkit_") {
			continue
		}
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %g", strings.TrimPrefix(name, "coopkit_"), strings.Join(labels, ","), m.GetGauge().GetValue()+m.GetCounter().GetValue()))
		}
	}
	slices.Sort(lines)
	return lines
}

func text(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	var b strings.Builder
	if err := m.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMetrics_sayWhatTheBoxKnows(t *testing.T) {
	t.Parallel()
	m, _ := open(t, sources())
	families := read(t, text(t, m))
	want := []string{
		"app_disk_bytes{app=wordpress} 3.4e+09", "app_memory_bytes{app=wordpress} 3e+08",
		"app_processor_seconds_total{app=wiki} 0", "app_processor_seconds_total{app=wordpress} 90", "app_up{app=wiki} 0", "app_up{app=wordpress} 1",
		"box_disk_bytes{} 1e+11", "box_disk_used_bytes{} 4e+10", "box_memory_bytes{} 4e+09", "box_memory_used_bytes{} 1.6e+09",
		"box_processor_ratio{} 0.2", "box_processor_seconds_total{} 3600", "build_info{version=1.2} 1",
		fmt.Sprintf("certificate_expiry_timestamp_seconds{host=www.demo.coop} %g", float64(now.Unix()+3600)),
		fmt.Sprintf("checks_last_look_timestamp_seconds{} %g", float64(now.Unix()-60)),
		"findings{code=DISK-FILLING,severity=warning} 1", "findings{code=SERVICE-STOPPED,severity=critical} 2",
		"gateway_requests_total{status=1xx} 0", "gateway_requests_total{status=2xx} 500", "gateway_requests_total{status=3xx} 20",
		"gateway_requests_total{status=4xx} 3", "gateway_requests_total{status=5xx} 0", "gateway_requests_total{status=none} 1",
		"jobs_begun_total{} 700", "jobs{kind=add,state=done} 3", "jobs{kind=add,state=undone} 1",
	}
	if diff := cmp.Diff(want, ours(families)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"process_resident_memory_bytes", "process_cpu_seconds_total", "go_goroutines"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestMetrics_onePartThatFailsTakesNoOtherAway(t *testing.T) {
	t.Parallel()
	s := sources()
	s.Findings = func(context.Context) (appliance.Report, error) { return appliance.Report{}, errors.New("away") }
	s.Jobs = func(context.Context) (int64, []appliance.JobCount, error) { return 0, nil, errors.New("away") }
	s.Certificates = func(context.Context) ([]appliance.Certificate, error) {
		return []appliance.Certificate{{Host: "bad\xff", NotAfter: now}}, nil
	}
	m, _ := open(t, s)
	families := read(t, text(t, m))
	if families["coopkit_app_memory_bytes"] == nil || families["coopkit_gateway_requests_total"] == nil || families["coopkit_certificate_expiry_timestamp_seconds"] == nil {
		t.Errorf("only %v are left", ours(families))
	}
	if families["coopkit_jobs"] != nil || families["coopkit_app_up"] != nil {
		t.Error("what is not known is said")
	}
	m, _ = open(t, metrics.Sources{})
	if got := ours(read(t, text(t, m))); !slices.Equal(got, []string{"build_info{version=1.2} 1"}) {
		t.Errorf("without sources: %v", got)
	}
}

// visit calls the handler.
func visit(t *testing.T, m http.Handler, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK && strings.Contains(rec.Body.String(), "coopkit_") {
		t.Errorf("%d says %s", rec.Code, rec.Body)
	}
	return rec
}

func TestToken_isNeededAndEnds(t *testing.T) {
	t.Parallel()
	m, set := open(t, sources())
	if rec := visit(t, m, ""); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "coopkit metrics allow") {
		t.Errorf("before it is allowed: %d %s", rec.Code, rec.Body)
	}
	first, err := m.Allow(t.Context())
	if err != nil || len(first.Token) < 60 || first.URL == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, v := range set.set {
		if strings.Contains(first.Token, v) && v != "" {
			t.Errorf("the settings have %q of the token in them", v)
		}
	}
	for _, bad := range []string{"", first.Token, "Basic " + first.Token, "Bearer", "Bearer ", "Bearer x", "Bearer " + first.Token + "x", "Bearer " + strings.ToUpper(first.Token)} {
		if rec := visit(t, m, bad); rec.Code != http.StatusUnauthorized || rec.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d", bad, rec.Code)
		}
	}
	if rec := visit(t, m, "Bearer "+first.Token); rec.Code != http.StatusOK || len(ours(read(t, rec.Body.String()))) < 20 {
		t.Errorf("with the token: %d", rec.Code)
	}
	if rec := visit(t, again(t, sources(), set), "Bearer "+first.Token); rec.Code != http.StatusOK {
		t.Errorf("after a restart: %d", rec.Code)
	}
	second, err := m.Allow(t.Context())
	if err != nil || second.Token == first.Token {
		t.Fatalf("%+v, %v", second, err)
	}
	if rec := visit(t, m, "Bearer "+first.Token); rec.Code != http.StatusUnauthorized {
		t.Errorf("with the old token: %d", rec.Code)
	}
	if a, err := m.Access(t.Context()); err != nil || !a.Allowed || !a.Since.Equal(now) {
		t.Errorf("%+v, %v", a, err)
	}
	if err := m.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []http.Handler{m, again(t, sources(), set)} {
		if rec := visit(t, m, "Bearer "+second.Token); rec.Code != http.StatusNotFound {
			t.Errorf("revoked: %d", rec.Code)
		}
	}
	if set.set["coop"] != "Lantern Street Bakery" {
		t.Error("other settings changed")
	}
}

func TestToken_whatTheSettingsCannotSayIsClosed(t *testing.T) {
	t.Parallel()
	m, set := open(t, sources())
	set.err = errors.New("the disk is full")
	if rec := visit(t, m, "Bearer x"); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", rec.Code)
	}
	if _, err := m.Allow(t.Context()); err == nil {
		t.Error("a token is given that nobody remembers")
	}
	set.err = nil
	for _, bad := range []string{"", "zz", "abcd"} {
		set.set["metrics_token_sha256"] = bad
		if rec := visit(t, again(t, sources(), set), "Bearer "); rec.Code != http.StatusNotFound {
			t.Errorf("a hash of %q: %d", bad, rec.Code)
		}
	}
}

func TestToken_strangersAreSlowed(t *testing.T) {
	t.Parallel()
	m, _ := open(t, sources())
	token, err := m.Allow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]int{}
	for range 200 {
		codes[visit(t, m, "Bearer guess").Code]++
	}
	if codes[http.StatusTooManyRequests] < 150 || codes[http.StatusUnauthorized] < 10 {
		t.Errorf("%v", codes)
	}
	if rec := visit(t, m, "Bearer "+token.Token); rec.Code != http.StatusOK {
		t.Errorf("whoever has the token gets %d", rec.Code)
	}
}

func TestAllow_needsAPlaceToBeRead(t *testing.T) {
	t.Parallel()
	off := &problem.Problem{Code: "console-off"}
	m := metrics.New(metrics.Deps{
		Settings: &settings{set: map[string]string{}}, URL: func() (string, error) { return "", off }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if _, err := m.Allow(t.Context()); !errors.Is(err, off) {
		t.Error(err)
	}
	if a, err := m.Access(t.Context()); err != nil || a.Allowed || a.URL != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

const page = "../../docs/reference/metrics.md"

// TestReference: the table of the page lists exactly the families.
func TestReference(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- metrics: made from the code -->\n", "<!-- end of metrics -->\n"
	var table strings.Builder
	table.WriteString("| metric | type | labels | what it says |\n|---|---|---|---|\n")
	for _, f := range metrics.Families() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, strings.Join(f.Labels, ", "), f.Help)
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks around its table", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(old, table.String()); d != "" {
		t.Errorf("%s is out of date; go test ./appliance/metrics -run TestReference -update (-page +code):\n%s", page, d)
	}
}
