// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/atomicfile"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// BaseName is what a recipe's Dockerfile begins FROM.
const BaseName = "coopkit/debian-base"

// baseFormat changes when the way a base is made does, so that old ones are
// made anew.
const baseFormat = "2"

const baseNeeds = 1 << 30 // bytes free, where the base is made and in the engine

// base is a Debian base image in the engine.
type base struct {
	id   string
	tag  string
	key  string // changes when any package in it does
	host packageHost
}

// ensureBase returns the newest base, after making one if there is none.
func (im *Images) ensureBase(ctx context.Context, p appliance.Progress) (base, error) {
	host, err := im.Apt.host(ctx, im.Suite)
	if err != nil {
		return base{}, err
	}
	b, ok, err := im.findBase(ctx, host)
	if err != nil || ok {
		return b, err
	}
	return once(ctx, im, "base", func() (base, error) {
		if b, ok, err := im.findBase(ctx, host); err != nil || ok {
			return b, err
		}
		return im.makeBase(ctx, host, p)
	})
}

func (im *Images) baseInputs(host packageHost) string {
	return hashOf(baseFormat, im.Suite, runtime.GOARCH, host.sourcesList(im.Suite), strings.Join(host.conf, "\n"))
}

func (im *Images) findBase(ctx context.Context, host packageHost) (base, bool, error) {
	inputs := im.baseInputs(host)
	found, err := im.newest(ctx, func(i engine.ImageInfo) bool {
		return i.Labels[LabelInputs] == inputs && i.Labels[LabelBuild] == "" && len(i.Tags) > 0
	})
	if err != nil || found == nil {
		return base{}, false, err
	}
	return base{id: found.ID, tag: found.Tags[0], key: found.Labels[LabelKey], host: host}, true, nil
}

// newest returns the newest of our images that is wanted, or nil.
func (im *Images) newest(ctx context.Context, wanted func(engine.ImageInfo) bool) (*engine.ImageInfo, error) {
	all, err := im.Engine.Images(ctx, LabelBase)
	if err != nil {
		return nil, err
	}
	var best *engine.ImageInfo
	for i := range all {
		if wanted(all[i]) && (best == nil || all[i].Created.After(best.Created)) {
			best = &all[i]
		}
	}
	return best, nil
}

// makeBase makes a base with debootstrap, brings it up to date and imports it.
func (im *Images) makeBase(ctx context.Context, host packageHost, p appliance.Progress) (base, error) {
	done, err := im.turn(ctx)
	if err != nil {
		return base{}, err
	}
	defer done()
	if err := im.canMakeBase(ctx); err != nil {
		return base{}, err
	}
	im.clearWork(ctx)
	dir, err := os.MkdirTemp(filepath.Join(im.Dir, "work"), "base-")
	if err != nil {
		return base{}, fmt.Errorf("make a place for the base: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root := filepath.Join(dir, "root")
	if err := im.bootstrap(ctx, root, host, p); err != nil {
		return base{}, im.baseFailed(ctx, err)
	}
	packages, err := installedIn(ctx, root)
	if err != nil {
		return base{}, err
	}
	b := base{key: hashOf(im.baseInputs(host), packages), host: host}
	b.tag = fmt.Sprintf("%s:%s-%s-%s", BaseName, im.Suite, im.Now().UTC().Format("20060102"), b.key[:8])
	labels := map[string]string{
		LabelBase: im.Suite, LabelKey: b.key, LabelInputs: im.baseInputs(host),
	}
	p.Log("importing " + b.tag)
	info, err := im.importRoot(ctx, root, b.tag, labels)
	if err != nil {
		return base{}, im.baseFailed(ctx, err)
	}
	b.id = info.ID
	im.Log.InfoContext(ctx, "base image made", logkey.Image, b.tag)
	return b, im.savePackages(b.id, packages)
}

// canMakeBase says early, and with a remedy, what would fail late.
func (im *Images) canMakeBase(ctx context.Context) error {
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return &problem.Problem{
			Code: "debootstrap-missing", Kind: problem.Unavailable,
			What: "the program that builds from Debian's packages is not installed",
			Why:  "building here needs debootstrap",
			Next: []string{"apt-get install debootstrap", "or connect this box to an image registry"},
			Err:  err,
		}
	}
	if _, err := os.Stat(im.Apt.Keyring); err != nil {
		return &problem.Problem{
			Code: "debian-keyring-missing", Kind: problem.Unavailable,
			What: "Debian's signatures cannot be checked",
			Why:  "the keys are not where they should be: " + im.Apt.Keyring,
			Next: []string{"apt-get install debian-archive-keyring"},
			Err:  err,
		}
	}
	if os.Geteuid() != 0 {
		return &problem.Problem{
			Code: "build-needs-root", Kind: problem.Forbidden,
			What: "only the system's administrator can build from Debian's packages",
			Next: []string{"on an installed box: sudo bash install.sh --build-from-debian", "otherwise run the agent as root"},
		}
	}
	return im.room(ctx, baseNeeds)
}

// clearWork removes what a build left behind that was killed. Only one build
// runs at a time, so nothing there is in use.
func (im *Images) clearWork(ctx context.Context) {
	old, err := filepath.Glob(filepath.Join(im.Dir, "work", "base-*"))
	for _, dir := range old {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		im.Log.WarnContext(ctx, "cannot clear old work", logkey.Err, err)
	}
}

func (im *Images) baseFailed(ctx context.Context, err error) error {
	if full := im.room(ctx, fullBelow); full != nil {
		return full
	}
	if _, ok := errors.AsType[*problem.Problem](err); ok || ctx.Err() != nil {
		return err
	}
	p := &problem.Problem{
		Code: "base-build-failed", Kind: problem.Failed,
		What: "the Debian base that apps are built on could not be made",
		Why:  problem.Reason(err),
		Next: []string{"check that this box can install packages: apt-get update", "coopkit doctor"},
		Err:  err,
	}
	if failed, ok := errors.AsType[*commandError](err); ok {
		p.Why = failed.lastLine()
	}
	return p
}

// installedIn lists the packages of a root folder, one "name version" a line.
func installedIn(ctx context.Context, root string) (string, error) {
	out, err := exec.CommandContext(ctx, "dpkg-query", //nolint:gosec // our own folder
		"--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W", "-f", `${Package} ${Version}\n`).Output()
	if err != nil {
		return "", fmt.Errorf("list packages of the base: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n", nil
}

// savePackages keeps the list of packages of an image, for people who want to
// know what is inside.
func (im *Images) savePackages(id, list string) error {
	return atomicfile.Write(im.packagesPath(id), []byte(list), 0o600)
}

func (im *Images) packagesPath(id string) string {
	return filepath.Join(im.Dir, "packages", strings.TrimPrefix(id, "sha256:")+".txt")
}

// hashOf hashes parts so that no two lists of parts give the same text.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}
