// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// Labels that the appliance puts on what it makes in the engine.
const installLabel = "coop.coopkit.install"

var imageLabels = []string{"coop.coopkit.image", "coop.coopkit.build", "coop.coopkit.base"} // those that need others first

// down removes every container, network, volume, process and file of the demo.
// First it asks the appliance; then, whatever that did, it takes away by label
// what is left of the installs that this demo had.
func (d *demo) down(ctx context.Context) error {
	if !d.exists() {
		d.note("there is no demo here")
		return nil
	}
	d.note("asking the appliance what it has")
	installs := d.installs(ctx)
	if d.agent().pid() != 0 {
		for _, name := range installs {
			if err := d.tell(ctx, "app", "remove", name, "--no-export", "--yes"); err != nil {
				d.note("the appliance could not remove it; it is taken away below")
			}
		}
		d.note("stopping the appliance")
		if err := d.agent().stop(ctx); err != nil {
			return err
		}
	}
	if err := d.deskProcess().stop(ctx); err != nil {
		return err
	}
	if engineAnswers(ctx) {
		for _, name := range installs {
			if err := d.sweep(ctx, name); err != nil {
				return err
			}
		}
	}
	if err := d.removeFiles(); err != nil {
		return fmt.Errorf("remove the demo's files: %w", err)
	}
	d.note("the demo is gone; the images stay as a cache (make demo-clean removes them too)")
	return nil
}

// removeFiles removes the demo's folder, but for what the machine's script keeps
// of an engine that it started there: with that it stops the engine afterwards.
func (d *demo) removeFiles() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	kept := false
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "engine.") {
			kept = true
			continue
		}
		if err := os.RemoveAll(filepath.Join(d.dir, e.Name())); err != nil {
			return err
		}
	}
	if kept {
		return nil
	}
	return os.Remove(d.dir)
}

// clean does what down does and removes the images that Coopkit built here.
func (d *demo) clean(ctx context.Context) error {
	if err := d.down(ctx); err != nil {
		return err
	}
	if !engineAnswers(ctx) {
		d.note("no Docker Engine answers, so its images are as they were")
		return nil
	}
	removed := 0
	for _, label := range imageLabels {
		images, err := dockerLines(ctx, "image", "ls", "--filter", "label="+label, "--format", "{{.ID}} {{.Repository}}:{{.Tag}}")
		if err != nil {
			return err
		}
		for _, line := range images {
			id, tag, _ := strings.Cut(line, " ")
			if strings.Contains(tag, "<none>") {
				tag = id
			}
			if _, err := docker(ctx, "image", "rm", tag); err != nil {
				d.note("image %s stays: something uses it", tag)
				continue
			}
			removed++
		}
	}
	d.note("removed %d images that were built here", removed)
	return nil
}

// installs names the installs of this demo. Only its own appliance knows them:
// another one on this machine may have apps of the same names, and their data
// is not ours to remove. An appliance that does not run is started to be
// asked; if it can not start, what it said last counts.
func (d *demo) installs(ctx context.Context) []string {
	if _, err := d.startAgent(ctx); err != nil {
		d.note("it does not start; what it said last counts")
	} else if _, err := d.apps(ctx); err != nil {
		d.note("it does not say which apps it has; what it said last counts")
	}
	text, err := os.ReadFile(d.appsFile())
	if err != nil {
		return nil // it never had any
	}
	return strings.Fields(string(text))
}

// sweep removes what the engine has of an install.
func (d *demo) sweep(ctx context.Context, install string) error {
	filter := "label=" + installLabel + "=" + install
	for _, kind := range []struct {
		name         string
		list, remove []string
	}{
		{"container", []string{"ps", "--all", "--quiet"}, []string{"rm", "--force"}},
		{"network", []string{"network", "ls", "--quiet"}, []string{"network", "rm"}},
		{"volume", []string{"volume", "ls", "--quiet"}, []string{"volume", "rm"}},
	} {
		found, err := dockerLines(ctx, append(kind.list, "--filter", filter)...)
		if err != nil {
			return err
		}
		for _, id := range found {
			if _, err := docker(ctx, append(kind.remove, id)...); err != nil {
				return err
			}
			d.note("removed %s %s of %s", kind.name, id, install)
		}
	}
	return nil
}

func engineAnswers(ctx context.Context) bool {
	_, err := docker(ctx, "version", "--format", "{{.Server.Version}}")
	return err == nil
}

func dockerLines(ctx context.Context, args ...string) ([]string, error) {
	out, err := docker(ctx, args...)
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(strings.Lines(out))
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines, nil
}

// docker runs Docker's own command, so that a demo can be removed although the
// appliance does not work.
func docker(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput() //nolint:gosec // fixed words, and ids that the engine gave
	if err != nil {
		return "", &problem.Problem{
			Code: "demo-docker-failed", Kind: problem.Failed,
			What: "this did not work: docker " + strings.Join(args, " "),
			Why:  strings.TrimSpace(string(out)),
			Next: []string{"run it by hand to see more, then make demo-down again"},
			Err:  err,
		}
	}
	return string(out), nil
}
