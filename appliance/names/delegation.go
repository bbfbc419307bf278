// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"net"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/hostname"
)

// CheckZone looks up the name servers of a zone of this box as anybody would.
// The error is a Problem "no-such-zone"; a wrong answer, or none, is in the
// result.
func (n *Names) CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error) {
	name, err := hostname.Parse(zone)
	if err != nil {
		return appliance.ZoneCheck{}, err
	}
	z, err := n.find(ctx, name)
	if err != nil {
		return appliance.ZoneCheck{}, err
	}
	c := appliance.ZoneCheck{Zone: z.Name, Want: slices.Sorted(slices.Values(z.NS)), Found: []string{}}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	found, err := n.d.LookUpNS(limited, z.Name)
	c.Unanswered = err != nil
	for _, ns := range found {
		c.Found = append(c.Found, strings.ToLower(strings.TrimSuffix(ns, ".")))
	}
	slices.Sort(c.Found)
	c.Found = slices.Compact(c.Found)
	c.OK = err == nil && slices.Equal(c.Want, c.Found)
	return c, nil
}

// systemLookUpNS asks the machine's resolver; a zone that the world does not
// know is no error.
func systemLookUpNS(ctx context.Context, zone string) ([]string, error) {
	servers, err := net.DefaultResolver.LookupNS(ctx, zone+".")
	if e, ok := asNotFound(err); ok && e.IsNotFound {
		return nil, nil
	}
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = s.Host
	}
	return names, err
}
