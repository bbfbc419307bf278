// SPDX-License-Identifier: AGPL-3.0-or-later

package metrics

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// collector asks the sources whenever somebody reads.
type collector struct{ Deps }

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range all {
		out <- f.desc
	}
}

// reading is one answer to a Prometheus.
type reading struct {
	*collector
	ctx context.Context //nolint:containedctx // of one call
	out chan<- prometheus.Metric
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	r := reading{c, ctx, out}
	r.add(build, 1, c.Version)
	r.usage()
	r.apps()
	r.jobs()
	r.certificates()
	if c.Sources.Requests != nil {
		for hundreds, n := range c.Sources.Requests() {
			status := strconv.Itoa(hundreds) + "xx"
			if hundreds == 0 {
				status = "none"
			}
			r.add(requests, float64(n), status)
		}
	}
}

func (r reading) add(f *Family, v float64, labels ...string) {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "\uFFFD")
	}
	r.out <- prometheus.MustNewConstMetric(f.desc, f.kind, v, labels...)
}

// known adds a figure that may not be known.
func (r reading) known(f *Family, v *float64, labels ...string) {
	if v != nil {
		r.add(f, *v, labels...)
	}
}

// missing reports whether a source failed, and says so in the log.
func (r reading) missing(source string, err error) bool {
	if err != nil {
		r.Log.WarnContext(r.ctx, "metrics without a part", slog.String(logkey.Component, source), slog.Any(logkey.Err, err))
	}
	return err != nil
}

func (r reading) usage() {
	if r.Sources.Usage == nil {
		return
	}
	for _, u := range r.Sources.Usage() {
		if u.App != "" {
			app := string(u.App)
			r.known(appMemory, u.MemoryBytes, app)
			r.known(appDisk, u.DiskBytes, app)
			r.add(appProcessorS, u.Worked.Seconds(), app)
			continue
		}
		r.known(boxMemory, u.MemoryBytes)
		r.known(boxDisk, u.DiskBytes)
		r.known(boxProcessor, u.Processor)
		if u.MemoryAll > 0 {
			r.add(boxMemoryAll, u.MemoryAll)
			r.add(boxDiskAll, u.DiskAll)
			r.add(boxProcessorS, u.Worked.Seconds())
		}
	}
}

// apps says what the checks found, and which apps that closes.
func (r reading) apps() {
	if r.Sources.Findings == nil || r.Sources.Apps == nil {
		return
	}
	report, err := r.Sources.Findings(r.ctx)
	if r.missing("findings", err) {
		return
	}
	type key struct{ code, severity string }
	counts, closed := map[key]int{}, map[string]bool{}
	for _, f := range report.Findings {
		counts[key{f.Code, f.Severity.String()}]++
		if app, ok := strings.CutPrefix(f.Subject, "app:"); ok && f.Severity == appliance.Critical {
			app, _, _ = strings.Cut(app, "/")
			closed[app] = true
		}
	}
	for k, n := range counts {
		r.add(findings, float64(n), k.code, k.severity)
	}
	if report.At.IsZero() {
		return // nobody looked yet
	}
	r.add(lastLook, seconds(report.At))
	installs, err := r.Sources.Apps(r.ctx)
	if r.missing("apps", err) {
		return
	}
	for _, in := range installs {
		if in.Scratch || in.Wanted != appliance.WantRunning || in.Release == 0 {
			continue
		}
		up := 1.0
		if closed[string(in.Name)] {
			up = 0
		}
		r.add(appUp, up, string(in.Name))
	}
}

func (r reading) jobs() {
	if r.Sources.Jobs == nil {
		return
	}
	begun, now, err := r.Sources.Jobs(r.ctx)
	if r.missing("jobs", err) {
		return
	}
	r.add(jobsBegun, float64(begun))
	for _, c := range now {
		r.add(jobsKept, float64(c.Count), string(c.Kind), string(c.State))
	}
}

func (r reading) certificates() {
	if r.Sources.Certificates == nil {
		return
	}
	certs, err := r.Sources.Certificates(r.ctx)
	if r.missing("certificates", err) {
		return
	}
	for _, c := range certs {
		if !c.NotAfter.IsZero() {
			r.add(certificateEnd, seconds(c.NotAfter), c.Host)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
