// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"slices"
	"strings"
)

// ownCookie begins the names of the cookies with which people are signed in to
// the console or to a desk. Browsers send a cookie to every port of a name, so
// where the console is opened by the name of an app, that app would get them.
const ownCookie = "__Host-coopkit"

// foreignCookies returns Cookie headers without our own cookies; most often as
// they are.
func foreignCookies(headers []string) []string {
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.Contains(h, "oopkit") }) {
		return headers
	}
	var foreign []string
	for _, h := range headers {
		kept := strings.TrimSpace(strings.Join(slices.DeleteFunc(strings.Split(h, ";"), isOwn), ";"))
		if kept != "" {
			foreign = append(foreign, kept)
		}
	}
	return foreign
}

// isOwn reports whether a cookie, in either direction, has one of our names. A
// cookie without a name ("=value") comes back as its value alone.
func isOwn(cookie string) bool {
	name := strings.TrimLeft(cookie, "= \t")
	return len(name) >= len(ownCookie) && strings.EqualFold(name[:len(ownCookie)], ownCookie)
}
