// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	mdns "github.com/miekg/dns"

	"coopkit/internal/problem"
)

func TestNewRecord_normalises(t *testing.T) {
	for _, c := range []struct{ name, typ, data, want string }{
		{"WWW.Demo.Coop.", "a", "192.0.2.1", "www.demo.coop. 300 IN A 192.0.2.1"},
		{"demo.coop", "AAAA", "2001:DB8:0:0::1", "demo.coop. 300 IN AAAA 2001:db8::1"},
		{"www.demo.coop", "CNAME", "Demo.Coop", "www.demo.coop. 300 IN CNAME demo.coop."},
		{"demo.coop", "MX", "10 Mail.Demo.Coop", "demo.coop. 300 IN MX 10 mail.demo.coop."},
		{"demo.coop", "MX", "0 .", "demo.coop. 300 IN MX 0 ."},
		{"demo.coop", "TXT", `v=spf1 "-all"`, `demo.coop. 300 IN TXT "v=spf1" "-all"`},
		{"demo.coop", "CAA", "0 issue letsencrypt.example", `demo.coop. 300 IN CAA 0 issue "letsencrypt.example"`},
		{"_sip._tcp.demo.coop", "SRV", "1 2 5060 pbx.demo.coop", "_sip._tcp.demo.coop. 300 IN SRV 1 2 5060 pbx.demo.coop."},
		{"*.demo.coop", "A", "192.0.2.1", "*.demo.coop. 300 IN A 192.0.2.1"},
		{"1.2.0.192.in-addr.arpa", "PTR", "WWW.demo.coop", "1.2.0.192.in-addr.arpa. 300 IN PTR www.demo.coop."},
		{"_443._tcp.demo.coop", "TLSA", "3 1 1 AB12", "_443._tcp.demo.coop. 300 IN TLSA 3 1 1 ab12"},
		{"demo.coop", "SSHFP", "4 2 ab12", "demo.coop. 300 IN SSHFP 4 2 AB12"},
		{"demo.coop", "HTTPS", "1 . alpn=h2", `demo.coop. 300 IN HTTPS 1 . alpn="h2"`},
		{"demo.coop", "SVCB", "1 svc.demo.coop. port=8443", `demo.coop. 300 IN SVCB 1 svc.demo.coop. port="8443"`},
		{"sub.demo.coop", "NS", "NS1.sub.demo.coop", "sub.demo.coop. 300 IN NS ns1.sub.demo.coop."},
	} {
		r, err := NewRecord(c.name, c.typ, 300, c.data)
		if err != nil || r.String() != c.want {
			t.Errorf("NewRecord(%s %s %s) = %v, %v; want %s", c.name, c.typ, c.data, r, err, c.want)
		}
		if again, err := NewRecord(r.Name, r.Type, r.TTL, r.Data); err != nil || again != r {
			t.Errorf("%v is not its own normal form: %v, %v", r, again, err)
		}
	}
}

func TestNewRecord_refuses(t *testing.T) {
	for _, c := range []struct {
		name, typ string
		ttl       uint32
		data      string
	}{
		{"", "A", 300, "192.0.2.1"},
		{"demo..coop", "A", 300, "192.0.2.1"},
		{"de mo.coop", "A", 300, "192.0.2.1"},
		{"$INCLUDE.coop", "A", 300, "192.0.2.1"},
		{"a.*.coop", "A", 300, "192.0.2.1"},
		{strings.Repeat("a", 64) + ".coop", "A", 300, "192.0.2.1"},
		{strings.Repeat("a.", 127) + "coop", "A", 300, "192.0.2.1"},
		{"demo.coop", "A", 300, ""},
		{"demo.coop", "A", 300, "300"},
		{"demo.coop", "A", 300, "192.0.2.256"},
		{"demo.coop", "A", 300, "192.0.2.1 192.0.2.2"},
		{"demo.coop", "A", 300, "192.0.2.1\nx.demo.coop. 1 IN A 192.0.2.2"},
		{"demo.coop", "A", 300, "2001:db8::1"},
		{"demo.coop", "AAAA", 300, "192.0.2.1"},
		{"demo.coop", "A", 1 << 31, "192.0.2.1"},
		{"demo.coop", "MX", 300, "mail.demo.coop"},
		{"demo.coop", "SOA", 300, "a. b. 1 2 3 4 5"},
		{"demo.coop", "DNAME", 300, "other.coop."},
		{"demo.coop", "RRSIG", 300, "x"},
		{"demo.coop", "ANY", 300, "x"},
		{"demo.coop", "NONSENSE", 300, "x"},
		{"demo.coop", "", 300, "x"},
	} {
		_, err := NewRecord(c.name, c.typ, c.ttl, c.data)
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Code != "record-invalid" || p.Why == "" || len(p.Next) == 0 {
			t.Errorf("NewRecord(%q %q %d %q): %v", c.name, c.typ, c.ttl, c.data, err)
		}
	}
}

