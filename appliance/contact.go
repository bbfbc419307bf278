// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"coopkit/internal/problem"
)

// Contact is how somebody reaches a person of the co-op, as people write it: an
// e-mail address, a telephone number or a web address; empty if there is none.
// ParseContact makes it.
type Contact string

// maxContact is how long a Contact may be, in bytes.
const maxContact = 200

// phone is a telephone number as people write it: digits with what groups them.
var phone = regexp.MustCompile(`^\+?\(?[0-9][0-9 ().\-/]{4,30}$`)

// ParseContact checks what a person typed. The error is a Problem
// "contact-invalid".
func ParseContact(s string) (Contact, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) <= maxContact && utf8.ValidString(s) && Contact(s).URL() != "" {
		return Contact(s), nil
	}
	return "", &problem.Problem{
		Code: "contact-invalid", Kind: problem.Invalid,
		What: "this is neither an e-mail address nor a telephone number nor a web address",
		Next: []string{"write it like office@ourcoop.example, +34 600 000 000 or https://ourcoop.example/contact"},
		Args: map[string]string{"contact": s},
	}
}

// URL is where a link to the contact leads: mailto (RFC 6068), tel (RFC 3966),
// http or https; empty when it is none of these.
func (c Contact) URL() string {
	s := string(c)
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	if phone.MatchString(s) {
		return "tel:" + strings.Map(func(r rune) rune {
			if r == '+' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
	}
	if a, err := mail.ParseAddress(s); err == nil && a.Address == s {
		return "mailto:" + strings.ReplaceAll(url.PathEscape(s), "%40", "@")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Contains(s, " ") {
		return ""
	}
	return u.String()
}
