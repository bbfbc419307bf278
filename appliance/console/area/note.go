// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"regexp"

	"coopkit/internal/webkit"
)

// note is a warning of a plan as the agent says it, and the key of the message
// that says it in the page's language. Its named groups fill the placeholders.
type note struct{ key, pattern string }

var notes = []note{
	{"area.note.memory", `^memory is short: it uses about (?P<need>\d+) MiB, (?P<free>\d+) MiB are free$`},
	{"area.note.elsewhere", `^the name (?P<name>\S+) is not managed on this box; set these records where it is `},
	{"area.note.check", `^then “coopkit name check (?P<name>\S+)” says whether they have arrived$`},
	{"area.note.delegate", `^for the world to ask this box, give (?P<name>\S+) these name servers where it was registered `},
	{"area.note.glue", `^(?P<record>\S+ \d+ \S+ \S+) \(the registrar calls it a host or glue record\)$`},
	{"area.note.single", `^one name server is a single point of failure: `},
	{"area.note.before", `^before you do, make sure that nothing else needs the name's present records, `},
	{"area.note.leave", `^or leave the name where it is, and set there only the address records `},
	{"area.note.delegated", `^if (?P<name>\S+) is delegated to this box, the name stops working everywhere `},
	{"area.note.record", `^(?P<record>\S+\. \d+ (?:NS|A|AAAA) \S+)$`},
	{"area.note.notsent", `^not sent: what is in the apps, `},
	{"area.note.listens", `^the desk only listens: `},
	{"area.note.preview", `^what was sent can be seen at any time: `},
}

// noteText says a note of a plan in the language of the page; one that no
// message knows is as the agent says it.
func noteText(p *webkit.Page, text string) Text {
	for _, n := range notes {
		pattern, err := regexp.Compile(n.pattern)
		if err != nil {
			continue // a test compiles all of them
		}
		found := pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		var args []any
		for i, name := range pattern.SubexpNames() {
			if name != "" {
				args = append(args, name, found[i])
			}
		}
		return Text{Text: p.T(n.key, args...)}
	}
	return Text{text, "en"}
}
