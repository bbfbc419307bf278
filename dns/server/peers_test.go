// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"coopkit/dns"
	"coopkit/dns/zonefile"
	"coopkit/internal/testkit"
)

// peer is another authoritative server and its configuration, with DIR, PORT
// and ZONE to be filled in.
type peer struct {
	program, config string
	args            []string
}

var peers = []peer{
	{
		program: "knotd", args: []string{"-c", "CONF"},
		config: `server:
    listen: 127.0.0.1@PORT
    rundir: DIR
    udp-workers: 2
database:
    storage: DIR
log:
  - target: stderr
    any: warning
zone:
  - domain: ZONE
    file: DIR/zone
    zonefile-sync: -1
    journal-content: none
`,
	},
	{
		program: "nsd", args: []string{"-d", "-c", "CONF"},
		config: `server:
  ip-address: 127.0.0.1@PORT
  username: ""
  chroot: ""
  zonesdir: DIR
  database: ""
  pidfile: DIR/pid
  xfrdfile: DIR/xfrd
  xfrdir: DIR
  zonelistfile: DIR/zones
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: ZONE
  zonefile: DIR/zone
`,
	},
	{
		program: "named", args: []string{"-g", "-c", "CONF"},
		config: `options {
  directory "DIR"; pid-file "DIR/pid"; session-keyfile "DIR/key"; managed-keys-directory "DIR";
  listen-on port PORT { 127.0.0.1; }; listen-on-v6 { none; };
  zero-no-soa-ttl no; recursion no; minimal-responses yes; minimal-any yes; notify no; dnssec-validation no; empty-zones-enable no;
};
controls { };
zone "ZONE" { type primary; file "DIR/zone"; check-names ignore; };
`,
	},
}

// startPeer serves the zone with another program and returns its address.
func startPeer(tb testing.TB, p peer, z dns.Zone) string {
	tb.Helper()
	path := testkit.NeedProgram(tb, p.program)
	dir := tb.TempDir()
	var file bytes.Buffer
	if err := zonefile.Format(&file, z); err != nil {
		tb.Fatal(err)
	}
	port := strconv.Itoa(testkit.FreePort(tb))
	fill := strings.NewReplacer("DIR", dir, "PORT", port, "ZONE", z.Name, "CONF", filepath.Join(dir, "conf"))
	for name, text := range map[string]string{"zone": file.String(), "conf": fill.Replace(p.config)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	var args []string
	for _, a := range p.args {
		args = append(args, fill.Replace(a))
	}
	var log bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if tb.Failed() {
			tb.Logf("%s says:\n%s", p.program, &log)
		}
	})
	addr := net.JoinHostPort("127.0.0.1", port)
	testkit.Eventually(tb, 20*time.Second, p.program+" answers for the zone", func() bool {
		c := mdns.Client{Timeout: 200 * time.Millisecond}
		a, _, err := c.Exchange(question(z.Name+".", mdns.TypeSOA), addr)
		return err == nil && a.Rcode == mdns.RcodeSuccess && len(a.Answer) == 1
	})
	return addr
}

// comparedZone has every shape that answers depend on.
func comparedZone(tb testing.TB) dns.Zone {
	tb.Helper()
	return zoneOf(tb, "demo.example",
		[3]string{"@", "A", "192.0.2.10"},
		[3]string{"@", "AAAA", "2001:db8::10"},
		[3]string{"@", "MX", "10 mail.demo.example."},
		[3]string{"@", "TXT", `"v=spf1 -all"`},
		[3]string{"@", "CAA", `0 issue "ca.example"`},
		[3]string{"mail", "A", "192.0.2.20"},
		[3]string{"www", "CNAME", "demo.example."},
		[3]string{"two", "CNAME", "www.demo.example."},
		[3]string{"out", "CNAME", "elsewhere.example.net."},
		[3]string{"gone", "CNAME", "missing.demo.example."},
		[3]string{"intosub", "CNAME", "host.sub.demo.example."},
		[3]string{"intowild", "CNAME", "some.wild.demo.example."},
		[3]string{"intoent", "CNAME", "ent.demo.example."},
		[3]string{"*.wild", "A", "192.0.2.11"},
		[3]string{"*.wild", "TXT", `"star"`},
		[3]string{"below.wild", "TXT", `"not the star"`},
		[3]string{"a.deep.wild", "TXT", `"makes an empty name"`},
		[3]string{"*.cw", "CNAME", "www.demo.example."},
		[3]string{"a.b.ent", "A", "192.0.2.12"},
		[3]string{"sub", "NS", "ns.sub.demo.example."},
		[3]string{"sub", "NS", "ns.elsewhere.example.net."},
		[3]string{"sub", "DS", "1 13 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"},
		[3]string{"ns.sub", "A", "192.0.2.13"},
		[3]string{"ns.sub", "AAAA", "2001:db8::13"},
		[3]string{"sub2", "NS", "mail.demo.example."},
		[3]string{"_sip._tcp", "SRV", "1 2 5060 mail.demo.example."},
		[3]string{"_443._tcp.www2", "TLSA", "3 1 1 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766"},
		[3]string{"svc", "HTTPS", `1 . alpn="h2,h3"`},
		[3]string{"many", "A", "192.0.2.31"}, [3]string{"many", "A", "192.0.2.32"}, [3]string{"many", "A", "192.0.2.33"},
	)
}

