// SPDX-License-Identifier: AGPL-3.0-or-later

package reach

import (
	"context"
	"sync"
	"time"

	"coopkit/appliance"
)

// How long what was found about a name counts, and how long a look may take.
const (
	goodFor = 2 * time.Minute
	atMost  = 4 * time.Second
)

// Looks looks names up, as anybody on the Internet would.
type Looks interface {
	Check(ctx context.Context, host string) (appliance.NameCheck, error)
	CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error)
}

// Looker looks names up and remembers what it found. It is safe for concurrent
// use.
type Looker struct {
	looks Looks
	now   func() time.Time

	mu      sync.Mutex
	found   map[string]Found // by host
	looking bool             // behind the back of those who ask
}

// NewLooker remembers nothing yet.
func NewLooker(looks Looks, now func() time.Time) *Looker {
	return &Looker{looks: looks, now: now, found: map[string]Found{}}
}

// Find returns what is known of hosts, each with the zone of this box that
// contains it, or an empty one. It waits for a look when fresh is set or nothing
// is known of one of them; what is older than two minutes is looked up anew
// meanwhile.
func (l *Looker) Find(ctx context.Context, zones map[string]string, fresh bool) map[string]Found {
	known, missing, old := l.known(zones)
	if fresh || missing {
		l.look(ctx, zones)
		known, _, _ = l.known(zones)
		return known
	}
	if old {
		l.lookBehind(ctx, zones)
	}
	return known
}

func (l *Looker) known(zones map[string]string) (known map[string]Found, missing, old bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known = make(map[string]Found, len(zones))
	for host := range zones {
		f, ok := l.found[host]
		missing = missing || !ok
		old = old || l.now().Sub(f.At) > goodFor
		known[host] = f
	}
	return known, missing, old
}

func (l *Looker) lookBehind(ctx context.Context, zones map[string]string) {
	l.mu.Lock()
	busy := l.looking
	l.looking = true
	l.mu.Unlock()
	if busy {
		return
	}
	go func() { // it ends by itself, within a few seconds
		l.look(context.WithoutCancel(ctx), zones)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.looking = false
	}()
}

// look looks hosts and their zones up, all at the same time, and forgets all
// others.
func (l *Looker) look(ctx context.Context, zones map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	hosts, ofZones := map[string]appliance.NameCheck{}, map[string]appliance.ZoneCheck{}
	for host, zone := range zones {
		wg.Go(func() {
			c, err := l.looks.Check(ctx, host)
			if err != nil {
				c = appliance.NameCheck{Host: host, Unanswered: true}
			}
			mu.Lock()
			defer mu.Unlock()
			hosts[host] = c
		})
		mu.Lock()
		_, asked := ofZones[zone]
		ofZones[zone] = appliance.ZoneCheck{Zone: zone, Unanswered: true}
		mu.Unlock()
		if zone == "" || asked {
			continue
		}
		wg.Go(func() {
			if c, err := l.looks.CheckZone(ctx, zone); err == nil {
				mu.Lock()
				defer mu.Unlock()
				ofZones[zone] = c
			}
		})
	}
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = make(map[string]Found, len(zones))
	for host, zone := range zones {
		f := Found{Host: hosts[host], At: l.now()}
		if zone != "" {
			z := ofZones[zone]
			f.Zone = &z
		}
		l.found[host] = f
	}
}
