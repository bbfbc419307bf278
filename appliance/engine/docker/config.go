// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"coopkit/appliance/engine"
)

// What every container gets, whatever the recipe says.
const (
	defaultPIDs = 512
	logMaxSize  = "10m"
	logMaxFiles = "3"
)

// knowsStartInterval reports whether the engine takes the interval of checks in
// the start period: Docker Engine does from 25 on. It is asked after the engine
// was observed, so the version is the negotiated one.
func (e *Engine) knowsStartInterval() bool {
	return versions.GreaterThanOrEqualTo(e.cli.ClientVersion(), "1.44")
}

// config is what runs in the container. startInterval says whether the engine
// knows that part of a health check. Change engine.hashFormat with it.
func (e *Engine) config(spec engine.Spec, s engine.Service, startInterval bool) *container.Config {
	c := &container.Config{
		Image:      s.Resolved.ID,
		Entrypoint: s.Entrypoint,
		Cmd:        s.Command,
		User:       s.User,
		WorkingDir: s.WorkingDir,
		StopSignal: s.StopSignal,
		Labels:     e.containerLabels(spec, s),
	}
	for _, k := range slices.Sorted(maps.Keys(s.Environment)) {
		c.Env = append(c.Env, k+"="+s.Environment[k])
	}
	if s.StopGrace > 0 {
		seconds := int((s.StopGrace + time.Second - 1) / time.Second)
		c.StopTimeout = &seconds
	}
	if h := s.Health; h != nil {
		c.Healthcheck = &container.HealthConfig{
			Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries,
		}
		if startInterval {
			c.Healthcheck.StartInterval = h.StartInterval
		}
	}
	return c
}

// hostConfig is what the container may and may not do. It never publishes a
// port: PortBindings and PublishAllPorts stay empty.
func hostConfig(spec engine.Spec, s engine.Service) *container.HostConfig {
	pids := int64(defaultPIDs)
	if s.PIDs > 0 {
		pids = s.PIDs
	}
	restart := container.RestartPolicyUnlessStopped
	if s.OneShot {
		restart = container.RestartPolicyDisabled
	}
	withInit := s.Init
	return &container.HostConfig{
		NetworkMode:    container.NetworkMode(engine.NetworkName(spec.Install)),
		RestartPolicy:  container.RestartPolicy{Name: restart},
		LogConfig:      container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": logMaxSize, "max-file": logMaxFiles}},
		CapDrop:        []string{"ALL"},
		CapAdd:         slices.Sorted(slices.Values(s.CapAdd)),
		SecurityOpt:    []string{"no-new-privileges:true"},
		ReadonlyRootfs: s.ReadOnly,
		ShmSize:        s.ShmBytes,
		Tmpfs:          tmpfs(s),
		Mounts:         mounts(spec, s),
		Init:           &withInit,
		ExtraHosts:     extraHosts(atTheHost(spec)),
		Resources:      container.Resources{Memory: s.MemoryBytes, PidsLimit: &pids},
	}
}

func networking(spec engine.Spec, s engine.Service) *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		engine.NetworkName(spec.Install): {
			Aliases:    []string{s.Name},
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: s.Address.String()},
		},
	}}
}

// atTheHost leads the names of the install to the host, where the front door
// listens.
func atTheHost(spec engine.Spec) map[string]string {
	out := make(map[string]string, len(spec.Hosts))
	for _, name := range spec.Hosts {
		out[name] = engine.Gateway(spec.Subnet).String()
	}
	return out
}

// tmpfs splits Compose's "/path:options".
func tmpfs(s engine.Service) map[string]string {
	out := map[string]string{}
	for _, t := range s.Tmpfs {
		at, options, _ := strings.Cut(t, ":")
		out[at] = options
	}
	return out
}

// mounts attaches the named volumes. A read-only service that gets files also
// gets an anonymous volume for each of their folders, because the engine copies
// files into a read-only container only through a volume; the engine fills it
// with what the image has there, and it goes with the container.
func mounts(spec engine.Spec, s engine.Service) []mount.Mount {
	var out []mount.Mount
	for _, m := range s.Mounts {
		out = append(out, mount.Mount{
			Type: mount.TypeVolume, Source: engine.VolumeName(spec.Install, m.Volume), Target: m.Target, ReadOnly: m.ReadOnly,
		})
	}
	if !s.ReadOnly {
		return out
	}
	seen := map[string]bool{}
	for _, f := range s.Files {
		dir := path.Dir(f.Target)
		if !seen[dir] && !slices.ContainsFunc(out, func(m mount.Mount) bool { return path.Clean(m.Target) == dir }) {
			out = append(out, mount.Mount{Type: mount.TypeVolume, Target: dir})
		}
		seen[dir] = true
	}
	return out
}
