// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// redirectCalls are the redirects of this box for others.
type redirectCalls struct{ *backend }

func redirectSubject(host hostname.Name) string { return "redirect:" + host.String() }

// List lists the addresses that lead elsewhere.
func (b redirectCalls) List(ctx context.Context) ([]appliance.Address, error) {
	all, err := b.store.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	out := []appliance.Address{}
	for _, a := range all {
		if a.Kind == appliance.ToRedirect {
			out = append(out, a)
		}
	}
	return out, nil
}

// Add starts leading a host elsewhere.
func (b redirectCalls) Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error) {
	h, err := hostname.Parse(req.Host)
	if err != nil {
		return appliance.Job{}, err
	}
	to, err := url.Parse(req.Target)
	if err != nil || (to.Scheme != "https" && to.Scheme != "http") || to.Host == "" || to.User != nil {
		return appliance.Job{}, &problem.Problem{
			Code: "redirect-target-invalid", Kind: problem.Invalid,
			What: "that is not an address to lead visitors to",
			Next: []string{"write a whole web address, such as https://www.demo.coop"},
			Err:  err,
		}
	}
	if held, taken, err := b.store.Address(ctx, h); err != nil {
		return appliance.Job{}, err
	} else if taken {
		return appliance.Job{}, b.apps.Taken(ctx, held)
	}
	if err := b.noLoop(ctx, h, to); err != nil {
		return appliance.Job{}, err
	}
	return b.jobs.Start(ctx, appliance.ChangeAddRedirect, redirectSubject(h), appliance.Address{Host: h, Kind: appliance.ToRedirect, Target: to.String()})
}

// noLoop refuses a redirect that leads back to its own host, whatever the port
// and scheme, by itself or through other redirects of this box.
func (b redirectCalls) noLoop(ctx context.Context, from hostname.Name, to *url.URL) error {
	all, err := b.List(ctx)
	if err != nil {
		return err
	}
	way := []string{from.String()}
	for range len(all) + 1 {
		host, err := hostname.Parse(to.Hostname())
		if err != nil {
			return nil // an address by number: none of ours
		}
		if way = append(way, host.String()); host == from {
			return redirectLoop(way)
		}
		i := slices.IndexFunc(all, func(a appliance.Address) bool { return a.Host == host })
		if i < 0 {
			return nil
		}
		if to, err = url.Parse(all[i].Target); err != nil {
			return nil //nolint:nilerr // its own finding says so
		}
	}
	return nil
}

func redirectLoop(way []string) error {
	what := "a redirect cannot lead to its own address"
	if len(way) > 2 {
		what = "that redirect would send visitors round in a circle"
	}
	return &problem.Problem{
		Code: "redirect-loop", Kind: problem.Invalid, What: what, Why: "the way is " + strings.Join(way, " → "),
		Next: []string{"choose another address to send visitors to"},
		Args: map[string]string{"way": strings.Join(way, " → ")},
	}
}

func (b *backend) addRedirectSteps(_ context.Context, in appliance.Address) ([]jobs.Step, error) {
	owner := redirectSubject(in.Host)
	steps := []jobs.Step{
		{
			Name: "names", Code: appliance.StepPointName,
			Do:   func(ctx context.Context, _ appliance.Progress) error { return b.names.EnsureHost(ctx, in.Host, owner) },
			Undo: func(ctx context.Context) error { return b.names.RemoveHost(ctx, in.Host, owner) },
		},
		{
			Code: appliance.StepAddress, Commit: true,
			Do:   func(ctx context.Context, _ appliance.Progress) error { return b.store.AddAddress(ctx, in) },
			Undo: func(ctx context.Context) error { return b.forgetAddress(ctx, in.Host, appliance.ToRedirect) },
		},
	}
	return append(steps, apps.OpenSteps(b.door, []hostname.Name{in.Host}, nil)...), nil
}

// Remove starts taking a redirect away.
func (b redirectCalls) Remove(ctx context.Context, host string) (appliance.Job, error) {
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Job{}, err
	}
	a, known, err := b.store.Address(ctx, h)
	if err != nil {
		return appliance.Job{}, err
	}
	if !known || a.Kind != appliance.ToRedirect {
		return appliance.Job{}, &problem.Problem{
			Code: "redirect-unknown", Kind: problem.NotFound,
			What: "no redirect stands at " + h.String(),
			Next: []string{"coopkit redirect list"},
			Args: map[string]string{"host": h.String()},
		}
	}
	return b.jobs.Start(ctx, appliance.ChangeRemoveRedirect, redirectSubject(h), a)
}

func (b *backend) removeRedirectSteps(_ context.Context, in appliance.Address) ([]jobs.Step, error) {
	return []jobs.Step{
		b.closeStep(in),
		{
			Name: "names", Code: appliance.StepReleaseName,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				return b.names.RemoveHost(ctx, in.Host, redirectSubject(in.Host))
			},
		},
	}, nil
}
