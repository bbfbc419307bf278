// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

const buildNeeds = 1 << 30 // bytes free in the engine

// fromDebian returns the newest image that was built of the recipe's folder
// and the base of now, after building it if there is none.
func (im *Images) fromDebian(ctx context.Context, w want, p appliance.Progress) (appliance.Image, error) {
	if w.debian == "" {
		return appliance.Image{}, errNoSource
	}
	files, err := readContext(w)
	if err != nil {
		return appliance.Image{}, err
	}
	b, err := im.ensureBase(ctx, p)
	if err != nil {
		return appliance.Image{}, err
	}
	got, err := im.findOrBuild(ctx, w, b, files, p)
	if err != nil {
		return got, err
	}
	return im.versioned(ctx, w, got)
}

func (im *Images) findOrBuild(ctx context.Context, w want, b base, files []contextFile, p appliance.Progress) (appliance.Image, error) {
	key := serviceKey(b, files)
	if got, ok, err := im.findBuilt(ctx, w, key); err != nil || ok {
		return got, err
	}
	return once(ctx, im, "debian "+w.name()+" "+key, func() (appliance.Image, error) {
		if got, ok, err := im.findBuilt(ctx, w, key); err != nil || ok {
			return got, err
		}
		return im.build(ctx, w, b, files, false, p)
	})
}

// serviceKey changes when the recipe's folder or anything in the base does.
func serviceKey(b base, files []contextFile) string { return hashOf(b.key, contextKey(files)) }

func (im *Images) findBuilt(ctx context.Context, w want, key string) (appliance.Image, bool, error) {
	found, err := im.newest(ctx, func(i engine.ImageInfo) bool {
		return i.Labels[LabelService] == w.name() && i.Labels[LabelKey] == key && len(i.Tags) > 0
	})
	if err != nil || found == nil {
		return appliance.Image{}, false, err
	}
	return appliance.Image{Ref: found.Tags[0], ID: found.ID, Source: appliance.FromDebian}, true, nil
}

// build builds one image. A refreshed one is built without the engine's cache
// and gets a name of its own, so that the one before stays for going back.
func (im *Images) build(ctx context.Context, w want, b base, files []contextFile, refreshed bool, p appliance.Progress) (appliance.Image, error) {
	done, err := im.turn(ctx)
	if err != nil {
		return appliance.Image{}, err
	}
	defer done()
	if err := im.room(ctx, buildNeeds); err != nil {
		return appliance.Image{}, err
	}
	key := serviceKey(b, files)
	at, _ := slices.BinarySearchFunc(files, "Dockerfile", byName)
	dockerfile, err := prepareDockerfile(string(files[at].data), b.id, key)
	if err != nil {
		return appliance.Image{}, badContext(w, err.Error(), err)
	}
	packed, err := contextTar(files, dockerfile)
	if err != nil {
		return appliance.Image{}, err
	}
	tag := fmt.Sprintf("coopkit/%s:%s-%s", w.name(), w.version, key[:8])
	if refreshed {
		tag += im.Now().UTC().Format("-20060102t150405")
	}
	p.Log("building " + tag + " from Debian's packages")
	said := &lineWriter{each: p.Log}
	began := im.Now()
	info, err := im.Engine.BuildImage(ctx, engine.Build{
		Tag: tag, Context: bytes.NewReader(packed), Args: map[string]string{"BASE": b.id},
		Labels: map[string]string{
			LabelBase: im.Suite, LabelKey: key, LabelService: w.name(), LabelVersion: w.version,
		},
		Hosts: b.host.hosts, NoCache: refreshed,
	}, teeProgress{p, said})
	if err != nil {
		im.sweep(ctx, key)
		return appliance.Image{}, im.buildFailed(ctx, w, said, err)
	}
	im.Log.InfoContext(ctx, "image built", logkey.Image, tag, logkey.Took, im.Now().Sub(began))
	im.recordPackages(ctx, info.ID)
	return appliance.Image{Ref: tag, ID: info.ID, Source: appliance.FromDebian}, nil
}

// teeProgress keeps the last lines of what passes, for the reason of a failure.
type teeProgress struct {
	appliance.Progress
	lines *lineWriter
}

func (t teeProgress) Log(line string) {
	line = colour.ReplaceAllString(line, "")
	if builderTalk.MatchString(line) {
		t.Progress.Log(line)
		return
	}
	_, _ = fmt.Fprintln(t.lines, line)
}

var (
	colour      = regexp.MustCompile("\x1b\\[[0-9;]*m") // the builder paints what commands say as errors
	builderTalk = regexp.MustCompile(`^( ---> |Removing intermediate container|Step \d+/\d+ :)`)
)

