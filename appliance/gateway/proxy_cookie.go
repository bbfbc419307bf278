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

// foreign returns a Cookie header without our own cookies; most often as it is.
func foreign(cookies string) string {
	if !strings.Contains(cookies, ownCookie) {
		return cookies
	}
	kept := slices.DeleteFunc(strings.Split(cookies, ";"), isOwn)
	return strings.TrimSpace(strings.Join(kept, ";"))
}

// isOwn reports whether a cookie, in either direction, has one of our names.
func isOwn(cookie string) bool { return strings.HasPrefix(strings.TrimSpace(cookie), ownCookie) }
