// SPDX-License-Identifier: AGPL-3.0-or-later

// Package hostname checks and normalises the host names that people type. It
// is a leaf: addresses, zones, recipes and the front door all agree on it. Its
// parser is fuzzed.
package hostname

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"coopkit/internal/problem"
)

// Name is a host name in its normal form: ASCII (A-labels), lower case, no
// final dot, at least two labels, e.g. "www.demo.coop".
type Name string

// String returns the normal form.
func (n Name) String() string { return string(n) }

// Display is the name as people write it, in their own letters: "cafetería.coop"
// for "xn--cafetera-i2a.coop".
func (n Name) Display() string {
	if shown, err := idna.Display.ToUnicode(string(n)); err == nil {
		return shown
	}
	return string(n)
}

// Within reports whether n is zone or a name below it.
func (n Name) Within(zone Name) bool {
	return n == zone || strings.HasSuffix(string(n), "."+string(zone))
}

// Parse returns the normal form of what a person typed. The error is a
// Problem with code "host-name-invalid" that says how to put it right.
func Parse(s string) (Name, error) {
	typed := strings.TrimSpace(s)
	trimmed := strings.TrimSuffix(typed, ".")
	switch {
	case trimmed == "":
		return "", invalid(s, "it is empty")
	case !utf8.ValidString(trimmed):
		return "", invalid(s, "it is not valid text")
	case strings.Contains(trimmed, "://") || strings.ContainsAny(trimmed, "/:@"):
		return "", invalid(s, "it looks like a web address; only the host name is wanted")
	case strings.ContainsAny(trimmed, " \t\n"):
		return "", invalid(s, "it has a space in it")
	case strings.Contains(trimmed, "*"):
		return "", invalid(s, "a wildcard is not a host name")
	}
	ascii, err := idna.Lookup.ToASCII(trimmed)
	if err != nil {
		return "", invalid(s, "it has characters or labels that DNS does not allow")
	}
	if why := check(ascii); why != "" {
		return "", invalid(s, why)
	}
	return Name(ascii), nil
}

// check applies RFC 1123 section 2.1 and RFC 1035 section 2.3.4 to an ASCII name.
func check(ascii string) string {
	if len(ascii) > 253 {
		return "it is longer than 253 characters"
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return "it has no dot, so it cannot be a name on the Internet"
	}
	for _, l := range labels {
		switch {
		case l == "":
			return "it has an empty part between two dots"
		case len(l) > 63:
			return "one part is longer than 63 characters"
		case l[0] == '-' || l[len(l)-1] == '-':
			return "one part begins or ends with a hyphen"
		}
		for _, c := range []byte(l) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return "only letters, digits, hyphens and dots are allowed"
			}
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "it looks like an IP address, not a name"
	}
	return ""
}

func invalid(typed, why string) error {
	if len(typed) > 80 {
		typed = typed[:80] + "…"
	}
	return &problem.Problem{
		Code: "host-name-invalid", Kind: problem.Invalid,
		What: "“" + strings.ToValidUTF8(typed, "�") + "” is not a host name",
		Why:  why,
		Next: []string{"write a name such as www.demo.coop"},
		Args: map[string]string{"name": typed},
	}
}
