// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"coopkit/internal/problem"
)

const composeFile = "compose.yaml"

// Render returns the recipe's compose.yaml with its variables filled in. It
// reads neither files nor the process's environment. Missing variables give a
// Problem "recipe-variable"; a file that is no valid Compose file gives a
// Problem "compose-invalid".
func (r *Recipe) Render(vars Vars) (*Project, error) {
	root, found := parseYAML(composeFile, r.compose)
	if len(found) > 0 {
		return nil, Invalid(r.Name, found)
	}
	var missing error
	root.walkText(func(n *node) {
		if _, err := Expand(n.text(), vars); err != nil && missing == nil {
			missing = err
		}
	})
	if missing != nil {
		return nil, missing
	}
	project, err := composeProject(root, vars, false)
	if err != nil {
		return nil, err
	}
	return fromCompose(project)
}

// composeProject lets compose-go interpolate, check and type the tree that the
// linter saw: there is no second reading of the file that could differ. The
// schema of Compose is for recipes that nobody has checked yet: variables fill
// in texts, which they cannot turn into something else.
func composeProject(root *node, vars Vars, unchecked bool) (*types.Project, error) {
	config, ok := root.plain().(map[string]any)
	if !ok {
		config = nil
	}
	details := types.ConfigDetails{
		WorkingDir:  "/",
		ConfigFiles: []types.ConfigFile{{Filename: composeFile, Config: config}},
		Environment: maps.Clone(types.Mapping(vars)),
	}
	project, err := loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName("recipe", true)
		o.SkipInclude, o.SkipExtends = true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.ResolvePaths, o.SkipValidation = false, !unchecked
	})
	if err != nil {
		return nil, composeInvalid(err)
	}
	return project, nil
}

func composeInvalid(err error) error {
	return &problem.Problem{
		Code: "compose-invalid", Kind: problem.Invalid,
		What: "compose.yaml does not follow the Compose Specification",
		Why:  oneLine(err.Error()),
		Next: []string{"correct compose.yaml, then run coopkit recipe lint"},
		Err:  err,
	}
}

// oneLine is the beginning of a library's message, on one line.
func oneLine(message string) string {
	const enough = 200
	text := []rune(strings.Join(strings.Fields(message), " "))
	if len(text) > enough {
		return string(text[:enough]) + "…"
	}
	return string(text)
}

func fromCompose(p *types.Project) (*Project, error) {
	out := &Project{Volumes: slices.Sorted(maps.Keys(p.Volumes))}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s, err := service(p.Services[name], p.Configs)
		if err != nil {
			return nil, composeInvalid(fmt.Errorf("service %s: %w", name, err))
		}
		out.Services = append(out.Services, s)
	}
	return out, nil
}

func service(s types.ServiceConfig, configs types.Configs) (Service, error) {
	out := Service{
		Name: s.Name, Image: s.Image,
		Entrypoint: s.Entrypoint, Command: s.Command,
		Environment: map[string]string{},
		User:        s.User, WorkingDir: s.WorkingDir, Tmpfs: s.Tmpfs,
		CapAdd: slices.Sorted(slices.Values(s.CapAdd)), ReadOnly: s.ReadOnly,
		MemoryBytes: int64(s.MemLimit), PIDs: s.PidsLimit, ShmBytes: int64(s.ShmSize),
		Init: s.Init != nil && *s.Init, StopSignal: s.StopSignal, StopGrace: duration(s.StopGracePeriod),
		Health: health(s.HealthCheck), OneShot: s.Restart == types.RestartPolicyNo,
	}
	for name, value := range s.Environment {
		if value != nil {
			out.Environment[name] = *value
		}
	}
	for _, v := range s.Volumes {
		// What is no named volume would lose its data at the next container.
		if v.Type != types.VolumeTypeVolume || v.Source == "" {
			return out, fmt.Errorf("%q is mounted from %q as a %s, not from a named volume", v.Target, v.Source, v.Type)
		}
		out.Mounts = append(out.Mounts, Mount{Volume: v.Source, Target: v.Target, ReadOnly: v.ReadOnly})
	}
	for _, c := range s.Configs {
		out.Files = append(out.Files, file(c, configs[c.Source]))
	}
	for _, on := range slices.Sorted(maps.Keys(s.DependsOn)) {
		out.DependsOn = append(out.DependsOn, Dependency{Service: on, Condition: Condition(s.DependsOn[on].Condition)})
	}
	return out, nil
}

func file(ref types.ServiceConfigObjConfig, config types.ConfigObjConfig) File {
	f := File{Target: ref.Target, Content: []byte(config.Content)}
	if f.Target == "" {
		f.Target = "/" + ref.Source
	}
	if ref.Mode != nil {
		f.Mode = uint32(*ref.Mode) & 0o777 //nolint:gosec // G115: masked to permission bits
	}
	return f
}

func health(h *types.HealthCheckConfig) *HealthCheck {
	switch {
	case h == nil:
		return nil
	case h.Disable || len(h.Test) > 0 && h.Test[0] == noCheck:
		return &HealthCheck{Test: []string{noCheck}}
	}
	out := &HealthCheck{
		Test: h.Test, Interval: duration(h.Interval), Timeout: duration(h.Timeout),
		StartPeriod: duration(h.StartPeriod), StartInterval: duration(h.StartInterval),
	}
	if h.Retries != nil {
		out.Retries = int(min(*h.Retries, 1000))
	}
	return out
}

func duration(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}
