// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"strings"
	"testing"

	mdns "github.com/miekg/dns"
)

func TestAnswers(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example",
		[3]string{"@", "A", "192.0.2.10"},
		[3]string{"@", "CAA", `0 issue "ca.example"`},
		[3]string{"@", "MX", "10 mail.demo.example."},
		[3]string{"www", "CNAME", "demo.example."},
		[3]string{"out", "CNAME", "elsewhere.example."},
		[3]string{"gone", "CNAME", "missing.demo.example."},
		[3]string{"loop1", "CNAME", "loop2.demo.example."},
		[3]string{"loop2", "CNAME", "loop1.demo.example."},
		[3]string{"*.apps", "A", "192.0.2.11"},
		[3]string{"real.apps", "TXT", `"x"`},
		[3]string{"a.b.ent", "A", "192.0.2.12"},
		[3]string{"sub", "NS", "ns.sub.demo.example."},
		[3]string{"sub", "DS", "1 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"},
		[3]string{"ns.sub", "A", "192.0.2.13"},
		[3]string{"big", "TXT", strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 8)},
	), zoneOf(t, "child.demo.example"))
	const soa = "demo.example. 300 IN SOA"
	for _, c := range []struct {
		name string
		typ  uint16
		want string // rcode, then aa if set, then records of all sections without TTL and class
	}{
		{"demo.example.", mdns.TypeA, "NOERROR aa | A 192.0.2.10"},
		{"demo.example.", mdns.TypeCAA, `NOERROR aa | CAA 0 issue "ca.example"`},
		{"demo.example.", mdns.TypeNS, "NOERROR aa | NS ns1.demo.example."},
		{"demo.example.", mdns.TypeAAAA, "NOERROR aa | SOA"},
		{"demo.example.", mdns.TypeANY, "NOERROR aa | A 192.0.2.10"},
		{"www.demo.example.", mdns.TypeA, "NOERROR aa | CNAME demo.example. | A 192.0.2.10"},
		{"www.demo.example.", mdns.TypeCNAME, "NOERROR aa | CNAME demo.example."},
		{"www.demo.example.", mdns.TypeTXT, "NOERROR aa | CNAME demo.example. | SOA"},
		{"out.demo.example.", mdns.TypeA, "NOERROR aa | CNAME elsewhere.example."},
		{"gone.demo.example.", mdns.TypeA, "NXDOMAIN aa | CNAME missing.demo.example. | SOA"},
		{"loop1.demo.example.", mdns.TypeA, "NOERROR aa | CNAME loop2.demo.example. | CNAME loop1.demo.example."},
		{"any.apps.demo.example.", mdns.TypeA, "NOERROR aa | A 192.0.2.11"},
		{"deep.any.apps.demo.example.", mdns.TypeA, "NOERROR aa | A 192.0.2.11"},
		{"any.apps.demo.example.", mdns.TypeMX, "NOERROR aa | SOA"},
		{"real.apps.demo.example.", mdns.TypeA, "NOERROR aa | SOA"},
		{"x.real.apps.demo.example.", mdns.TypeA, "NXDOMAIN aa | SOA"},
		{"*.apps.demo.example.", mdns.TypeA, "NOERROR aa | A 192.0.2.11"},
		{"apps.demo.example.", mdns.TypeA, "NOERROR aa | SOA"},
		{"ent.demo.example.", mdns.TypeA, "NOERROR aa | SOA"},
		{"b.ent.demo.example.", mdns.TypeA, "NOERROR aa | SOA"},
		{"c.ent.demo.example.", mdns.TypeA, "NXDOMAIN aa | SOA"},
		{"none.demo.example.", mdns.TypeA, "NXDOMAIN aa | SOA"},
		{"sub.demo.example.", mdns.TypeA, "NOERROR | NS ns.sub.demo.example. | A 192.0.2.13"},
		{"x.y.sub.demo.example.", mdns.TypeA, "NOERROR | NS ns.sub.demo.example. | A 192.0.2.13"},
		{"ns.sub.demo.example.", mdns.TypeA, "NOERROR | NS ns.sub.demo.example. | A 192.0.2.13"},
		{"sub.demo.example.", mdns.TypeDS, "NOERROR aa | DS 1 13 2 E2D3C916F6DEEAC73294E8268FB5885044A833FC5459588F4A9184CFC41A5766"},
		{"child.demo.example.", mdns.TypeNS, "NOERROR aa | NS ns1.child.demo.example."},
		{"child.demo.example.", mdns.TypeDS, "NXDOMAIN aa | SOA"}, // answered by the zone above
		{"elsewhere.example.", mdns.TypeA, "REFUSED"},
		{".", mdns.TypeNS, "REFUSED"},
		{"demo.example.", mdns.TypeAXFR, "REFUSED"},
		{"demo.example.", mdns.TypeIXFR, "REFUSED"},
		{"demo.example.", mdns.TypeMAILB, "NOTIMP"},
		{"demo.example.", mdns.TypeOPT, "FORMERR"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			a := ask(t, network, addr, question(c.name, c.typ))
			if got := brief(a); got != c.want {
				t.Errorf("%s %s over %s:\n got %s\nwant %s", c.name, mdns.Type(c.typ), network, got, c.want)
			}
			for _, rr := range a.Ns {
				if rr.Header().Rrtype == mdns.TypeSOA && !strings.HasPrefix(strings.ReplaceAll(rr.String(), "\t", " "), soa) {
					t.Errorf("%s: SOA is %s", c.name, rr)
				}
			}
		}
	}
}

// brief writes an answer as the table above has it.
func brief(a *mdns.Msg) string {
	out := mdns.RcodeToString[a.Rcode]
	if a.Authoritative {
		out += " aa"
	}
	for _, section := range [][]mdns.RR{a.Answer, a.Ns, a.Extra} {
		for _, rr := range section {
			typ := mdns.Type(rr.Header().Rrtype)
			if typ == mdns.Type(mdns.TypeOPT) {
				continue
			}
			out += " | " + typ.String()
			if typ != mdns.Type(mdns.TypeSOA) {
				out += " " + strings.TrimPrefix(rr.String(), rr.Header().String())
			}
		}
	}
	return out
}
