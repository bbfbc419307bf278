// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"

	"github.com/distribution/reference"
)

const (
	dialLimit   = 5 * time.Second // to find out whether a registry is there
	silentFor   = 5 * time.Minute // how long a registry that was not there is left alone
	dockerHub   = "docker.io"
	dockerHubAt = "registry-1.docker.io" // where Docker Hub really answers
)

// fromRegistry gets the image by its digest, so that no registry and no mirror
// can give another one.
func (im *Images) fromRegistry(ctx context.Context, w want, p appliance.Progress) (appliance.Image, error) {
	ref, err := parseImage(w)
	if err != nil {
		return appliance.Image{}, err
	}
	if got, ok, err := im.have(ctx, w, ref); err != nil || ok {
		return got, err
	}
	host, name := im.place(ref)
	return im.fetch(ctx, w, ref, appliance.FromRegistry, p, func(ctx context.Context) (engine.ImageInfo, error) {
		if err := im.reach.check(ctx, host); err != nil {
			return engine.ImageInfo{}, err
		}
		info, err := im.Engine.Pull(ctx, name, p)
		if errors.Is(err, &problem.Problem{Code: "registry-unreachable"}) {
			im.reach.down(host, err)
		}
		return info, err
	})
}

// fetch pulls once for all who want it now, and remembers what came.
func (im *Images) fetch(ctx context.Context, w want, ref reference.Canonical, from appliance.ImageSource,
	p appliance.Progress, get func(context.Context) (engine.ImageInfo, error),
) (appliance.Image, error) {
	digest := ref.Digest().String()
	info, err := once(ctx, im, string(from)+" "+digest, func() (engine.ImageInfo, error) {
		p.Log("fetching " + w.image)
		info, err := get(ctx)
		if err != nil {
			return info, err
		}
		return info, im.seen.set(digest, pull{ID: info.ID, Source: from})
	})
	if err != nil {
		return appliance.Image{}, err
	}
	return appliance.Image{Ref: w.image, ID: info.ID, Digest: digest, Source: from}, nil
}

// have looks for the digest in the engine: under its own name, or under the
// name of the mirror or bundle that it came through.
func (im *Images) have(ctx context.Context, w want, ref reference.Canonical) (appliance.Image, bool, error) {
	digest := ref.Digest().String()
	before, known := im.seen.get(digest)
	source := appliance.FromRegistry
	if known {
		source = before.Source
	}
	names := []string{reference.FamiliarName(ref) + "@" + digest}
	if known {
		names = append(names, before.ID)
	}
	for _, name := range names {
		info, ok, err := im.Engine.Image(ctx, name)
		if err != nil {
			return appliance.Image{}, false, err
		}
		if ok {
			return appliance.Image{Ref: w.image, ID: info.ID, Digest: digest, Source: source}, true, nil
		}
	}
	return appliance.Image{}, false, nil
}

// place returns the registry's host that will be asked, and the name to pull.
func (im *Images) place(ref reference.Canonical) (host, name string) {
	host, path := reference.Domain(ref), reference.Path(ref)
	prefix, ok := im.Mirror[host]
	if !ok {
		prefix, ok = im.Mirror["*"]
	}
	if ok {
		prefix = strings.TrimSuffix(prefix, "/")
		host, _, _ = strings.Cut(prefix, "/")
		return host, prefix + "/" + path + "@" + ref.Digest().String()
	}
	name = host + "/" + path + "@" + ref.Digest().String()
	if host == dockerHub {
		host = dockerHubAt
	}
	return host, name
}

// parseImage reads the image of compose.yaml; it must name a digest.
func parseImage(w want) (reference.Canonical, error) {
	if w.image == "" {
		return nil, errNoSource
	}
	named, err := reference.ParseNormalizedNamed(w.image)
	if err == nil {
		if ref, ok := named.(reference.Canonical); ok {
			return ref, nil
		}
	}
	return nil, &problem.Problem{
		Code: "image-without-digest", Kind: problem.Invalid,
		What: fmt.Sprintf("the recipe %s does not say exactly which image %s is", w.recipe, w.service),
		Why:  "an image is fetched only by its digest, so that nobody can put another in its place",
		Next: []string{"coopkit recipe lint " + w.recipe},
		Err:  err,
	}
}

// reachability asks a registry for a sign of life before an engine waits long
// for it, and remembers for a while who gave none. The zero client is not
// usable; the zero map is.
type reachability struct {
	now    func() time.Time
	client *http.Client
	mu     sync.Mutex
	silent map[string]silence
}

type silence struct {
	until time.Time
	err   error
}

func (r *reachability) check(ctx context.Context, host string) error {
	r.mu.Lock()
	s, known := r.silent[host]
	r.mu.Unlock()
	if known && r.now().Before(s.until) {
		return s.err
	}
	if err := r.ask(ctx, host); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = &problem.Problem{
			Code: "registry-unreachable", Kind: problem.Unavailable,
			What: fmt.Sprintf("the image registry %s does not answer", host),
			Why:  "there may be no way to the Internet, or a network in between does not let it through",
			Next: []string{"try again when this box can reach " + host, "choose --images debian, where the recipe offers it"},
			Err:  err,
		}
		r.down(host, err)
		return err
	}
	return nil
}

func (r *reachability) down(host string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silent == nil {
		r.silent = map[string]silence{}
	}
	r.silent[host] = silence{until: r.now().Add(silentFor), err: err}
}

// ask accepts any HTTP answer as a sign of life; a registry commonly says 401.
func (r *reachability) ask(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	schemes := []string{"https"}
	if isLoopback(host) {
		schemes = []string{"http", "https"} // engines talk plainly to their own machine
	}
	var errs []error
	for _, scheme := range schemes {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, scheme+"://"+host+"/v2/", nil)
		if err != nil {
			return fmt.Errorf("ask registry: %w", err)
		}
		resp, err := r.client.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
