// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"context"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// What a service of the Fake uses until SetUsage says otherwise: this much
// memory, and a hundredth of a processor.
const (
	UsualMemory = 32 << 20
	usualShare  = 100
)

// SetUsage sets what a service uses, from now on and until it is made anew.
func (f *Fake) SetUsage(install appliance.InstallName, service string, memoryBytes uint64, processor time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.container(install, service); c != nil {
		c.usage = &engine.Usage{MemoryBytes: memoryBytes, Processor: processor}
	}
}

// Usage returns what running services use.
func (f *Fake) Usage(ctx context.Context) ([]engine.Usage, error) {
	err := f.begin(ctx, "Usage", "", "")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []engine.Usage
	for name, in := range f.installs {
		for service, c := range in.containers {
			if c.State != engine.Running {
				continue
			}
			u := engine.Usage{MemoryBytes: UsualMemory, Processor: f.now().Sub(c.Started)/usualShare + time.Millisecond}
			if c.usage != nil {
				u = *c.usage
			}
			u.Install, u.Service, u.Container = name, service, c.ID
			out = append(out, u)
		}
	}
	return out, nil
}

// VolumeBytes is the size of the tar stream that ReadVolume gives.
func (f *Fake) VolumeBytes(ctx context.Context, install appliance.InstallName, volume string) (uint64, error) {
	err := f.begin(ctx, "VolumeBytes", install, volume)
	defer f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if in := f.installs[install]; in != nil {
		if data, ok := in.volumes[volume]; ok {
			return uint64(len(data)), nil
		}
	}
	return 0, missing("volume " + volume)
}
