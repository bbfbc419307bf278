// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
)

// Chart is one measure over time, drawn on the server: a line for the mean, a
// band from the least to the most, and a scale with its unit. A line is broken
// where nothing was measured.
type Chart struct {
	Name     string // of the measure
	Text     string // the sentence with its figures, which says all that matters without the drawing
	From, To time.Time
	Gap      time.Duration        // a longer step between two points is one in which nothing was measured
	Top      float64              // where the scale ends; 0: where the points need it to
	Least    float64              // without Top, the scale goes so far in any case
	Unit     func(float64) string // writes a figure with its unit
	Points   []ChartPoint         // oldest first
}

// ChartPoint is what was measured in one slot of time around At.
type ChartPoint struct {
	At             time.Time
	Mean, Min, Max float64
}

// The drawing's own units; the style sheet makes it as wide as there is room, up
// to about its own size.
const (
	chartWidth, chartHeight = 340, 140
	chartLeft, chartRight   = 56, 322 // of the plot; on its left are the figures
	chartTop, chartBottom   = 10, 114 // of the plot; below are the times
	mostTicks               = 4       // steps of a scale
)

// Chart renders a chart with its sentence.
func (p *Page) Chart(c Chart) template.HTML {
	var b strings.Builder
	b.WriteString(`<figure class="chart"><figcaption>` + template.HTMLEscapeString(c.Text) + `</figcaption>`)
	if len(c.Points) == 0 {
		b.WriteString(`<p class="small muted">` + template.HTMLEscapeString(p.T("webkit.chart.none")) + `</p></figure>`)
		return template.HTML(b.String()) //nolint:gosec // escaped
	}
	c.From = c.began()
	d := drawing{Page: p, Chart: c}
	d.end, d.step = scale(c)
	label := p.T("webkit.chart.label", "name", c.Name, "from", p.DateTime(p.here(c.From)), "to", p.DateTime(p.here(c.To)))
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(label))
	d.figures(&b)
	d.times(&b)
	for _, run := range d.runs() {
		d.line(&b, run)
	}
	b.WriteString(`</svg></figure>`)
	return template.HTML(b.String()) //nolint:gosec // numbers, and escaped texts
}

// began is where the axis of time begins: at From, or with the first point
// where most of the way from there to it would be empty.
func (c Chart) began() time.Time {
	first := c.Points[0].At
	if first.Sub(c.From)*4 < c.To.Sub(c.From)*3 {
		return c.From
	}
	if least := c.To.Add(-6 * c.Gap); first.After(least) {
		first = least
	}
	if first.Before(c.From) {
		return c.From
	}
	return first
}

// scale is where the scale ends, and the step between its lines: 1, 2 or 5 of
// something, so that it has four steps at most.
func scale(c Chart) (end, step float64) {
	end = c.Top
	if end <= 0 {
		end = c.Least
		for _, p := range c.Points {
			end = max(end, p.Max, p.Mean)
		}
	}
	if end <= 0 {
		end = 1
	}
	step = math.Pow(10, math.Floor(math.Log10(end/mostTicks)))
	for _, n := range []float64{1, 2, 5, 10} {
		if end/(n*step) <= mostTicks*(1+1e-9) {
			step *= n
			break
		}
	}
	if c.Top <= 0 {
		end = math.Ceil(end/step*(1-1e-9)) * step
	}
	return end, step
}

// drawing is a Chart on its way to paper.
type drawing struct {
	*Page
	Chart
	end, step float64 // of the scale
}

func (d drawing) x(at time.Time) float64 {
	share := float64(at.Sub(d.From)) / float64(max(d.To.Sub(d.From), 1))
	return chartLeft + min(max(share, 0), 1)*(chartRight-chartLeft)
}

func (d drawing) y(v float64) float64 {
	return chartBottom - min(max(v/d.end, 0), 1)*(chartBottom-chartTop)
}

// figures draws the lines of the scale.
func (d drawing) figures(b *strings.Builder) {
	for i := 0; float64(i)*d.step <= d.end*(1+1e-9); i++ {
		v := float64(i) * d.step
		text := "0"
		if i > 0 {
			text = d.Unit(v)
		}
		y := d.y(v)
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			chartLeft, y, chartRight, chartLeft-6, y+4, template.HTMLEscapeString(text))
	}
}

// times draws the marks of time: hours, or days where the axis is long.
func (d drawing) times(b *strings.Builder) {
	for _, at := range marks(d.here(d.From), d.here(d.To)) {
		text := d.Clock(at)
		if at.Hour() == 0 && at.Minute() == 0 {
			text = d.ShortDate(at)
		}
		x := d.x(at)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %dv4"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`, x, chartBottom, x, chartHeight-8, template.HTMLEscapeString(text))
	}
}

// marks are some two to four round times between from and to.
func marks(from, to time.Time) (out []time.Time) {
	length := to.Sub(from)
	midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, from.Location())
	for _, step := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if length > 4*step+step/4 {
			continue
		}
		for at := midnight; !at.After(to); at = at.Add(step) {
			if !at.Before(from) {
				out = append(out, at)
			}
		}
		return out
	}
	days := 1
	for _, days = range []int{1, 2, 7, 10, 30, 60, 120} {
		if length <= time.Duration(days)*4*24*time.Hour {
			break
		}
	}
	for at := midnight.AddDate(0, 0, 1); !at.After(to); at = at.AddDate(0, 0, days) {
		out = append(out, at)
	}
	return out
}

// runs are the points without a gap between them; those that would be drawn at
// the same place are one.
func (d drawing) runs() (runs [][]ChartPoint) {
	var run []ChartPoint
	together := 0 // how many points the last of the run is
	for i, p := range d.Points {
		if i > 0 && p.At.Sub(d.Points[i-1].At) > d.Gap {
			runs, run = append(runs, run), nil
		}
		if n := len(run); n > 0 && len(d.Points) > chartWidth && int(d.x(run[n-1].At)) == int(d.x(p.At)) {
			last := &run[n-1]
			last.Mean += (p.Mean - last.Mean) / float64(together+1)
			last.Min, last.Max = min(last.Min, p.Min), max(last.Max, p.Max)
			together++
			continue
		}
		run, together = append(run, p), 1
	}
	return append(runs, run)
}

// line draws a run: its band and its mean; a single point is a dot.
func (d drawing) line(b *strings.Builder, run []ChartPoint) {
	if len(run) == 1 {
		fmt.Fprintf(b, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.5"/>`, d.x(run[0].At), d.y(run[0].Mean))
		return
	}
	var mean, most, least []string
	for _, p := range run {
		at := func(v float64) string { return fmt.Sprintf("%.1f %.1f", d.x(p.At), d.y(v)) }
		mean, most, least = append(mean, at(p.Mean)), append(most, at(p.Max)), append(least, at(p.Min))
	}
	slices.Reverse(least)
	fmt.Fprintf(b, `<path class="band" d="M%sZ"/><path class="plot" d="M%s"/>`, strings.Join(append(most, least...), "L"), strings.Join(mean, "L"))
}
