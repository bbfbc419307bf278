// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"regexp"
	"strings"
	"time"
)

// pseudo matches the version that the Go toolchain gives to a build between two
// releases: v0.3.1-0.20261127094122-daedad093b0a, perhaps with +dirty.
var pseudo = regexp.MustCompile(`^v(\d+\.\d+)\.\d+-(?:[0-9A-Za-z.]+\.)?(?:0\.)?(\d{14})-[0-9a-f]{12}`)

// ShortVersion is a version of Coopkit as people read it: 0.3.1 of a release,
// "0.3, 27 November 2026" of a build between two.
func (p *Page) ShortVersion(version string) string {
	m := pseudo.FindStringSubmatch(version)
	if m == nil {
		return strings.TrimPrefix(version, "v")
	}
	at, err := time.Parse("20060102150405", m[2])
	if err != nil {
		return version
	}
	return m[1] + ", " + p.Date(at)
}
