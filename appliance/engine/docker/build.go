// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/build"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// lastBuildLines is how much of a failing build's output its Problem carries.
const lastBuildLines = 12

// BuildImage builds with the engine's own builder, which needs no registry and
// no BuildKit. Its output goes to p line by line, its steps as progress. A
// build in which a command fails gives a Problem "image-build-failed" with the
// last lines, a builder that cannot do its own part "image-builder-failed".
func (e *Engine) BuildImage(ctx context.Context, b engine.Build, p appliance.Progress) (engine.ImageInfo, error) {
	args := make(map[string]*string, len(b.Args))
	for k, v := range b.Args {
		args[k] = &v
	}
	resp, err := e.cli.ImageBuild(ctx, b.Context, build.ImageBuildOptions{
		Tags: []string{b.Tag}, BuildArgs: args, Labels: b.Labels, NoCache: b.NoCache,
		Remove: true, ForceRemove: true, Version: build.BuilderV1, ExtraHosts: extraHosts(b.Hosts),
	})
	if err != nil {
		return engine.ImageInfo{}, e.buildFailed(ctx, b.Tag, err, nil)
	}
	out := &buildOutput{p: p}
	err = readMessages(resp.Body, func(m message) { out.add(m.Stream) })
	out.flush()
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return engine.ImageInfo{}, e.buildFailed(ctx, b.Tag, err, out.last)
	}
	return e.made(ctx, b.Tag)
}

// extraHosts writes host names with their addresses as the engine wants them.
func extraHosts(hosts map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		list = append(list, name+":"+hosts[name])
	}
	return list
}

func (e *Engine) buildFailed(ctx context.Context, tag string, err error, last []string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wrapped := e.wrap(err, "build image")
	if _, ok := errors.AsType[*problem.Problem](wrapped); ok {
		return wrapped
	}
	why := err.Error()
	if said, ok := errors.AsType[*streamError](err); !ok || said.code == 0 {
		return &problem.Problem{
			Code: "image-builder-failed",
			What: "the container engine could not build the image " + tag,
			Why:  "the container engine says: " + why,
			Next: []string{
				"systemctl restart docker if it speaks of a network, a bridge or iptables; apps that run come back by themselves",
				"df -h, to see whether the disk is full",
				"tell the recipe's maintainer if it speaks of a file or an instruction of the recipe",
			},
			Err: wrapped,
		}
	}
	if len(last) > 0 {
		why += "; the last lines of the build were:\n" + strings.Join(last, "\n")
	}
	return &problem.Problem{
		Code: "image-build-failed",
		What: "the image " + tag + " could not be built", Why: why,
		Next: []string{"df -h, to see whether the disk is full", "check that this machine reaches its Debian mirror: apt-get update", "tell the recipe's maintainer if it goes on"},
		Err:  wrapped,
	}
}

// buildOutput cuts the builder's output into lines and keeps the last ones.
type buildOutput struct {
	p    appliance.Progress
	rest string
	last []string
}

func (o *buildOutput) add(text string) {
	lines := strings.Split(o.rest+text, "\n")
	o.rest = lines[len(lines)-1]
	for _, l := range lines[:len(lines)-1] {
		o.line(l)
	}
}

func (o *buildOutput) flush() {
	o.line(o.rest)
	o.rest = ""
}

func (o *buildOutput) line(l string) {
	l = strings.TrimRight(l, " \r\t")
	if i := strings.LastIndexByte(l, '\r'); i >= 0 { // a progress bar drawn over itself
		l = l[i+1:]
	}
	if l == "" {
		return
	}
	var step, of int64
	if n, err := fmt.Sscanf(l, "Step %d/%d :", &step, &of); err == nil && n == 2 {
		o.p.Advance(step-1, of)
	}
	o.p.Log(l)
	o.last = append(o.last, l)
	if len(o.last) > lastBuildLines {
		o.last = o.last[1:]
	}
}
