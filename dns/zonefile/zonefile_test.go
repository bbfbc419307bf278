// SPDX-License-Identifier: AGPL-3.0-or-later

package zonefile

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/dns"
	"coopkit/internal/problem"
)

const sample = `$ORIGIN demo.example.
$TTL 1h
@        300 IN SOA NS1 hostmaster ( 2026112301 ; serial
             3600 600 1209600 300 )
         300 IN NS  ns1
         300 IN NS  ns2.elsewhere.example.
ns1      A   192.0.2.1
www      CNAME @
@        MX  10 mail
mail     AAAA 2001:DB8::25
         A 192.0.2.25
_dmarc   TXT "v=DMARC1; p=reject"
*.apps   A 192.0.2.2
`

func TestParse(t *testing.T) {
	z, err := Parse(strings.NewReader(sample), "Demo.Example.")
	if err != nil {
		t.Fatal(err)
	}
	want := dns.Zone{
		Name: "demo.example", Serial: 2026112301, TTL: 300, NS: []string{"ns1.demo.example", "ns2.elsewhere.example"},
		SOA: dns.SOA{Primary: "ns1.demo.example", Mailbox: "hostmaster.demo.example", Refresh: 3600, Retry: 600, Expire: 1209600, Minimum: 300},
		Records: []dns.Record{
			{Name: "demo.example", Type: "MX", TTL: 3600, Data: "10 mail.demo.example."},
			{Name: "_dmarc.demo.example", Type: "TXT", TTL: 3600, Data: `"v=DMARC1; p=reject"`},
			{Name: "*.apps.demo.example", Type: "A", TTL: 3600, Data: "192.0.2.2"},
			{Name: "mail.demo.example", Type: "A", TTL: 3600, Data: "192.0.2.25"},
			{Name: "mail.demo.example", Type: "AAAA", TTL: 3600, Data: "2001:db8::25"},
			{Name: "ns1.demo.example", Type: "A", TTL: 3600, Data: "192.0.2.1"},
			{Name: "www.demo.example", Type: "CNAME", TTL: 3600, Data: "demo.example."},
		},
	}
	if diff := cmp.Diff(want, z); diff != "" {
		t.Error(diff)
	}
}

func TestParse_refuses(t *testing.T) {
	for title, c := range map[string]struct{ file, code, in string }{
		"nothing":          {"", "zone-file-invalid", "no SOA"},
		"a broken line":    {sample + "bad A 192.0.2.999\n", "zone-file-invalid", "line: 14"},
		"an include":       {sample + "$INCLUDE /etc/passwd\n", "zone-file-invalid", "INCLUDE"},
		"a second SOA":     {sample + "@ SOA a b 1 2 3 4 5\n", "zone-file-invalid", "second SOA"},
		"another zone":     {sample + "www.other.example. A 192.0.2.1\n", "record-invalid", "not in the zone"},
		"a DNAME":          {sample + "old DNAME new\n", "record-invalid", "not supported"},
		"a signature":      {sample + "x DNSKEY 256 3 8 AwEAAQ==\n", "record-invalid", "not supported"},
		"too many records": {sample + "$GENERATE 0-59999 h$ A 192.0.2.1\n", "zone-file-invalid", "more than"},
		"a huge file":      {strings.Repeat("; x\n", MaxBytes/4+1), "zone-file-invalid", "larger than"},
		"another class":    {sample + "x CH A 192.0.2.1\n", "", ""},
	} {
		_, err := Parse(strings.NewReader(c.file), "demo.example")
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || (c.code != "" && p.Code != c.code) || !strings.Contains(p.Why, c.in) {
			t.Errorf("%s: %v; want %s with %q", title, err, c.code, c.in)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	for _, line := range []string{
		"", "x TXT \"a\\\"b\\255\" \"\"\n", "$GENERATE 1-3 h$ A 192.0.2.$\n", "x 1w2d IN A 192.0.2.1\n", "x TYPE65280 \\# 1 aa\n", "( x A\n192.0.2.1 )\n",
		"x HTTPS 1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1\n", "sub NS ns.sub\nns.sub A 192.0.2.1\n", "a\\.b A 192.0.2.1\n", "x LOC 51 30 12.748 N 0 7 39.611 W 0.00m\n",
		"x CAA 0 issue \"ca.example; a=b\"\n", "$TTL 4294967295\ny A 192.0.2.1\n", "$ORIGIN .\n",
	} {
		f.Add(sample + line)
	}
	f.Fuzz(func(t *testing.T, file string) {
		z, err := Parse(strings.NewReader(file), "demo.example")
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not a Problem: %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := Format(&out, z); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(&out, "demo.example")
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(z, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
