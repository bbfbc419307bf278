// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"coopkit/desk/serve"
	"coopkit/desk/wire"
)

const (
	deskBoxes       = 2000
	deskConnections = 128
	deskPace        = deskBoxes / 6 // reports a second: ten times what boxes send that report once a minute
	deskMost        = 20_000        // reports a second that are made ready
)

// deskRows measures a desk with many boxes: how many reports a second it
// stores, each acknowledged only when it is on the disk, and its memory at the
// pace of real boxes. Boxes and desk share the machine.
func deskRows(ctx context.Context, b *bench) ([]row, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := b.newDesk(ctx, deskBoxes, "warn")
	if err != nil {
		return nil, err
	}
	boxes, err := d.join(ctx)
	if err != nil {
		return nil, err
	}
	peer, err := b.staticPeer(ctx)
	if err != nil {
		return nil, err
	}
	defer peer.stop()
	flood, err := d.flood(ctx, boxes, peer)
	if err != nil {
		return nil, err
	}
	paced, err := d.paced(ctx, boxes)
	if err != nil {
		return nil, err
	}
	memory, err := d.pace(ctx, boxes)
	if err != nil {
		return nil, err
	}
	return append(flood.rows(), []row{
		{what: "99th percentile at ten times the pace of 2,000 boxes", ours: paced, unit: "ms", goal: 30, most: true},
		{what: "bytes of a report, body and signature", ours: float64(boxes[0].size), unit: "B", goal: 400, most: true},
		{what: "memory of a desk with 2,000 boxes that report", ours: slices.Max(memory), unit: "MiB", goal: 80, most: true},
		{what: "… at the end against the first minute", ours: memory[len(memory)-1] / memory[0], unit: "×", goal: 1.1, most: true},
	}...), nil
}

// flood is what a desk did with as many reports as it could take, and nginx with
// requests for a small file, a value for each round.
type flood struct {
	rate, p50, p99, static []float64
}

// flood lets wrk send on deskConnections, each of which waits for its answer,
// and asks nginx in turn with it, with wrk too: how fast a machine answers over
// TLS at all differs more between machines than programs do.
func (d *benchDesk) flood(ctx context.Context, boxes []*loadBox, peer *staticPeer) (*flood, error) {
	f := &flood{}
	for round := range d.rounds {
		reports, err := d.reports(ctx, boxes)
		if err != nil {
			return nil, err
		}
		static, err := d.load(ctx, peer.hosts, static, peer.front)
		if err != nil {
			return nil, err
		}
		d.say("  round %d: %.0f reports/s, p50 %.1f ms, p99 %.1f ms; nginx %.0f requests/s", round+1, reports.perSecond, reports.p50, reports.p99, static.perSecond)
		f.rate, f.static = append(f.rate, reports.perSecond), append(f.static, static.perSecond)
		f.p50, f.p99 = append(f.p50, reports.p50), append(f.p99, reports.p99)
	}
	return f, nil
}

func (f *flood) rows() []row {
	return []row{
		{what: fmt.Sprintf("durable reports over TLS, 2,000 boxes, %d connections", deskConnections), ours: median(f.rate), unit: "/s", peer: "nginx, static 1 KiB over TLS", them: median(f.static), goal: 0.25},
		{what: "… median latency", ours: median(f.p50), unit: "ms"},
		{what: "… 99th percentile", ours: median(f.p99), unit: "ms"},
	}
}

// paced is the median of the 99th percentiles at a steady pace.
func (d *benchDesk) paced(ctx context.Context, boxes []*loadBox) (float64, error) {
	var p99 []float64
	for range d.rounds {
		took, err := d.steady(ctx, boxes, d.length)
		if err != nil {
			return 0, err
		}
		p99 = append(p99, percentile(took, 99))
		d.say("  %d reports/s: p50 %.1f ms, p99 %.1f ms", deskPace, percentile(took, 50), percentile(took, 99))
	}
	return median(p99), nil
}

