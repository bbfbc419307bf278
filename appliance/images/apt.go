// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// Apt says where this host keeps what it knows about Debian's packages. The
// zero value means the usual places.
type Apt struct {
	Dir     string                                    // "": /etc/apt
	Hosts   string                                    // "": /etc/hosts
	Keyring string                                    // "": Debian's archive keyring
	Usual   string                                    // mirror when the sources name none; "": debootstrap's own
	Config  func(ctx context.Context) (string, error) // prints apt's configuration; nil: apt-config dump
}

func (a Apt) withDefaults() Apt {
	if a.Dir == "" {
		a.Dir = "/etc/apt"
	}
	if a.Hosts == "" {
		a.Hosts = "/etc/hosts"
	}
	if a.Keyring == "" {
		a.Keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	}
	if a.Config == nil {
		a.Config = aptConfig
	}
	return a
}

// aptConfig asks apt itself; a host without apt has no configuration.
func aptConfig(ctx context.Context) (string, error) {
	path, err := exec.LookPath("apt-config")
	if err != nil {
		return "", nil //nolint:nilerr // not a Debian host
	}
	out, err := exec.CommandContext(ctx, path, "dump").Output() //nolint:gosec // a fixed program
	if err != nil {
		return "", fmt.Errorf("read apt's configuration: %w", err)
	}
	return string(out), nil
}

// packageHost is how packages are reached from here, in a form that works
// inside containers too.
type packageHost struct {
	archive, security string
	conf              []string          // lines for apt.conf
	proxy             string            // for debootstrap
	hosts             map[string]string // names that only /etc/hosts knows
}

// host reads the host's own settings, so that a build works wherever apt does.
func (a Apt) host(ctx context.Context, suite string) (packageHost, error) {
	var h packageHost
	var entries []source
	files, err := filepath.Glob(filepath.Join(a.Dir, "sources.list.d", "*"))
	if err != nil {
		return h, fmt.Errorf("look for apt's sources: %w", err)
	}
	for _, path := range append([]string{filepath.Join(a.Dir, "sources.list")}, files...) {
		if b, err := os.ReadFile(path); err == nil && len(b) < 1<<20 { //nolint:gosec // apt's own files
			entries = append(entries, parseSources(path, string(b))...)
		}
	}
	usual := a.Usual
	if usual == "" {
		usual = usualMirror()
	}
	if h.archive, h.security = mirrors(entries, suite, usual); h.archive == "" {
		return h, &problem.Problem{
			Code: "debian-mirror-unknown", Kind: problem.Unavailable,
			What: "this box does not know where to get Debian's packages",
			Why:  "no source in " + a.Dir + " names a Debian mirror, and debootstrap is not installed",
			Next: []string{"apt-get install debootstrap", "or add a Debian mirror to " + filepath.Join(a.Dir, "sources.list.d")},
		}
	}
	dump, err := a.Config(ctx)
	if err != nil {
		return h, err
	}
	h.conf, h.proxy = carryOver(dump)
	text, err := os.ReadFile(a.Hosts)
	if err == nil {
		h.hosts = pinned(string(text), h.archive, h.security, h.proxy)
	}
	return h, nil
}

// sourcesList is the base image's /etc/apt/sources.list.
func (h packageHost) sourcesList(suite string) string {
	return fmt.Sprintf("deb %[1]s %[3]s main\ndeb %[1]s %[3]s-updates main\ndeb %[2]s %[3]s-security main\n",
		h.archive, h.security, suite)
}

var (
	aptSetting = regexp.MustCompile(`^(Acquire::[A-Za-z0-9:._-]+) "([^"]*)";$`)
	// What a build needs of the host's settings: proxies, and what the host's
	// administrator decided about mirrors that stand still.
	aptWanted = regexp.MustCompile(`(?i)^Acquire::(https?::Proxy(::[A-Za-z0-9._-]+)?|Check-Valid-Until|Check-Date|Max-FutureTime)$`)
)

// carryOver picks the settings that a build needs too, sorted, and the proxy.
func carryOver(dump string) (conf []string, proxy string) {
	for line := range strings.Lines(dump) {
		m := aptSetting.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || !aptWanted.MatchString(m[1]) || m[2] == "" {
			continue
		}
		if strings.Contains(strings.ToLower(m[1]), "::proxy") && !strings.EqualFold(m[2], "DIRECT") {
			u, err := url.Parse(m[2])
			if err != nil || !reachableFromContainers(u) {
				continue
			}
			if strings.EqualFold(m[1], "Acquire::http::Proxy") {
				proxy = m[2]
			}
		}
		conf = append(conf, fmt.Sprintf("%s %q;", m[1], m[2]))
	}
	slices.Sort(conf)
	return slices.Compact(conf), proxy
}

// pinned returns those hosts of the URLs that /etc/hosts gives an address:
// containers have another /etc/hosts.
func pinned(hostsFile string, urls ...string) map[string]string {
	found := map[string]string{}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			continue
		}
		for line := range strings.Lines(hostsFile) {
			line, _, _ = strings.Cut(line, "#")
			if f := strings.Fields(line); len(f) > 1 && slices.Contains(f[1:], u.Hostname()) {
				found[u.Hostname()] = f[0]
				break
			}
		}
	}
	return found
}