// The engine stops a build that nobody waits for any more in its own time, and
// holds on to the last layer until then.
const (
	sweepLimit = 20 * time.Second
	sweepEvery = 200 * time.Millisecond
)

// sweep removes the layers that a failed or stopped build left.
func (im *Images) sweep(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepLimit)
	defer cancel()
	for {
		err := im.dropLayers(ctx, key)
		if err == nil {
			return
		}
		if errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) || !wait(ctx, sweepEvery) {
			im.Log.WarnContext(ctx, "cannot remove the layers of a failed build", logkey.Err, err)
			return
		}
	}
}

// wait is false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// dropLayers removes the images of a build that have no name. A finished one is
// no layer: another agent at the same engine may have made it, and still need it
// although a later build has its name.
func (im *Images) dropLayers(ctx context.Context, key string) error {
	all, err := im.Engine.Images(ctx, LabelBuild)
	for _, i := range all {
		if i.Labels[LabelBuild] == key && i.Labels[LabelKey] != key && len(i.Tags) == 0 {
			err = errors.Join(err, im.Engine.RemoveImage(ctx, i.ID))
		}
	}
	return err
}

func (im *Images) buildFailed(ctx context.Context, w want, said *lineWriter, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
		return err
	}
	if full := im.room(ctx, fullBelow); full != nil {
		return full
	}
	said.end()
	p := &problem.Problem{
		Code: "debian-build-failed", Kind: problem.Failed,
		What: fmt.Sprintf("the program for %s (%s) could not be built from Debian's packages", w.recipe, w.service),
		Why:  (&commandError{last: said.last}).lastLine(),
		Next: []string{
			"check that this box can install packages: apt-get update",
			"try again; nothing of the attempt is left",
		},
		Err: err,
	}
	// What a command said is the reason only if it is a command that failed.
	cause, ok := errors.AsType[*problem.Problem](err)
	if ok && cause.Is(&problem.Problem{Code: "image-builder-failed"}) {
		p.Why, p.Next = cause.Why, append(slices.Clone(cause.Next), p.Next[1:]...)
	}
	if p.Why == "" {
		p.Why = problem.Reason(err)
	}
	return p
}

// recordPackages keeps the list of the packages of a new image. It is for
// people, so its failure does not fail the build.
func (im *Images) recordPackages(ctx context.Context, id string) {
	list, err := im.inside(ctx, id, `dpkg-query -W -f '${Package} ${Version}\n'`)
	if err == nil {
		slices.Sort(list)
		err = im.savePackages(id, strings.Join(list, "\n")+"\n")
	}
	if err != nil {
		im.Log.WarnContext(ctx, "cannot list the packages of an image", logkey.Image, id, logkey.Err, err)
	}
}

// inside runs a shell command in a throwaway layer on an image and returns the
// lines that it printed. Nothing of it stays. The caller holds the builder.
func (im *Images) inside(ctx context.Context, id, script string) ([]string, error) {
	key := "look-" + strings.TrimPrefix(id, "sha256:")[:12]
	dockerfile := "FROM " + id + "\nLABEL " + LabelBuild + "=" + key + "\nUSER root\n" +
		"RUN printf 'coopkit-%s\\n' begin; " + script + "; code=$?; printf 'coopkit-%s\\n' end; exit $code\n"
	packed, err := contextTar([]contextFile{{name: "Dockerfile"}}, dockerfile)
	if err != nil {
		return nil, err
	}
	host, err := im.Apt.host(ctx, im.Suite)
	if err != nil {
		return nil, err
	}
	tag := "coopkit/throwaway:" + key
	defer im.sweep(ctx, key)
	seen := &between{}
	info, err := im.Engine.BuildImage(ctx, engine.Build{
		Tag: tag, Context: bytes.NewReader(packed), Hosts: host.hosts, NoCache: true,
	}, seen)
	if err != nil {
		return nil, fmt.Errorf("look into image: %w", err)
	}
	if err := im.Engine.RemoveImage(context.WithoutCancel(ctx), tag); err != nil {
		return nil, fmt.Errorf("remove throwaway image %s: %w", info.ID, err)
	}
	return seen.lines, nil
}

// between is a Progress that keeps the lines between the two marks.
type between struct {
	on    bool
	lines []string
}

func (b *between) Log(line string) {
	switch line = strings.TrimRight(line, "\r\n"); {
	case line == "coopkit-begin":
		b.on = true
	case line == "coopkit-end":
		b.on = false
	case b.on:
		b.lines = append(b.lines, line)
	}
}

func (*between) Advance(int64, int64) {}