// steady sends at deskPace, whether the reports before have been stored or not,
// and returns how long each took from when it was due, in ms, sorted.
func (d *benchDesk) steady(ctx context.Context, boxes []*loadBox, length time.Duration) (took []float64, err error) {
	took = make([]float64, int(deskPace*length.Seconds()))
	if err := signAhead(ctx, boxes, len(took)/len(boxes)+1); err != nil {
		return nil, err
	}
	free := make(chan *loadConn, deskConnections)
	for range deskConnections {
		c, err := dialDesk(ctx, d.url, d.codes[0].Pin)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, c.tls.Close()) }()
		free <- c
	}
	tick := time.NewTicker(time.Second / deskPace)
	defer tick.Stop()
	g, ctx := errgroup.WithContext(ctx)
	for i := range took {
		var due time.Time
		select {
		case due = <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(g.Wait(), context.Cause(ctx))
		}
		g.Go(func() error {
			c := <-free
			err := c.send(boxes[i%len(boxes)])
			free <- c
			took[i] = float64(time.Since(due).Microseconds()) / 1000
			return err
		})
	}
	err = g.Wait()
	slices.Sort(took)
	return took, err
}

// pace lets each box report once a minute, on a connection of its own as real
// ones do, and returns the desk's memory after each minute in MiB.
func (d *benchDesk) pace(ctx context.Context, boxes []*loadBox) ([]float64, error) {
	const minutes = 3
	tick := time.NewTicker(time.Minute / deskBoxes)
	defer tick.Stop()
	var memory []float64
	for minute := range minutes {
		g, ctx := errgroup.WithContext(ctx)
		for _, x := range boxes {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil, errors.Join(g.Wait(), context.Cause(ctx))
			}
			g.Go(func() error { return d.report(ctx, x) })
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		now, err := residentOf(d.process.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		memory = append(memory, now.all)
		d.say("  minute %d at the pace of real boxes: %.1f MiB", minute+1, now.all)
	}
	return memory, nil
}

// signAhead makes n reports of each box before the measurement: real boxes sign
// elsewhere.
func signAhead(ctx context.Context, boxes []*loadBox, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, x := range boxes {
		g.Go(func() error { return errors.Join(x.sign(n), context.Cause(ctx)) })
	}
	return g.Wait()
}

// report sends one report of a box, on a connection of its own.
func (d *benchDesk) report(ctx context.Context, x *loadBox) error {
	if err := x.sign(1); err != nil {
		return err
	}
	c, err := dialDesk(ctx, d.url, d.codes[0].Pin)
	if err != nil {
		return err
	}
	return errors.Join(c.send(x), c.tls.Close())
}

func percentile(sorted []float64, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// benchDesk is the desk under load, and the invitations to it.
type benchDesk struct {
	*bench
	url     string
	state   string // its folder
	codes   []wire.Invitation
	process *process
}

// newDesk starts a desk and makes invitations for so many boxes.
func (b *bench) newDesk(ctx context.Context, boxes int, level string) (*benchDesk, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	d := &benchDesk{bench: b, url: "https://" + addr}
	if d.state, err = os.MkdirTemp(b.dir, "desk"); err != nil {
		return nil, err
	}
	d.process, err = start(ctx, b.program, "desk", "serve", "--state", d.state, "--listen", addr, "--url", d.url, "--log-level", level)
	if err != nil {
		return nil, err
	}
	if err := d.process.wait(ctx, listens(addr)); err != nil {
		return nil, err
	}
	return d, d.ask(ctx, func(c *serve.Client) error {
		if _, err := serve.AddCoop.Do(ctx, c.Client, serve.Coop{ID: "bench", Name: "Bench"}); err != nil {
			return err
		}
		for range boxes {
			made, err := serve.Invite.Do(ctx, c.Client, serve.NewInvitation{Coop: "bench", Valid: time.Hour, Confirmed: true})
			if err != nil {
				return err
			}
			code, err := wire.ParseInvitation(made.Code)
			if err != nil {
				return err
			}
			d.codes = append(d.codes, code)
		}
		return nil
	})
}

// ask does something as the desk's command line does it.
func (d *benchDesk) ask(ctx context.Context, do func(*serve.Client) error) error {
	c, err := serve.Connect(ctx, d.state, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

// join enrols the boxes.
func (d *benchDesk) join(ctx context.Context) ([]*loadBox, error) {
	config, err := wire.TLSConfig(d.url, d.codes[0].Pin)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	defer client.CloseIdleConnections()
	boxes := make([]*loadBox, len(d.codes))
	for i, code := range d.codes {
		if boxes[i], err = join(ctx, client, code); err != nil {
			return nil, err
		}
	}
	return boxes, nil
}
