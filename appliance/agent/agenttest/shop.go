// SPDX-License-Identifier: AGPL-3.0-or-later

package agenttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/recipes"
)

// shop is where apps come from, and what answers in their stead: every check of
// every recipe gets what it wants to see.
type shop struct {
	engine *enginetest.Fake
	server *httptest.Server

	mu    sync.Mutex
	fault error
}

func newShop(e *enginetest.Fake) *shop {
	s := &shop{engine: e}
	s.server = httptest.NewServer(s)
	return s
}

func (s *shop) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// Ensure implements apps.Images.
func (s *shop) Ensure(ctx context.Context, r *recipes.Recipe, service, ref string, force appliance.ImageSource, p appliance.Progress) (appliance.Image, error) {
	p.Log("looking for the image of " + service)
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		return appliance.Image{}, fault
	}
	if ref == "" {
		ref = "coopkit/" + r.Name + "-" + service
	}
	if force == "" {
		force = appliance.FromRegistry
	}
	sum := sha256.Sum256([]byte(ref))
	image := appliance.Image{Ref: ref, ID: "sha256:" + hex.EncodeToString(sum[:]), Source: force}
	if _, have, err := s.engine.Image(ctx, image.ID); err != nil || have {
		return image, err
	}
	s.engine.AddImage(engine.ImageInfo{ID: image.ID, Tags: []string{ref}})
	p.Advance(1<<20, 1<<20)
	return image, nil
}

// dial leads to this shop, wherever a service would be.
func (s *shop) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, s.server.Listener.Addr().String())
}

// ServeHTTP answers as the check of a recipe wants that is about the path, and
// with all texts that a check looks for.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	var texts []string
	for _, recipe := range recipes.Embedded().All() {
		checks := append([]recipes.Check{recipe.Health}, recipe.Smoke...)
		if recipe.FirstAccount.Proof != nil {
			checks = append(checks, *recipe.FirstAccount.Proof)
		}
		for _, c := range checks {
			texts = append(texts, c.Contains)
			if c.Path == r.URL.RequestURI() && len(c.Status) > 0 {
				status = c.Status[0]
			}
		}
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, strings.Join(texts, "\n"))
}
