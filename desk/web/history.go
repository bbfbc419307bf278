// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/webkit"
)

// gap is a time without a report that can be seen as one.
const gap = 90 * time.Minute

// historyDays are the spans that can be shown; the first is shown unless another
// is asked for.
var historyDays = [...]int{7, 1, 90}

// history is how a box was over some days, drawn and as a table.
type history struct {
	Ranges []webkit.Link // where the other ranges are; without Href: the one shown
	Charts []template.HTML
	Days   []historyDay
}

type historyDay struct {
	Day                string
	Memory, Disk, Load string
	Reports            string
}

func newHistory(r *http.Request, p *webkit.Page, a asks, id wire.BoxID) (history, error) {
	days := historyDays[0]
	if asked, err := strconv.Atoi(r.URL.Query().Get("days")); err == nil && slices.Contains(historyDays[:], asked) {
		days = asked
	}
	from := p.Now.Add(-time.Duration(days) * 24 * time.Hour)
	buckets, err := a.History(r.Context(), id, from)
	var h history
	for _, n := range slices.Sorted(slices.Values(historyDays[:])) {
		l := webkit.Link{Text: p.T("desk.history.days", "count", n)}
		if n != days {
			l.Href = fmt.Sprintf("/boxes/%s?days=%d#history", id, n)
		}
		h.Ranges = append(h.Ranges, l)
	}
	if len(buckets) == 0 {
		return h, err
	}
	add := func(key string, top, least float64, write func(float64) string, span func(store.Bucket) store.Span) {
		mean, most := figures(buckets, span)
		c := webkit.Chart{
			Name: p.T(key), From: from, To: p.Now, Gap: max(2*buckets[0].Length, gap), Top: top, Least: least, Unit: write,
			Points: make([]webkit.ChartPoint, len(buckets)),
		}
		c.Text = p.T("desk.history.label", "name", c.Name, "mean", write(mean), "most", write(most))
		for i, b := range buckets {
			s := span(b)
			c.Points[i] = webkit.ChartPoint{At: b.Start.Add(b.Length / 2), Mean: s.Avg, Min: s.Min, Max: s.Max}
		}
		h.Charts = append(h.Charts, p.Chart(c))
	}
	add("desk.box.memory", 1, 0, p.Percent, func(b store.Bucket) store.Span { return b.Memory })
	add("desk.box.disk", 1, 0, p.Percent, func(b store.Bucket) store.Span { return b.Disk })
	add("desk.history.load", 0, 1, p.Decimal, func(b store.Bucket) store.Span { return b.Load })
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

// table has the same figures by day, newest first, for those who do not see lines.
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
