// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/webkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// page is an empty page in a language.
func page(t *testing.T, lang string) *webkit.Page {
	t.Helper()
	ui, err := webkit.New(webkit.Config{
		Name: "console", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		User: func(*http.Request) (webkit.User, bool) { return webkit.User{}, false },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", lang)
	p := ui.NewPage(r, "webkit.home")
	p.In(time.UTC)
	return p
}

// day is a chart of the last day: a wave with two hours in which nothing was
// measured, and one lonely point.
func day(p *webkit.Page) webkit.Chart {
	c := webkit.Chart{
		Name: "Memory", Text: "Memory: 410 MB now, <530 MB> at most in the last day", From: now.Add(-24 * time.Hour), To: now, Gap: 45 * time.Minute,
		Unit: func(v float64) string { return p.Bytes(uint64(v)) },
	}
	for i := range 48 {
		v := 410e6 + 110e6*math.Sin(float64(i)/5)
		if i < 20 || i > 23 && i != 25 && i != 27 {
			c.Points = append(c.Points, webkit.ChartPoint{At: c.From.Add(time.Duration(i) * 30 * time.Minute), Mean: v, Min: v - 20e6, Max: v + 10e6})
		}
	}
	return c
}

func TestChart_isTheGoldenOne(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "es", "fr"} {
		p := page(t, lang)
		got := strings.ReplaceAll(string(p.Chart(day(p))), "><", ">\n<") + "\n"
		golden := filepath.Join("testdata", "chart."+lang+".svg")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is another (go test ./internal/webkit -update):\n%s", golden, diff)
		}
	}
}

// drawn is what a chart has in it.
type drawn struct {
	runs, dots int
	figures    []string // at the scale, from below
	times      []string
	label      string
	numbers    []float64 // all coordinates
}

var coordinate = regexp.MustCompile(`-?\d+\.\d`)

// look reads a chart as a reader does; it must be well-formed, and nothing in it
// styles or scripts.
func look(t *testing.T, source string) (d drawn) {
	t.Helper()
	for _, s := range coordinate.FindAllString(source, -1) {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		d.numbers = append(d.numbers, n)
	}
	x := xml.NewDecoder(strings.NewReader(source))
	var text *[]string
	for {
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatalf("%v in %s", err, source)
		}
		switch e := token.(type) {
		case xml.StartElement:
			at := map[string]string{}
			for _, a := range e.Attr {
				at[a.Name.Local] = a.Value
			}
			if at["style"] != "" || e.Name.Local == "script" || e.Name.Local == "style" {
				t.Errorf("the page's policy forbids %v", e)
			}
			switch {
			case e.Name.Local == "svg":
				d.label = at["aria-label"]
				if at["role"] != "img" {
					t.Error("it is no image for those who hear the page")
				}
			case at["class"] == "plot":
				d.runs++
			case at["class"] == "dot":
				d.dots++
			case e.Name.Local == "text" && at["text-anchor"] == "end":
				text = &d.figures
			case e.Name.Local == "text":
				text = &d.times
			}
		case xml.CharData:
			if text != nil {
				*text = append(*text, string(e))
			}
		case xml.EndElement:
			text = nil
		}
	}
}

func TestChart_hasScaleUnitTimesAndGaps(t *testing.T) {
	t.Parallel()
	p := page(t, "fr")
	got := look(t, string(p.Chart(day(p))))
	got.numbers = nil
	want := drawn{
		runs: 2, dots: 2, figures: []string{"0", "200\u00a0Mo", "400\u00a0Mo", "600\u00a0Mo"}, times: []string{"23 nov.", "06:00", "12:00", "18:00"},
		label: "Graphique\u00a0: Memory, du 22 novembre 2026, 22:00 au 23 novembre 2026, 22:00",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(drawn{})); diff != "" {
		t.Error(diff)
	}
}

// TestChart_theScaleFits tries scales and spans of every size.
func TestChart_theScaleFits(t *testing.T) {
	t.Parallel()
	p := page(t, "en")
	for _, span := range []time.Duration{10 * time.Minute, time.Hour, 3 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour} {
		for most := 0.0; most < 1e13; most = most*3.1 + 0.013 {
			for _, top := range []float64{0, most * 1.3} {
				c := webkit.Chart{
					Name: "x", From: now.Add(-span), To: now, Gap: span, Top: top, Unit: func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) },
					Points: []webkit.ChartPoint{{At: now.Add(-span), Mean: most / 2, Max: most}, {At: now, Mean: most, Min: most / 3, Max: most}},
				}
				d := look(t, string(p.Chart(c)))
				if n := len(d.figures); n < 2 || n > 5 || d.figures[0] != "0" {
					t.Fatalf("most %g, top %g: figures %q", most, top, d.figures)
				}
				if n := len(d.times); n < 1 || n > 5 {
					t.Fatalf("%s: times %q", span, d.times)
				}
				for _, n := range d.numbers {
					if n < 0 || n > 340 {
						t.Fatalf("most %g, top %g: it draws at %g", most, top, n)
					}
				}
			}
		}
	}
}

func TestChart_beginsWithTheFirstPointWhenTheRestIsEmpty(t *testing.T) {
	t.Parallel()
	p := page(t, "en")
	c := webkit.Chart{Name: "x", From: now.Add(-7 * 24 * time.Hour), To: now, Gap: 15 * time.Minute, Unit: func(float64) string { return "1" }}
	for i := range 4 { // half an hour of a week
		c.Points = append(c.Points, webkit.ChartPoint{At: now.Add(time.Duration(i-3) * 10 * time.Minute), Mean: 1, Max: 1})
	}
	d := look(t, string(p.Chart(c)))
	if !strings.Contains(d.label, "from 23 November 2026, 20:30") || len(d.times) < 2 {
		t.Errorf("it is a speck: %s, %q", d.label, d.times)
	}
	c.Points = nil
	if got := string(p.Chart(c)); strings.Contains(got, "<svg") || !strings.Contains(got, "Nothing was measured in this time.") {
		t.Errorf("without a point: %s", got)
	}
	for _, v := range []float64{0, 1e-300} {
		c.Points = []webkit.ChartPoint{{At: now, Mean: v, Max: v}}
		if d := look(t, string(p.Chart(c))); d.dots != 1 || len(d.figures) < 2 {
			t.Errorf("one point of %g: %+v", v, d)
		}
	}
}

func TestChart_drawsNoMoreThanCanBeSeen(t *testing.T) {
	t.Parallel()
	p := page(t, "en")
	c := webkit.Chart{Name: "x", From: now.Add(-90 * 24 * time.Hour), To: now, Gap: 2 * time.Hour, Top: 10, Unit: func(float64) string { return "1" }}
	for i := range 90 * 24 {
		at := webkit.ChartPoint{At: c.From.Add(time.Duration(i) * time.Hour), Mean: 5, Min: 4, Max: 6}
		if i == 1000 {
			at.Max = 10 // for one hour
		}
		c.Points = append(c.Points, at)
	}
	source := string(p.Chart(c))
	if len(source) > 16<<10 || look(t, source).runs != 1 {
		t.Errorf("%d bytes", len(source))
	}
	if !strings.Contains(source, " 10.0L") {
		t.Error("the one hour cannot be seen")
	}
}
