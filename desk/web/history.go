// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/webkit"
)

// The chart's own units; the style sheet makes it as wide as there is room.
const (
	chartWidth  = 600
	chartHeight = 100
	gap         = 90 * time.Minute // without a report, which can be seen as one
)

// history is how a box was over some days, drawn and as a table.
type history struct {
	Ranges   []webkit.Link // where the other ranges are; without Href: the one shown
	From, To string
	Charts   []chart
	Days     []historyDay
}

// chart is one figure over time. A line is broken where nothing was reported.
type chart struct {
	Name, Label string
	Lines       []string // points of a polyline each
}

type historyDay struct {
	Day                string
	Memory, Disk, Load string
	Reports            string
}

func newHistory(r *http.Request, p *webkit.Page, a asks, id wire.BoxID) (history, error) {
	days := 7
	if r.URL.Query().Get("days") == "90" {
		days = 90
	}
	from := p.Now.Add(-time.Duration(days) * 24 * time.Hour)
	buckets, err := a.History(r.Context(), id, from)
	h := history{From: p.Date(from.UTC()), To: p.Date(p.Now.UTC())}
	for _, n := range []int{7, 90} {
		l := webkit.Link{Text: p.T("desk.history.days", "count", n)}
		if n != days {
			l.Href = fmt.Sprintf("/boxes/%s?days=%d#history", id, n)
		}
		h.Ranges = append(h.Ranges, l)
	}
	if len(buckets) == 0 {
		return h, err
	}
	percent := func(v float64) string { return p.Percent(v) }
	add := func(key string, top float64, write func(float64) string, span func(store.Bucket) store.Span) {
		c := chart{Name: p.T(key), Lines: lines(buckets, from, p.Now, top, span)}
		mean, most := figures(buckets, span)
		c.Label = p.T("desk.history.label", "name", c.Name, "mean", write(mean), "most", write(most))
		h.Charts = append(h.Charts, c)
	}
	add("desk.box.memory", 1, percent, func(b store.Bucket) store.Span { return b.Memory })
	add("desk.box.disk", 1, percent, func(b store.Bucket) store.Span { return b.Disk })
	load := func(b store.Bucket) store.Span { return b.Load }
	_, most := figures(buckets, load)
	add("desk.history.load", max(1, most), p.Decimal, load)
	h.Days = table(p, buckets)
	return h, err
}

// figures returns the mean and the most of one figure.
func figures(buckets []store.Bucket, span func(store.Bucket) store.Span) (mean, most float64) {
	samples := 0
	for _, b := range buckets {
		s := span(b)
		mean += s.Avg * float64(b.Samples)
		samples += b.Samples
		most = max(most, s.Max)
	}
	return mean / float64(max(samples, 1)), most
}

func lines(buckets []store.Bucket, from, to time.Time, top float64, span func(store.Bucket) store.Span) []string {
	var out []string
	var line []string
	end := func() {
		if len(line) == 1 {
			line = append(line, line[0]) // a single point is drawn as a dot
		}
		if len(line) > 0 {
			out = append(out, strings.Join(line, " "))
		}
		line = nil
	}
	var last time.Time
	for _, b := range buckets {
		if !last.IsZero() && b.Start.Sub(last) > max(2*b.Length, gap) {
			end()
		}
		last = b.Start
		x := b.Start.Add(b.Length/2).Sub(from).Seconds() / to.Sub(from).Seconds() * chartWidth
		y := chartHeight * (1 - min(span(b).Avg/top, 1))
		line = append(line, fmt.Sprintf("%.1f,%.1f", min(max(x, 0), chartWidth), y))
	}
	end()
	return out
}

// table has the same figures by day, newest first, for who does not see lines.
func table(p *webkit.Page, buckets []store.Bucket) []historyDay {
	var out []historyDay
	for end := len(buckets); end > 0; {
		day := buckets[end-1].Start.UTC().Truncate(24 * time.Hour)
		begin := end - 1
		for begin > 0 && !buckets[begin-1].Start.Before(day) {
			begin--
		}
		of := buckets[begin:end]
		cell := func(write func(float64) string, span func(store.Bucket) store.Span) string {
			mean, most := figures(of, span)
			return p.T("desk.history.cell", "mean", write(mean), "most", write(most))
		}
		samples := 0
		for _, b := range of {
			samples += b.Samples
		}
		out = append(out, historyDay{
			Day:    p.Date(day),
			Memory: cell(p.Percent, func(b store.Bucket) store.Span { return b.Memory }), Disk: cell(p.Percent, func(b store.Bucket) store.Span { return b.Disk }),
			Load: cell(p.Decimal, func(b store.Bucket) store.Span { return b.Load }), Reports: p.Number(int64(samples)),
		})
		end = begin
	}
	return out
}
