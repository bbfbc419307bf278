// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"html/template"
	"net/http"
	"time"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// Usage is the part of a page with what the box or an app uses: three charts and
// the ways to other spans. Its template is "area-usage".
type Usage struct {
	Title, Legend, Label string
	Spans                []webkit.Link // without Href: the one shown
	Charts               []template.HTML
	Now                  []webkit.Row // the figures of now that are known
}

// UsageSpan is the span that a page is asked for: ?span=hour.
func UsageSpan(r *http.Request) appliance.UsageSpan {
	span := appliance.UsageSpan(r.URL.Query().Get("span"))
	if span.Length() == 0 {
		return appliance.LastDay
	}
	return span
}

// ShowUsage puts usage on the page at path.
func ShowUsage(p *webkit.Page, path string, u appliance.Usage) *Usage {
	v := &Usage{Title: p.T("area.usage.title"), Legend: p.T("area.usage.legend.app"), Label: p.T("area.usage.spans")}
	if u.App == "" {
		v.Title, v.Legend = p.T("area.usage.title.box"), p.T("area.usage.legend")
	}
	for _, span := range appliance.UsageSpans {
		l := webkit.Link{Text: p.T("area.usage.span." + string(span))}
		if span != u.Span {
			l.Href = path + "?span=" + string(span) + "#usage"
		}
		v.Spans = append(v.Spans, l)
	}
	bytes := func(b float64) string { return p.Bytes(uint64(max(b, 0))) }
	for _, m := range []struct {
		name   string
		course appliance.Course
		unit   func(float64) string
		least  float64 // of the scale
		whole  bool    // there is a whole that figures are a part of
	}{
		{"area.usage.memory", u.Memory, bytes, 10e6, true},
		{"area.usage.processor", u.Processor, p.Share, 0.04, false},
		{"area.usage.disk", u.Disk, bytes, 1e6, true},
	} {
		c := webkit.Chart{
			Name: p.T(m.name), From: u.From, To: u.To, Gap: time.Duration(u.SlotS) * time.Second * 3 / 2, Unit: m.unit, Least: m.least,
			Points: make([]webkit.ChartPoint, len(m.course.Points)),
		}
		if m.whole && u.App == "" {
			c.Top = m.course.Whole // how much of the box is left is what matters
		}
		for i, at := range m.course.Points {
			c.Points[i] = webkit.ChartPoint(at)
		}
		if m.course.Now != nil {
			v.Now = append(v.Now, webkit.Row{Name: c.Name, Texts: []string{usageNow(p, m.course, m.unit, m.whole)}})
		}
		c.Text = usageText(p, u.Span, c.Name, m.course, m.unit, m.whole)
		v.Charts = append(v.Charts, p.Chart(c))
	}
	return v
}

// usageText is the sentence with the figures of one measure.
func usageText(p *webkit.Page, span appliance.UsageSpan, name string, c appliance.Course, unit func(float64) string, whole bool) string {
	now, most := usageNow(p, c, unit, whole), unit(c.Most())
	switch {
	case c.Now == nil && len(c.Points) == 0:
		return p.T("area.usage.none", "name", name)
	case c.Now == nil:
		return p.T("area.usage.past."+string(span), "name", name, "most", most)
	case len(c.Points) == 0:
		return p.T("area.usage.first", "name", name, "now", now)
	default:
		return p.T("area.usage."+string(span), "name", name, "now", now, "most", unit(max(c.Most(), *c.Now)))
	}
}

// usageNow is what is used now, and of how much; empty if it is not known.
func usageNow(p *webkit.Page, c appliance.Course, unit func(float64) string, whole bool) string {
	switch {
	case c.Now == nil:
		return ""
	case whole && c.Whole > 0:
		return p.T("area.usage.of", "used", unit(*c.Now), "whole", unit(c.Whole))
	default:
		return unit(*c.Now)
	}
}
