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

// Labels that the appliance puts on what it makes in the engine: whose it is,
// and that an image was built here, those that need others first.
const boxLabel = "coop.coopkit.box"

var imageLabels = []string{"coop.coopkit.image", "coop.coopkit.build", "coop.coopkit.base"}

// down removes every container, network, volume, process and file of the demo.
// First it asks the appliance; then, whatever that did, it takes away what the
// engine still has of this demo's box, and of no other.
func (d *demo) down(ctx context.Context) error {
	if !d.exists() {
		d.note("there is no demo here")
		return nil
	}
	d.note("asking the appliance what it has")
	for _, name := range d.installs(ctx) {
		if err := d.tell(ctx, "app", "remove", name, "--no-export", "--yes"); err != nil {
			d.note("the appliance could not remove it; it is taken away below")
		}
	}
	if d.agent().pid() != 0 {
		d.note("stopping the appliance")
		if err := d.agent().stop(ctx); err != nil {
			return err
		}
	}
	if err := d.deskProcess().stop(ctx); err != nil {
		return err
	}
	if engineAnswers(ctx) {
		if err := d.sweep(ctx); err != nil {
			return err
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
	others, err := d.strangers(ctx)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		d.note("the images stay: another box uses this engine (%s)", strings.Join(others, ", "))
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

// installs names the installs of this demo's appliance, which is started to be
// asked if it does not run.
func (d *demo) installs(ctx context.Context) []string {
	if _, err := d.startAgent(ctx); err != nil {
		d.note("it does not start; what it made is taken away below")
		return nil
	}
	apps, err := d.apps(ctx)
	if err != nil {
		d.note("it does not say which apps it has; they are taken away below")
	}
	var names []string
	for _, a := range apps {
		names = append(names, a.Name)
	}
	return names
}

// box is the identity of the demo's box, which its agent wrote down at its first
// start; empty if it never had one.
func (d *demo) box() (string, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, "state", "box"))
	if err == nil && strings.TrimSpace(string(text)) != "" {
		return strings.TrimSpace(string(text)), nil
	}
	if _, err := os.Stat(filepath.Join(d.dir, "state", "coopkit.db")); os.IsNotExist(err) {
		return "", nil
	}
	return "", &problem.Problem{
		Code: "demo-box-unknown", Kind: problem.Conflict,
		What: "nothing was removed from the container engine, because it is not known what of it is the demo's",
		Why:  "the file " + filepath.Join(d.dir, "state", "box") + " is missing or empty; other boxes may have apps of the same names",
		Next: []string{"start the demo once more, which writes it: make demo, then make demo-down", "docker volume ls --filter label=" + boxLabel},
	}
}

// sweep removes what the engine has of the demo's box.
func (d *demo) sweep(ctx context.Context) error {
	box, err := d.box()
	if err != nil || box == "" {
		return err
	}
	for _, kind := range []struct {
		name         string
		list, remove []string
	}{
		{"container", []string{"ps", "--all", "--quiet"}, []string{"rm", "--force"}},
		{"network", []string{"network", "ls", "--quiet"}, []string{"network", "rm"}},
		{"volume", []string{"volume", "ls", "--quiet"}, []string{"volume", "rm"}},
	} {
		found, err := dockerLines(ctx, append(kind.list, "--filter", "label="+boxLabel+"="+box)...)
		if err != nil {
			return err
		}
		for _, id := range found {
			if _, err := docker(ctx, append(kind.remove, id)...); err != nil {
				return err
			}
			d.note("removed %s %s", kind.name, id)
		}
	}
	return nil
}

// strangers names the other boxes that use the engine: images are their cache too.
func (d *demo) strangers(ctx context.Context) ([]string, error) {
	format := `{{.Label "` + boxLabel + `"}}`
	var boxes []string
	for _, list := range [][]string{{"ps", "--all"}, {"volume", "ls"}} {
		found, err := dockerLines(ctx, append(list, "--filter", "label="+boxLabel, "--format", format)...)
		if err != nil {
			return nil, err
		}
		boxes = append(boxes, found...)
	}
	slices.Sort(boxes)
	return slices.Compact(boxes), nil
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