func TestTXTData_survives(t *testing.T) {
	for _, text := range []string{"", "a", `say "yes" \ no;`, strings.Repeat("x", 255), strings.Repeat("y", 256), strings.Repeat("ü", 500), "\x00\xff"} {
		r, err := NewRecord("demo.coop", "TXT", 60, TXTData(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := wireText(t, r); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

// wireText returns the text of a TXT record as it goes over the wire.
func wireText(t *testing.T, r Record) string {
	t.Helper()
	rr, err := r.RR()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, mdns.MaxMsgSize)
	end, err := mdns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for data := buf[len(r.Name)+2+10 : end]; len(data) > 0; data = data[1+int(data[0]):] {
		if 1+int(data[0]) > len(data) {
			t.Fatalf("part of %d bytes in %x", data[0], data)
		}
		text += string(data[1 : 1+int(data[0])])
	}
	return text
}

func TestAddressRecord(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "A 192.0.2.1", "::ffff:192.0.2.1": "A 192.0.2.1", "2001:db8::1": "AAAA 2001:db8::1", "fe80::1%eth0": "AAAA fe80::1",
	} {
		r, err := AddressRecord("demo.coop", 60, netip.MustParseAddr(addr))
		if err != nil || r.Type+" "+r.Data != want {
			t.Errorf("%s: %v, %v", addr, r, err)
		}
	}
}

func FuzzNewRecord(f *testing.F) {
	for _, s := range [][3]string{
		{"www.demo.coop", "A", "192.0.2.1"},
		{"demo.coop", "TXT", `"a\"b" \255 c`},
		{"demo.coop", "CAA", `0 issue "x"`},
		{"demo.coop", "HTTPS", "1 . alpn=h2 ipv4hint=192.0.2.1"},
		{"demo.coop", "SVCB", `16 a.b. key65333="\001"`},
		{"_x.demo.coop", "SRV", "0 0 0 ."},
		{"demo.coop", "LOC", "51 30 12.748 N 0 7 39.611 W 0.00m"},
		{"demo.coop", "NAPTR", `1 2 "u" "" "!.*!x!" .`},
		{"demo.coop", "TXT", `"unclosed`},
		{"demo.coop", "A", `\# 4 c0000201`},
		{"demo.coop", "TYPE731", `\# 1 aa`},
		{"demo.coop", "A", "( 192.0.2.1 ) ; note"},
	} {
		f.Add(s[0], s[1], uint32(300), s[2])
	}
	f.Fuzz(func(t *testing.T, name, typ string, ttl uint32, data string) {
		r, err := NewRecord(name, typ, ttl, data)
		if err != nil {
			if p, ok := errors.AsType[*problem.Problem](err); !ok || !utf8.ValidString(p.What) {
				t.Fatalf("not a Problem: %v", err)
			}
			return
		}
		again, err := NewRecord(r.Name, r.Type, r.TTL, r.Data)
		if err != nil || again != r {
			t.Fatalf("%q is not its own normal form: %q, %v", r, again, err)
		}
	})
}
