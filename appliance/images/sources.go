// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"cmp"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// source is one "deb" entry of apt's sources.
type source struct {
	uri        string
	suites     []string
	components []string
}

// parseSources reads apt's sources in either format: name ends in .sources
// (deb822) or in .list (one line an entry). Entries that it cannot read, that
// are switched off or that only give source code are left out: whether the
// files are right is for apt to say.
func parseSources(name, text string) []source {
	if strings.HasSuffix(name, ".sources") {
		return parseDeb822(text)
	}
	return parseOneLine(text)
}

func parseOneLine(text string) []source {
	var found []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, "deb")
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t") {
			continue
		}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			_, after, closed := strings.Cut(rest, "]")
			if !closed {
				continue
			}
			rest = after
		}
		if f := strings.Fields(rest); len(f) >= 3 {
			found = append(found, source{uri: f[0], suites: f[1:2], components: f[2:]})
		}
	}
	return found
}

func parseDeb822(text string) []source {
	var found []source
	for _, stanza := range stanzas(text) {
		if stanza["enabled"] == "no" || !slices.Contains(strings.Fields(stanza["types"]), "deb") {
			continue
		}
		suites, components := strings.Fields(stanza["suites"]), strings.Fields(stanza["components"])
		if len(suites) == 0 || len(components) == 0 {
			continue
		}
		for uri := range strings.FieldsSeq(stanza["uris"]) {
			found = append(found, source{uri: uri, suites: suites, components: components})
		}
	}
	return found
}

// stanzas splits deb822 text into paragraphs of fields with small names.
// Comment lines may stand anywhere; a line that begins with a space goes on
// with the field before it.
func stanzas(text string) []map[string]string {
	var all []map[string]string
	var now map[string]string
	field := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			now, field = nil, ""
		case line[0] == ' ' || line[0] == '\t':
			if field != "" {
				now[field] += " " + strings.TrimSpace(line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				field = ""
				continue
			}
			if now == nil {
				now = map[string]string{}
				all = append(all, now)
			}
			field = strings.ToLower(strings.TrimSpace(name))
			now[field] = strings.TrimSpace(value)
		}
	}
	return all
}

// debootstrapMirror is the line of the program debootstrap, a shell script, that
// says where it gets packages when nobody tells it.
var debootstrapMirror = regexp.MustCompile(`(?m)^DEF_MIRROR="(https?://[^"]+)"$`)

// usualMirror is where Debian's own debootstrap gets packages: it is asked when
// the host's sources do not say, as on another system. It is empty when the
// program is missing or is not what we know.
func usualMirror() string {
	path, err := exec.LookPath("debootstrap")
	if err != nil {
		return ""
	}
	script, err := os.ReadFile(path) //nolint:gosec // the program that we run next
	if err != nil {
		return ""
	}
	m := debootstrapMirror.FindSubmatch(script)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// debianSuites are names of suites that any Debian mirror of today has beside
// the one we want; an entry for one of them shows where the mirror is.
var debianSuites = []string{
	"stable", "oldstable", "testing", "bullseye", "bookworm", "trixie", "forky", "duke",
}

// mirrors picks the archive and the security archive that a container can use
// too: Debian's, over HTTP, not on this machine's loopback, without a password.
// An entry for the wanted suite wins over one for another; without any it is
// the usual mirror, and the security archive beside it.
func mirrors(entries []source, suite, usual string) (archive, security string) {
	pick := func(suffix, fallback string) string {
		for _, names := range [][]string{{suite}, debianSuites} {
			for _, e := range entries {
				if !slices.Contains(e.components, "main") || !usableByContainers(e.uri) {
					continue
				}
				for _, name := range names {
					if slices.Contains(e.suites, name+suffix) {
						return strings.TrimSuffix(e.uri, "/")
					}
				}
			}
		}
		return fallback
	}
	archive = pick("", usual)
	return archive, pick("-security", cmp.Or(usual, archive)+"-security")
}

func usableByContainers(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return false
	}
	return reachableFromContainers(u)
}

// reachableFromContainers is false for this machine's own loopback, which is
// another place inside a container.
func reachableFromContainers(u *url.URL) bool {
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	return host != "" && host != "localhost" && (err != nil || !addr.IsLoopback() && !addr.IsUnspecified())
}
