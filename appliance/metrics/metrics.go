// SPDX-License-Identifier: AGPL-3.0-or-later

// Package metrics is what a Prometheus reads of this box: the families of
// metrics, and the token without which nobody gets them. It asks the parts for
// what they know already, and measures nothing. It knows no pages and no ports.
// Its tests read the metrics as a Prometheus does, check their names with its own
// linter, and call as strangers.
package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
	"golang.org/x/time/rate"

	"coopkit/appliance"
	"coopkit/appliance/usage"
	"coopkit/internal/logkey"
)

// How much is read at a time, how long one reading may take, and how often
// somebody without the token gets an answer.
const (
	readersAtOnce = 2
	readWithin    = 5 * time.Second
	refusedRate   = 5 // a second
	refusedBurst  = 20
)

// Sources are the parts that know the figures. A nil one, or one that fails,
// leaves its metrics out.
type Sources struct {
	Usage        func() []usage.Reading
	Apps         func(ctx context.Context) ([]appliance.Install, error)
	Findings     func(ctx context.Context) (appliance.Report, error)
	Jobs         func(ctx context.Context) (begun int64, now []appliance.JobCount, err error)
	Certificates func(ctx context.Context) ([]appliance.Certificate, error)
	Requests     func() [6]uint64 // answered by the front door, by hundreds of the status; 0: broken off
}

// Settings stores the hash of the token.
type Settings interface {
	Settings(ctx context.Context) (map[string]string, error)
	SaveSettings(ctx context.Context, settings map[string]string) error
}

// Deps is what Metrics needs. All fields are required.
type Deps struct {
	Sources  Sources
	Settings Settings
	URL      func() (string, error) // where the handler is served; an error where it is not
	Version  string
	Now      func() time.Time
	Log      *slog.Logger
}

// Metrics answers whoever has the token. It is safe for concurrent use.
type Metrics struct {
	deps     Deps
	registry *prometheus.Registry
	read     http.Handler
	refused  *rate.Limiter

	mu   sync.Mutex
	gate *gate // nil: not read from the settings yet
}

// New makes Metrics. Nothing is measured before somebody reads.
func New(d Deps) *Metrics {
	m := &Metrics{deps: d, registry: prometheus.NewRegistry(), refused: rate.NewLimiter(refusedRate, refusedBurst)}
	m.registry.MustRegister(
		&collector{d}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector(),
	)
	m.read = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: readersAtOnce, Timeout: 2 * readWithin,
		DisableCompression: true, // the server compresses
		ErrorLog:           errorLog{d.Log},
	})
	return m
}

// Write writes all metrics in Prometheus' text format.
func (m *Metrics) Write(ctx context.Context, w io.Writer) error {
	families, err := m.registry.Gather()
	if err != nil {
		m.deps.Log.WarnContext(ctx, "not all metrics gathered", slog.Any(logkey.Err, err)) // what is there is written
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// errorLog has promhttp's errors in our log.
type errorLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) {
	l.log.Warn("not all metrics gathered", slog.String(logkey.Err, fmt.Sprint(v...)))
}
