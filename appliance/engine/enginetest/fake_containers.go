// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// CreateNetwork makes the install's network; it may not overlap another one.
func (f *Fake) CreateNetwork(ctx context.Context, install appliance.InstallName, subnet netip.Prefix) error {
	err := f.begin(ctx, "CreateNetwork", install, subnet.String())
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	for name, in := range f.installs {
		if name != install && in.subnet.IsValid() && in.subnet.Overlaps(subnet) {
			return fmt.Errorf("create network: %s overlaps with that of %s", subnet, name)
		}
	}
	f.at(install).subnet = subnet
	return nil
}

// RemoveNetwork removes the install's network.
func (f *Fake) RemoveNetwork(ctx context.Context, install appliance.InstallName) error {
	err := f.begin(ctx, "RemoveNetwork", install, "")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	f.at(install).subnet = netip.Prefix{}
	return nil
}

// CreateVolume makes an empty volume; one that exists stays as it is.
func (f *Fake) CreateVolume(ctx context.Context, install appliance.InstallName, volume string) error {
	err := f.begin(ctx, "CreateVolume", install, volume)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if _, ok := f.at(install).volumes[volume]; !ok {
		f.at(install).volumes[volume] = make([]byte, 1024) // an empty tar stream
	}
	return nil
}

// RemoveVolume removes a volume that no container uses.
func (f *Fake) RemoveVolume(ctx context.Context, install appliance.InstallName, volume string) error {
	err := f.begin(ctx, "RemoveVolume", install, volume)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, c := range f.at(install).containers {
		for _, m := range c.service.Mounts {
			if m.Volume == volume {
				return fmt.Errorf("remove volume %s: %s uses it", volume, c.Service)
			}
		}
	}
	delete(f.at(install).volumes, volume)
	return nil
}

// CreateContainer makes or replaces the container of a service.
func (f *Fake) CreateContainer(ctx context.Context, spec engine.Spec, s engine.Service) error {
	err := f.begin(ctx, "CreateContainer", spec.Install, s.Name)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	in := f.at(spec.Install)
	if !in.subnet.IsValid() {
		return missing("network of " + string(spec.Install))
	}
	hash := engine.ConfigHash(s)
	if old := in.containers[s.Name]; old != nil && old.ConfigHash == hash {
		return nil
	}
	in.nextID++
	in.containers[s.Name] = &fakeInstance{service: s, Container: engine.Container{
		ID: fmt.Sprintf("%s-%s-%d", spec.Install, s.Name, in.nextID), Name: engine.ContainerName(spec.Install, s.Name),
		Service: s.Name, Release: spec.Release, ConfigHash: hash, Hosts: engine.HostsLine(spec), ImageID: s.Resolved.ID,
		State: engine.Created, Address: s.Address,
	}}
	f.emit(spec.Install, s.Name, "create")
	return nil
}

// StartContainer starts a container; what it does then is its Behaviour.
func (f *Fake) StartContainer(ctx context.Context, install appliance.InstallName, service string) error {
	err := f.begin(ctx, "StartContainer", install, service)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	c := f.container(install, service)
	if c == nil {
		return missing("container of " + service)
	}
	if c.State == engine.Running {
		return nil
	}
	b, known := f.behave[service]
	if !known && c.service.OneShot {
		b.Exits = true
	}
	c.State, c.Started, c.OOMKilled, c.ExitCode, c.Health = engine.Running, f.now(), false, 0, ""
	for _, text := range b.Logs {
		c.logs = append(c.logs, fakeLine{f.now(), text})
	}
	f.emit(install, service, "start")
	switch {
	case b.Exits:
		c.State, c.ExitCode, c.OOMKilled = engine.Exited, b.ExitCode, b.OOMKilled
		if b.OOMKilled {
			f.emit(install, service, engine.RanOutOfMemory)
		}
		f.emit(install, service, "die")
	case b.Health != "":
		c.Health = b.Health
	case c.service.Health != nil:
		c.Health = "healthy"
	}
	return nil
}

// StopContainer stops a container.
func (f *Fake) StopContainer(ctx context.Context, install appliance.InstallName, service string) error {
	err := f.begin(ctx, "StopContainer", install, service)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if c := f.container(install, service); c != nil && (c.State == engine.Running || c.State == engine.Restarting) {
		c.State, c.Health, c.ExitCode = engine.Exited, "", 143
		f.emit(install, service, "die")
	}
	return nil
}

// RemoveContainer removes a container, running or not.
func (f *Fake) RemoveContainer(ctx context.Context, install appliance.InstallName, service string) error {
	err := f.begin(ctx, "RemoveContainer", install, service)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if f.container(install, service) != nil {
		delete(f.at(install).containers, service)
		f.emit(install, service, "destroy")
	}
	return nil
}

// Exec runs what OnExec set, without the lock, so that it may use the Fake.
func (f *Fake) Exec(ctx context.Context, install appliance.InstallName, cmd engine.Exec) (int, error) {
	err := f.begin(ctx, "Exec", install, cmd.Service)
	c, do := f.container(install, cmd.Service), f.exec
	running := c != nil && c.State == engine.Running
	f.mu.Unlock()
	switch {
	case err != nil:
		return 0, err
	case !running:
		return 0, missing("running container of " + cmd.Service)
	case do == nil:
		return 0, nil
	}
	return do(install, cmd)
}

// Logs writes the lines that Behaviours gave; when following it then waits for
// ctx to end.
func (f *Fake) Logs(ctx context.Context, install appliance.InstallName, opts engine.LogOptions, w io.Writer) error {
	lines, err := f.lines(ctx, install, opts)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if _, err := io.WriteString(w, l+"\n"); err != nil {
			return err
		}
	}
	if opts.Follow {
		<-ctx.Done()
	}
	return nil
}

func (f *Fake) lines(ctx context.Context, install appliance.InstallName, opts engine.LogOptions) ([]string, error) {
	err := f.begin(ctx, "Logs", install, opts.Service)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []string
	containers := f.at(install).containers
	for _, service := range slices.Sorted(maps.Keys(containers)) {
		if opts.Service != "" && opts.Service != service {
			continue
		}
		lines := containers[service].logs
		if opts.Tail > 0 && len(lines) > opts.Tail {
			lines = lines[len(lines)-opts.Tail:]
		}
		for _, l := range lines {
			if l.at.Before(opts.Since) || !opts.Until.IsZero() && l.at.After(opts.Until) {
				continue
			}
			if opts.Times {
				l.text = l.at.UTC().Format(time.RFC3339Nano) + " " + l.text
			}
			out = append(out, service+" | "+l.text)
		}
	}
	return out, nil
}

// ReadVolume returns what SetVolume set, or an empty tar stream.
func (f *Fake) ReadVolume(ctx context.Context, install appliance.InstallName, volume string) (io.ReadCloser, error) {
	err := f.begin(ctx, "ReadVolume", install, volume)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	tar, ok := f.at(install).volumes[volume]
	if !ok {
		return nil, missing("volume " + volume)
	}
	return io.NopCloser(bytes.NewReader(tar)), nil
}
