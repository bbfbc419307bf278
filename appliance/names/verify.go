// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"coopkit/appliance"
	"coopkit/dns"
	"coopkit/internal/hostname"
)

// askLimit is how long one question to the server may take.
const askLimit = 3 * time.Second

// Check looks host up: at the DNS server of this box when a zone of this box
// contains it, else through the machine's resolver. The error says that it
// could not be tried; a wrong answer is in the result.
func (n *Names) Check(ctx context.Context, name string) (appliance.NameCheck, error) {
	host, err := hostname.Parse(name)
	if err != nil {
		return appliance.NameCheck{}, err
	}
	zones, err := n.zones(ctx)
	if err != nil {
		return appliance.NameCheck{}, err
	}
	c := appliance.NameCheck{Host: string(host), Server: "the resolver of this machine"}
	for _, a := range n.d.PublicAddrs() {
		c.Want = append(c.Want, a.Unmap().WithZone("").String())
	}
	var found []netip.Addr
	if _, ours := containing(zones, string(host)); ours {
		c.Server = n.d.ServerAddr()
		found, err = n.askAddrs(ctx, string(host))
	} else {
		found, err = n.d.LookUp(ctx, string(host))
	}
	for _, a := range found {
		c.Found = append(c.Found, a.Unmap().String())
	}
	slices.Sort(c.Want)
	slices.Sort(c.Found)
	c.Want, c.Found = slices.Compact(c.Want), slices.Compact(c.Found)
	judge(&c, err)
	return c, nil
}

// judge says whether what was found is what was wanted. More addresses than
// ours are as wrong as others, because some visitors would go there.
func judge(c *appliance.NameCheck, err error) {
	c.Unanswered = err != nil
	switch {
	case err != nil:
		c.Problem = c.Server + " gives no answer for " + c.Host
	case len(c.Want) == 0:
		c.Problem = "no address of this box is known to compare with"
	case len(c.Found) == 0:
		c.Problem = c.Host + " has no address yet"
	case !subset(c.Found, c.Want):
		c.Problem = c.Host + " leads to " + strings.Join(c.Found, ", ") + " instead of this box"
	default:
		c.OK = true
	}
}

func subset(of, all []string) bool {
	return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(all, s) })
}

// verify asks the server, over UDP and TCP, whether it answers what the diff
// wants and no longer what the diff removed.
func (n *Names) verify(ctx context.Context, d dns.Diff) error {
	want := slices.Concat(d.Add, d.Keep)
	sets := map[dns.Set]bool{}
	for _, r := range slices.Concat(want, d.Remove) {
		sets[r.Set()] = true
	}
	for s := range sets {
		for _, network := range []string{"udp", "tcp"} {
			got, err := n.ask(ctx, network, s)
			if errors.Is(err, notListening()) {
				return err
			}
			if err != nil {
				return notVerified(s.Name, n.d.ServerAddr(), "it did not answer over "+network, err)
			}
			for _, r := range want {
				if r.Set() == s && !hasRecord(got, r) {
					return notVerified(s.Name, n.d.ServerAddr(), "it does not answer with "+r.String(), nil)
				}
			}
			for _, r := range d.Remove {
				if r.Set() == s && hasRecord(got, r) {
					return notVerified(s.Name, n.d.ServerAddr(), "it still answers with "+r.String(), nil)
				}
			}
		}
	}
	return nil
}

func hasRecord(records []dns.Record, r dns.Record) bool {
	return slices.ContainsFunc(records, func(g dns.Record) bool { return g.ID() == r.ID() })
}

// ask asks the server for one set of records.
func (n *Names) ask(ctx context.Context, network string, s dns.Set) ([]dns.Record, error) {
	if n.d.ServerAddr() == "" {
		return nil, notListening()
	}
	client := mdns.Client{Net: network, Timeout: askLimit}
	msg := new(mdns.Msg).SetQuestion(mdns.Fqdn(s.Name), mdns.StringToType[s.Type])
	msg.RecursionDesired = false
	msg.SetEdns0(1232, false)
	a, _, err := client.ExchangeContext(ctx, msg, n.d.ServerAddr())
	if err == nil && a.Truncated && network == "udp" {
		return n.ask(ctx, "tcp", s)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for %s %s: %w", s.Name, s.Type, err)
	}
	if a.Rcode != mdns.RcodeSuccess && a.Rcode != mdns.RcodeNameError {
		return nil, fmt.Errorf("ask for %s %s: %s", s.Name, s.Type, mdns.RcodeToString[a.Rcode])
	}
	var records []dns.Record
	for _, rr := range a.Answer {
		if r, err := dns.FromRR(rr); err == nil {
			records = append(records, r)
		}
	}
	return records, nil
}

// askAddrs asks the server for the addresses of a host, through CNAMEs of the
// same zone.
func (n *Names) askAddrs(ctx context.Context, host string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, typ := range []string{"A", "AAAA"} {
		records, err := n.ask(ctx, "udp", dns.Set{Name: host, Type: typ})
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if a, err := netip.ParseAddr(r.Data); err == nil && r.Type == typ {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs, nil
}

// systemLookUp asks the machine's resolver; a name without addresses is no
// error.
func systemLookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
	if e, ok := asNotFound(err); ok && e.IsNotFound {
		return nil, nil
	}
	return addrs, err
}
