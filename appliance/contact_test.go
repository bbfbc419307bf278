// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"strings"
	"testing"
)

func TestContact_leadsWhereItSays(t *testing.T) {
	for typed, want := range map[string]string{
		"": "", "oficina@comun.coop": "mailto:oficina@comun.coop", " oficina@comun.coop ": "mailto:oficina@comun.coop",
		"a+b?c@comun.coop": "mailto:a+b%3Fc@comun.coop", "+34 600-000 (000)": "tel:+34600000000", "112": "-", "01 23 45 67 89": "tel:0123456789",
		"https://comun.coop/contacto?x=1": "https://comun.coop/contacto?x=1", "http://comun.coop": "http://comun.coop",
		"javascript:alert(1)": "-", "https://": "-", "https://user:pw@comun.coop": "-", "ask at the counter": "-", "Office <a@b.coop>": "-",
		"https://comun.coop/\nx": "-", "ftp://comun.coop": "-", "a@b.coop\r\nBcc: c@d.coop": "-", "https://" + strings.Repeat("a", 200) + ".coop": "-",
	} {
		c, err := ParseContact(typed)
		switch {
		case want == "-" && err == nil:
			t.Errorf("%q is taken", typed)
		case want != "-" && (err != nil || c.URL() != want):
			t.Errorf("%q leads to %q, %v; want %q", typed, c.URL(), err, want)
		}
	}
}
