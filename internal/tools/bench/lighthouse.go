// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// lighthouseCLI is what "devmachine.sh lighthouse .cache/lighthouse" brings.
const lighthouseCLI = ".cache/lighthouse/node_modules/lighthouse/cli/index.js"

// lighthouseRuns is of how many runs the median counts: one differs from the
// next by a few points.
const lighthouseRuns = 3

// lighthouseTries is how often one run is tried.
const lighthouseTries = 3

// goodScore is what Google calls good, and five points more.
const goodScore = 95

// categories of Lighthouse that apply to pages behind a sign-in.
var categories = []string{"performance", "accessibility", "best-practices"}

// presets are a slow phone on a slow line, which is Lighthouse's own default, and
// a desktop.
var presets = map[string][]string{"phone": nil, "desktop": {"--preset=desktop"}}

// lighthousePages are those that people see most.
var (
	lighthouseConsole = []page{
		{name: "home", path: "/"}, {name: "apps", path: "/apps"}, {name: "names", path: "/names"}, {name: "an app", path: "/apps/bench-lighthouse"},
	}
	lighthouseDesk = []page{{name: "fleet", path: "/fleet"}}
)

// lighthouseRows asks Lighthouse, in Debian's Chromium, what it thinks of pages
// of a box with an app and of the desk that it has joined.
func lighthouseRows(ctx context.Context, b *bench) (rows []row, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := b.newDesk(ctx, 0, "warn")
	if err != nil {
		return nil, err
	}
	x, err := b.newBox()
	if err != nil {
		return nil, err
	}
	p, err := x.start(ctx)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	defer func() { err = errors.Join(err, x.empty(context.WithoutCancel(ctx))) }()
	if err := x.fill(ctx); err != nil {
		return nil, err
	}
	if _, err := x.coopkit(ctx, "app", "add", "radicale", "--name", "bench-lighthouse", "--address", "calendar.bench.example", "--yes"); err != nil {
		return nil, err
	}
	steward, err := x.steward(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.enrol(ctx, d); err != nil {
		return nil, err
	}
	technician, err := d.technician(ctx)
	if err != nil {
		return nil, err
	}
	console, err := b.lighthouse(ctx, "console", steward, lighthouseConsole)
	if err != nil {
		return nil, err
	}
	desk, err := b.lighthouse(ctx, "desk", technician, lighthouseDesk)
	return append(console, desk...), err
}

// lighthouse looks at pages with the cookies of a person.
func (b *bench) lighthouse(ctx context.Context, where string, v *visitor, pages []page) (rows []row, err error) {
	headers, err := v.headersFile(b.dir)
	if err != nil {
		return nil, err
	}
	for _, at := range pages {
		for _, preset := range slices.Sorted(maps.Keys(presets)) {
			var all []scores
			for range min(b.rounds, lighthouseRuns) {
				s, err := patiently(ctx, func() (scores, error) { return lighthouseRun(ctx, v.base+at.path, headers, presets[preset]) })
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", where, at.name, err)
				}
				all = append(all, s)
			}
			r := lighthouseRow(where+", "+at.name+", "+preset, all)
			b.say("  %s: %.0f", r.what, r.ours)
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// patiently runs Lighthouse again when it did not come to a result, as it asks for
// when a busy browser recorded too little.
func patiently(ctx context.Context, run func() (scores, error)) (s scores, err error) {
	for range lighthouseTries {
		if s, err = run(); err == nil || ctx.Err() != nil {
			break
		}
	}
	return s, err
}

// headersFile writes the headers that make a browser the person's, for nobody
// else to read.
func (v *visitor) headersFile(dir string) (string, error) {
	u, err := url.Parse(v.base)
	if err != nil {
		return "", err
	}
	var cookies []string
	for _, c := range v.client.Jar.Cookies(u) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	text, err := json.Marshal(map[string]string{"Cookie": strings.Join(cookies, "; ")})
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "headers-*.json")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	return f.Name(), errors.Join(err, f.Close())
}

// scores are those of one run by category, of 100.
type scores map[string]float64

func lighthouseRun(ctx context.Context, page, headers string, preset []string) (scores, error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("find the browser: %w", err)
	}
	cli, err := filepath.Abs(lighthouseCLI)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		cli, page, "--quiet", "--output=json", "--output-path=stdout", "--no-enable-error-reporting",
		"--only-categories=" + strings.Join(categories, ","), "--extra-headers=" + headers,
		"--chrome-flags=--headless --no-sandbox --disable-gpu --ignore-certificate-errors --no-first-run --disable-background-networking --disable-component-update --disable-sync",
	}, preset...)
	cmd := exec.CommandContext(ctx, "node", args...) //nolint:gosec // fixed programs
	cmd.Env = append(os.Environ(), "CHROME_PATH="+chromium)
	out, err := cmd.Output()
	if err != nil {
		var why string
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			why = string(exit.Stderr)
		}
		return nil, fmt.Errorf("run lighthouse: %w: %s", err, why)
	}
	return readScores(out)
}

// readScores reads a report of Lighthouse. A page that it could not load has no
// scores.
func readScores(report []byte) (scores, error) {
	var said struct {
		Final      string                              `json:"finalDisplayedUrl"`
		Asked      string                              `json:"requestedUrl"`
		Error      *struct{ Code, Message string }     `json:"runtimeError"`
		Categories map[string]struct{ Score *float64 } `json:"categories"`
	}
	if err := json.Unmarshal(report, &said); err != nil {
		return nil, fmt.Errorf("read the report of lighthouse: %w", err)
	}
	if said.Error != nil {
		return nil, fmt.Errorf("lighthouse: %s %s", said.Error.Code, said.Error.Message)
	}
	if said.Final != said.Asked {
		return nil, fmt.Errorf("%s led to %s", said.Asked, said.Final)
	}
	s := scores{}
	for _, name := range categories {
		c := said.Categories[name]
		if c.Score == nil {
			return nil, fmt.Errorf("lighthouse gives no score for %s", name)
		}
		s[name] = math.Round(*c.Score * 100)
	}
	return s, nil
}

// lighthouseRow shows the lowest of the categories; each is a median.
func lighthouseRow(what string, runs []scores) row {
	r := row{ours: 100, unit: "of 100", goal: goodScore}
	var parts []string
	for _, name := range categories {
		var all []float64
		for _, s := range runs {
			all = append(all, s[name])
		}
		m := median(all)
		r.ours = min(r.ours, m)
		parts = append(parts, fmt.Sprintf("%s %.0f", strings.ReplaceAll(name, "-", " "), m))
	}
	r.what = "Lighthouse, " + what + ": the lowest of " + strings.Join(parts, ", ")
	return r
}
