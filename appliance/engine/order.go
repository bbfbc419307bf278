// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"net/netip"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// Ordered returns the services so that each comes after those that it depends
// on, and by name where that leaves a choice. A cycle, a dependency on a
// service that is not there, or two services of one name give a Problem.
func Ordered(services []Service) ([]Service, error) {
	byName := make(map[string]Service, len(services))
	for _, s := range services {
		if _, twice := byName[s.Name]; twice {
			return nil, specInvalid("two services are named " + s.Name)
		}
		byName[s.Name] = s
	}
	names := make([]string, 0, len(services))
	for _, s := range services {
		names = append(names, s.Name)
		for _, d := range s.DependsOn {
			if _, ok := byName[d.Service]; !ok {
				return nil, specInvalid(s.Name + " depends on " + d.Service + ", which is not a service")
			}
		}
	}
	slices.Sort(names)
	out := make([]Service, 0, len(services))
	placed := map[string]bool{}
	for len(out) < len(services) {
		i := slices.IndexFunc(names, func(n string) bool { return !placed[n] && ready(byName[n], placed) })
		if i < 0 {
			names = slices.DeleteFunc(names, func(n string) bool { return placed[n] })
			return nil, specInvalid("these services wait for each other in a circle: " + strings.Join(names, ", "))
		}
		placed[names[i]] = true
		out = append(out, byName[names[i]])
	}
	return out, nil
}

func ready(s Service, placed map[string]bool) bool {
	for _, d := range s.DependsOn {
		if !placed[d.Service] {
			return false
		}
	}
	return true
}

// check refuses a spec that no engine could carry out, before anything is
// touched, and returns its services in order.
func check(want Spec) ([]Service, error) {
	ordered, err := Ordered(want.Services)
	if err != nil {
		return nil, err
	}
	if !want.Subnet.IsValid() {
		return nil, specInvalid("it has no subnet")
	}
	taken := map[netip.Addr]string{}
	for _, s := range ordered {
		if other, ok := taken[s.Address]; ok {
			return nil, specInvalid(s.Name + " and " + other + " have the same address")
		}
		taken[s.Address] = s.Name
		if why := wrong(want, s); why != "" {
			return nil, specInvalid(why)
		}
	}
	return ordered, nil
}

// wrong says what is wrong with one service; nothing if it is empty.
func wrong(want Spec, s Service) string {
	if s.Resolved.ID == "" {
		return "the image of " + s.Name + " is not resolved"
	}
	if !usable(want.Subnet, s.Address) {
		return "the address of " + s.Name + " is not one of its network"
	}
	for _, m := range s.Mounts {
		if !slices.Contains(want.Volumes, m.Volume) {
			return s.Name + " uses the volume " + m.Volume + ", which is not declared"
		}
	}
	for _, t := range s.Tmpfs {
		dir, _, _ := strings.Cut(t, ":")
		for _, f := range s.Files {
			if strings.HasPrefix(f.Target, strings.TrimSuffix(dir, "/")+"/") {
				return "the file " + f.Target + " of " + s.Name + " would be hidden by the tmpfs at " + dir
			}
		}
	}
	return ""
}

func specInvalid(why string) error {
	return &problem.Problem{
		Code: "services-invalid", Kind: problem.Invalid,
		What: "the services of this app do not fit together", Why: why,
		Next: []string{"coopkit recipe lint", "tell the recipe's maintainer"},
	}
}
