// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"coopkit/appliance"
	"coopkit/internal/atomicfile"
)

// pulled remembers which image each digest became and where it came from. The
// engine alone cannot tell: an image that came through a mirror or a bundle
// carries the mirror's name there.
type pulled struct {
	path string
	mu   sync.Mutex
	by   map[string]pull // by digest
}

type pull struct {
	ID     string                `json:"id"`
	Source appliance.ImageSource `json:"source"`
}

// openPulled reads the file. One that cannot be read is only a cache that is
// lost: it starts empty, and the images are asked for again.
func openPulled(path string) *pulled {
	p := &pulled{path: path, by: map[string]pull{}}
	b, err := os.ReadFile(path) //nolint:gosec // our own state folder
	if err != nil || json.Unmarshal(b, &p.by) != nil || p.by == nil {
		p.by = map[string]pull{}
	}
	return p
}

func (p *pulled) get(digest string) (pull, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got, ok := p.by[digest]
	return got, ok
}

func (p *pulled) set(digest string, got pull) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by[digest] = got
	return p.save()
}

func (p *pulled) save() error {
	b, err := json.MarshalIndent(p.by, "", "  ")
	if err != nil {
		return fmt.Errorf("write what was pulled: %w", err)
	}
	return atomicfile.Write(p.path, b, 0o600)
}
