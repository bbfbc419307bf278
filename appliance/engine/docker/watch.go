// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// watched are the actions worth looking again for. The execs of health checks
// are not: there is one every few seconds.
var watched = []events.Action{
	events.ActionCreate, events.ActionStart, events.ActionDie, events.ActionOOM, events.ActionDestroy,
	events.ActionPause, events.ActionUnPause, events.ActionRename, events.ActionHealthStatus,
}

// Watch sends what happens to containers of this box's installs until ctx ends or the
// engine goes away, then closes the channel.
func (e *Engine) Watch(ctx context.Context) (<-chan engine.Event, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	// Events reads the API version without a lock; a call before it, unlike a
	// ping, has settled the version for good.
	if _, err := e.cli.ContainerList(ctx, container.ListOptions{Limit: 1}); err != nil {
		return nil, e.wrap(err, "watch events")
	}
	f := e.own(engine.LabelInstall)
	f.Add("type", string(events.ContainerEventType))
	for _, a := range watched {
		f.Add("event", string(a))
	}
	ctx, cancel := context.WithCancel(ctx)
	messages, failed := e.cli.Events(ctx, events.ListOptions{Filters: f})
	out := make(chan engine.Event)
	go func() {
		defer close(out)
		defer cancel()
		for {
			select {
			case m := <-messages:
				ev := engine.Event{
					Install: appliance.InstallName(m.Actor.Attributes[engine.LabelInstall]),
					Service: m.Actor.Attributes[engine.LabelService], Action: string(m.Action),
				}
				select {
				case out <- ev:
				case <-ctx.Done():
					return
				}
			case <-failed: //nolint:errcheck // why the stream ended does not matter: the caller connects again
				return
			}
		}
	}()
	return out, nil
}
