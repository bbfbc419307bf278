// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"strings"

	"coopkit/internal/locale"
)

// Marks in what a browser says of itself, the telling ones first: most claim to
// be some others too.
var (
	browsers = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser", "Samsung Internet"},
		{"FxiOS", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// browser says in words what a browser says of itself.
func browser(l *locale.Locale, says string) string {
	name, system := marked(browsers, says), marked(systems, says)
	switch {
	case name != "" && system != "":
		return l.T("entry.browser.on", "browser", name, "system", system)
	case name != "":
		return name
	default:
		return l.T("entry.browser.unknown")
	}
}

func marked(marks [][2]string, says string) string {
	for _, m := range marks {
		if strings.Contains(says, m[0]) {
			return m[1]
		}
	}
	return ""
}
