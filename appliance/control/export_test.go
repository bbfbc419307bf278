// SPDX-License-Identifier: AGPL-3.0-or-later

package control

// Patterns lists the patterns of all routes.
func Patterns() []string {
	var all []string
	for _, rt := range (&server{b: NewClient("")}).routes() {
		all = append(all, rt.pattern)
	}
	return all
}

// Does tells what the route of each pattern does.
func Does() map[string]string {
	all := map[string]string{}
	for _, rt := range (&server{b: NewClient("")}).routes() {
		all[rt.pattern] = rt.does
	}
	return all
}