// queries returns a question for every name of the zone, its parents, children
// and siblings, and every type, in an order that seed decides.
func queries(z dns.Zone, seed uint64) []mdns.Question {
	names := map[string]bool{}
	for _, r := range z.All() {
		for n := r.Name; strings.HasSuffix(n, z.Name); _, n, _ = strings.Cut(n, ".") {
			for _, name := range []string{n, "other." + n, "*." + n, "a.b.c." + n, "ns." + n} {
				names[name] = true
			}
		}
	}
	names["elsewhere.example"], names["example"], names["xdemo.example"] = true, true, true
	var out []mdns.Question
	for name := range names {
		for _, typ := range []uint16{
			mdns.TypeA, mdns.TypeAAAA, mdns.TypeTXT, mdns.TypeMX, mdns.TypeNS, mdns.TypeSOA, mdns.TypeCNAME, mdns.TypeDS, mdns.TypeSRV, mdns.TypeHTTPS,
		} {
			out = append(out, mdns.Question{Name: name + ".", Qtype: typ, Qclass: mdns.ClassINET})
		}
	}
	slices.SortFunc(out, func(a, b mdns.Question) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	rnd := rand.New(rand.NewPCG(seed, 0))
	rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// essence is what an answer tells a resolver. Records that servers add or leave
// out as they like are left out: everything beside the answer of a positive one,
// and addresses beside those of the delegated zone's own servers.
type essence struct {
	Rcode     string
	AA        bool
	Answer    []string
	Authority []string
	Glue      []string
}

func essenceOf(a *mdns.Msg) essence {
	e := essence{Rcode: mdns.RcodeToString[a.Rcode], AA: a.Authoritative, Answer: texts(a.Answer)}
	if a.Rcode == mdns.RcodeRefused {
		return essence{Rcode: e.Rcode}
	}
	for _, rr := range a.Ns {
		referral := rr.Header().Rrtype == mdns.TypeNS && !a.Authoritative
		if rr.Header().Rrtype == mdns.TypeSOA || referral {
			e.Authority = append(e.Authority, texts([]mdns.RR{rr})...)
		}
		for _, glue := range a.Extra {
			if referral && mdns.IsSubDomain(rr.Header().Name, glue.Header().Name) && glue.Header().Rrtype != mdns.TypeOPT {
				e.Glue = append(e.Glue, texts([]mdns.RR{glue})...)
			}
		}
	}
	slices.Sort(e.Authority)
	slices.Sort(e.Glue)
	e.Glue = slices.Compact(e.Glue)
	return e
}

func texts(rrs []mdns.RR) []string {
	var out []string
	for _, rr := range rrs {
		out = append(out, strings.ToLower(rr.String()))
	}
	slices.Sort(out)
	return out
}

func TestPeers_answerTheSame(t *testing.T) {
	for _, p := range peers {
		t.Run(p.program, func(t *testing.T) {
			z := comparedZone(t)
			theirs := startPeer(t, p, z)
			_, ours := start(t, z)
			different := 0
			all := queries(z, 1)
			for _, q := range all {
				msg := question(q.Name, q.Qtype)
				msg.RecursionDesired = false
				want, got := essenceOf(ask(t, "udp", theirs, msg)), essenceOf(ask(t, "udp", ours, msg))
				if diff := cmp.Diff(want, got); diff != "" && different < 10 {
					different++
					t.Errorf("%s %s (-%s +ours):\n%s", q.Name, mdns.Type(q.Qtype), p.program, diff)
				}
			}
			t.Logf("%d queries compared", len(all))
		})
	}
}
