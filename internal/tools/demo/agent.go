// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"path/filepath"
	"time"
)

// agent is the appliance of the demo.
func (d *demo) agent() process {
	return process{
		name: "agent", program: d.program, dir: d.dir, state: filepath.Join(d.dir, "state"),
		args: []string{
			"agent", "run", "--socket", d.socket(), "--https", d.https, "--http", d.http, "--dns", d.dns,
			"--console", d.console, "--public-address", "127.0.0.1", "--issuer", "local",
		},
	}
}

// startAgent makes sure that an agent of this demo answers, with the program
// as it is built now and at the ports that are asked for.
func (d *demo) startAgent(ctx context.Context) (s status, err error) {
	p := d.agent()
	answers := func() bool { return d.ask(ctx, &s, "status") == nil }
	if pid := p.pid(); pid != 0 {
		err := p.wait(ctx, 10*time.Second, nil, answers)
		if err == nil && p.ofThisBuild(pid) && s.HTTPS == d.https && s.HTTP == d.http && s.DNS == d.dns && s.Console == d.console {
			d.note("it runs already (process %d)", pid)
			return s, nil
		}
		d.note("stopping the one that runs: it is of another build, has other ports or does not answer")
		if err := p.stop(ctx); err != nil {
			return s, err
		}
	}
	ended, err := p.launch()
	if err != nil {
		return s, err
	}
	return s, p.wait(ctx, time.Minute, ended, answers)
}
