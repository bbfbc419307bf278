// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"coopkit/desk/serve"
)

// pageRate is how many times a second a page is asked for.
const pageRate = 50

// page is one page that is measured.
type page struct {
	name, path string
	most       float64 // ms for 99 of 100
	large      bool    // it may be longer than the others
}

// consolePages are those of a box with one zone and one site.
var consolePages = []page{
	{name: "home", path: "/", most: 20},
	{name: "apps", path: "/apps", most: 20},
	{name: "catalogue", path: "/catalogue", most: 20},
	{name: "an app to add", path: "/catalogue/wordpress", most: 20},
	{name: "sites", path: "/sites", most: 20},
	{name: "a site", path: "/sites/bench.example", most: 20},
	{name: "names", path: "/names", most: 20},
	{name: "a name", path: "/names/bench.example", most: 20},
	{name: "activity", path: "/activity", most: 20},
	{name: "settings", path: "/settings", most: 20},
	{name: "desk link", path: "/settings/desk", most: 20},
}

// deskPages are those of a desk with 2,000 boxes; box is one of them.
func deskPages(box string) []page {
	return []page{
		{name: "fleet", path: "/fleet", most: 30, large: true},
		{name: "a box", path: "/boxes/" + box, most: 20},
		{name: "invitations", path: "/invitations", most: 20},
	}
}

// seen is what the visits of one page gave.
type seen struct {
	page
	p50, p99          float64 // ms
	compressed, plain float64 // KiB
	statements        int
}

// pageRows measures pages of a box that has joined the desk, and of that desk
// with 2,000 boxes, each on a connection that is kept.
func pageRows(ctx context.Context, b *bench) ([]row, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := b.newDesk(ctx, deskBoxes, "debug")
	if err != nil {
		return nil, err
	}
	boxes, err := d.join(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.reportAll(ctx, boxes); err != nil {
		return nil, err
	}
	console, err := b.consolePages(ctx, d)
	if err != nil {
		return nil, err
	}
	technician, err := d.technician(ctx)
	if err != nil {
		return nil, err
	}
	desk, err := b.look(ctx, "desk", technician, d.process, deskPages(string(boxes[0].id)))
	return append(console, desk...), err
}

// reportAll lets every box report once, a few at a time.
func (d *benchDesk) reportAll(ctx context.Context, boxes []*loadBox) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, x := range boxes {
		g.Go(func() error { return d.report(ctx, x) })
	}
	return g.Wait()
}

func (b *bench) consolePages(ctx context.Context, d *benchDesk) ([]row, error) {
	x, err := b.newBox("--log-level", "debug")
	if err != nil {
		return nil, err
	}
	p, err := x.start(ctx)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	if err := x.fill(ctx); err != nil {
		return nil, err
	}
	steward, err := x.steward(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.enrol(ctx, d); err != nil {
		return nil, err
	}
	return b.look(ctx, "console", steward, p, consolePages)
}

// look measures the pages one after the other, and ends the process to read in
// its log how many statements each took.
func (b *bench) look(ctx context.Context, where string, v *visitor, p *process, pages []page) ([]row, error) {
	all := make([]seen, len(pages))
	for i, at := range pages {
		var err error
		if all[i], err = b.visits(ctx, v, at); err != nil {
			return nil, err
		}
	}
	p.stop()
	statements := readStatements(p.words.String())
	var rows []row
	sizes := row{what: "largest page of the " + where + ", compressed", unit: "KiB", goal: 8, most: true}
	for _, s := range all {
		if s.statements = statements[s.path]; s.statements == 0 {
			return nil, fmt.Errorf("the log does not say how many statements %s took", s.path)
		}
		what := fmt.Sprintf("%s, %s: 99th percentile at %d/s (median %.1f ms, %.1f KiB compressed of %.1f, %d statements)", where, s.name, pageRate, s.p50, s.compressed, s.plain, s.statements)
		rows = append(rows, row{what: what, ours: s.p99, unit: "ms", goal: s.most, most: true})
		b.say("  %s: %.1f ms", what, s.p99)
		if s.large {
			rows = append(rows, row{what: where + ", " + s.name + ", compressed", ours: s.compressed, unit: "KiB"})
		} else {
			sizes.ours = max(sizes.ours, s.compressed)
		}
	}
	return append(rows, sizes), nil
}

// visits asks for a page at a steady pace, whether the ones before have come or
// not.
func (b *bench) visits(ctx context.Context, v *visitor, at page) (seen, error) {
	if _, err := v.get(ctx, at.path); err != nil { // the first one opens the connection
		return seen{}, err
	}
	took := make([]float64, int(b.length.Seconds()*pageRate))
	last := visit{}
	tick := time.NewTicker(time.Second / pageRate)
	defer tick.Stop()
	g, ctx := errgroup.WithContext(ctx)
	for i := range took {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seen{}, errors.Join(g.Wait(), context.Cause(ctx))
		}
		g.Go(func() error {
			got, err := v.get(ctx, at.path)
			took[i] = float64(got.took.Microseconds()) / 1000
			if i == 0 {
				last = got
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return seen{}, err
	}
	slices.Sort(took)
	return seen{page: at, p50: percentile(took, 50), p99: percentile(took, 99), compressed: kib(last.compressed), plain: kib(last.plain)}, nil
}

func kib(bytes int) float64 { return float64(bytes) / 1024 }

// readStatements reads in a log at the level debug how many statements each
// page took: the fewest, because those of others at the same time are counted
// too.
func readStatements(log string) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(log) {
		var said struct {
			Msg, Path  string
			Statements int
		}
		if json.Unmarshal([]byte(line), &said) != nil || said.Msg != "page served" {
			continue
		}
		if before, ok := out[said.Path]; !ok || said.Statements < before {
			out[said.Path] = said.Statements
		}
	}
	return out
}

// enrol lets the box join the desk, and waits until its first report is there.
func (x *box) enrol(ctx context.Context, d *benchDesk) error {
	var code string
	err := d.ask(ctx, func(c *serve.Client) error {
		made, err := serve.Invite.Do(ctx, c.Client, serve.NewInvitation{Coop: "bench", Valid: time.Hour, Confirmed: true})
		code = made.Code
		return err
	})
	if err != nil {
		return err
	}
	if _, err := x.coopkit(ctx, "support", "join", code, "--yes"); err != nil {
		return err
	}
	return d.process.wait(ctx, func() bool {
		out, err := x.coopkit(ctx, "support", "status", "--json")
		var status struct {
			LastSent time.Time `json:"last_sent"`
		}
		return err == nil && json.Unmarshal([]byte(out), &status) == nil && !status.LastSent.IsZero()
	})
}

// live does with the box what makes it one that is used: somebody signs in and
// looks at all pages, and it reports to a desk.
func (x *box) live(ctx context.Context) error {
	steward, err := x.steward(ctx)
	if err != nil {
		return err
	}
	d, err := x.newDesk(ctx, 0, "warn")
	if err != nil {
		return err
	}
	if err := x.enrol(ctx, d); err != nil {
		return err
	}
	for _, at := range consolePages {
		if _, err := steward.get(ctx, at.path); err != nil {
			return err
		}
	}
	return nil
}
