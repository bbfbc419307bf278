// SPDX-License-Identifier: AGPL-3.0-or-later

// Package images gets the image of a service, whichever way works: from an
// offline bundle, from its registry by digest, or built here from Debian's
// signed packages on a base made with debootstrap. It knows recipes only as
// files and names, and nothing of installs, jobs or the store. Its tests use
// the fake engine for the order of sources, a real engine for a debootstrap
// and a build, and a real registry for a pull by digest.
package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/recipes"

	"golang.org/x/sync/singleflight"
)

// The labels of images that are built here. Images built on our base inherit
// LabelBase, so it finds every one of them.
const (
	LabelBase    = "coop.coopkit.base"    // the Debian suite
	LabelKey     = "coop.coopkit.key"     // what the image was made of
	LabelInputs  = "coop.coopkit.inputs"  // of a base: what it was asked to be made of
	LabelService = "coop.coopkit.image"   // "<recipe>-<service>"
	LabelBuild   = "coop.coopkit.build"   // on every layer of a build, also of one that failed
	LabelVersion = "coop.coopkit.version" // of the recipe
)

// Deps is what New needs. Engine, Dir and Log are required.
type Deps struct {
	Engine engine.Engine
	Dir    string // state folder, for bundles, work in progress and what was pulled
	Log    *slog.Logger
	Now    func() time.Time  // nil: time.Now
	Suite  string            // of Debian; "": bookworm
	Client *http.Client      // asks whether a registry is there; nil: one with a short limit
	Mirror map[string]string // registry host (or "*") → host and path prefix that is asked instead
	Apt    Apt               // how this host reaches Debian's packages; zero: as in /etc/apt
}

// Images gets images. It is safe for concurrent use; an image that two callers
// want at the same time is fetched or built once.
type Images struct {
	Deps
	seen    *pulled
	reach   reachability
	flight  singleflight.Group
	builder chan struct{} // has who builds, see turn
	free    func(path string) (uint64, error)
}

// New prepares the state folder. It starts nothing.
func New(d Deps) *Images {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Suite == "" {
		d.Suite = "bookworm"
	}
	if d.Client == nil {
		d.Client = &http.Client{Timeout: dialLimit}
	}
	d.Apt = d.Apt.withDefaults()
	d.Log = d.Log.With(logkey.Component, "images")
	for _, sub := range []string{"bundles", "work", "packages"} {
		if err := os.MkdirAll(filepath.Join(d.Dir, sub), 0o700); err != nil {
			d.Log.Error("folder for images not made", slog.Any(logkey.Err, err)) // what needs it says so
		}
	}
	return &Images{Deps: d, seen: openPulled(filepath.Join(d.Dir, "pulled.json")), reach: reachability{now: d.Now, client: d.Client}, builder: make(chan struct{}, 1), free: freeBytes}
}

// Ensure returns the image of a recipe's service, after fetching or building
// it where the engine does not have it. composeImage is the service's image in
// compose.yaml, with its digest; empty if there is none. force asks for one
// source; empty means the usual order. It returns a Problem
// "image-unavailable" when no source has it.
func (im *Images) Ensure(ctx context.Context, r *recipes.Recipe, service, composeImage string,
	force appliance.ImageSource, p appliance.Progress,
) (appliance.Image, error) {
	return im.ensure(ctx, wanted(r, service, composeImage), force, p)
}

func wanted(r *recipes.Recipe, service, composeImage string) want {
	return want{
		recipe: r.Name, version: r.Version, service: service, image: composeImage,
		debian: r.Images[service].Debian, files: r.Files(),
	}
}

// want is one service's image, as Ensure is asked for it.
type want struct {
	recipe, version, service string
	image                    string // reference with digest, or empty
	debian                   string // folder under debian/, or empty
	files                    fs.FS  // the recipe's folder
}

func (w want) name() string { return w.recipe + "-" + w.service }

// errNoSource says that a source does not apply to this image at all.
var errNoSource = errors.New("the recipe does not offer this source")

func (im *Images) ensure(ctx context.Context, w want, force appliance.ImageSource, p appliance.Progress) (appliance.Image, error) {
	sources := []struct {
		source appliance.ImageSource
		get    func(context.Context, want, appliance.Progress) (appliance.Image, error)
	}{
		{appliance.FromBundle, im.fromBundle},
		{appliance.FromRegistry, im.fromRegistry},
		{appliance.FromDebian, im.fromDebian},
	}
	var tried []error
	for _, s := range sources {
		if force != "" && force != s.source {
			continue
		}
		got, err := s.get(ctx, w, p)
		switch {
		case err == nil:
			return got, nil
		case ctx.Err() != nil:
			return appliance.Image{}, context.Cause(ctx)
		case errors.Is(err, &problem.Problem{Code: "engine-unreachable"}):
			return appliance.Image{}, err
		case errors.Is(err, errNoSource):
			continue
		}
		im.Log.WarnContext(ctx, "image source failed", logkey.Recipe, w.recipe, logkey.Service, w.service,
			"source", string(s.source), logkey.Err, err)
		tried = append(tried, err)
	}
	return appliance.Image{}, unavailable(w, force, tried)
}

// unavailable says why no source gave the image. A single cause with a Problem
// of its own says it better than we could.
func unavailable(w want, force appliance.ImageSource, tried []error) error {
	if len(tried) == 1 {
		if p, ok := errors.AsType[*problem.Problem](tried[0]); ok {
			return p
		}
	}
	p := &problem.Problem{
		Code: "image-unavailable", Kind: problem.Unavailable,
		What: fmt.Sprintf("the program for %s (%s) could not be fetched or built", w.recipe, w.service),
		Err:  errors.Join(tried...),
	}
	var why []string
	for _, err := range tried {
		why = append(why, problem.Reason(err))
		if cause, ok := errors.AsType[*problem.Problem](err); ok {
			p.Next = append(p.Next, cause.Next...)
		}
	}
	p.Why = strings.Join(why, "; ")
	if len(tried) == 0 {
		p.Kind, p.Why = problem.NotFound, "the recipe offers no source for it"
		if force != "" {
			p.Why = fmt.Sprintf("the recipe does not offer it from %s", force)
		}
		p.Next = []string{"coopkit recipe show " + w.recipe, "choose another source with --images"}
	}
	if len(p.Next) == 0 {
		p.Next = []string{"coopkit doctor"}
	}
	return p
}
