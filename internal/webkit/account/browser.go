// SPDX-License-Identifier: AGPL-3.0-or-later

package account

import "strings"

// browser makes of a User-Agent what people know their browser by, such as
// "Firefox, Linux". Names of products are the same in every language.
func browser(agent string) string {
	name := first(agent, "Edg", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "FxiOS", "Firefox", "Chrome/", "Chrome", "CriOS", "Chrome", "Safari/", "Safari")
	system := first(agent, "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Macintosh", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case name == "":
		program, _, _ := strings.Cut(agent, " ")
		return program
	case system == "":
		return name
	default:
		return name + ", " + system
	}
}

// first returns the name that stands behind the first mark that agent contains.
func first(agent string, marksAndNames ...string) string {
	for i := 0; i+1 < len(marksAndNames); i += 2 {
		if strings.Contains(agent, marksAndNames[i]) {
			return marksAndNames[i+1]
		}
	}
	return ""
}
