// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// endOfFacts stands after what is made from the source in a section of the
// page; what people wrote after it is kept.
const endOfFacts = "<!-- the lines above come from the code; write below -->"

var section = regexp.MustCompile(`(?m)^## ([a-z0-9-]+)\n`)

// ProblemsPage writes the page of all problems: one section for each code, in
// order. It keeps what stands before the first section of old, and what people
// wrote in the section of a code that still exists.
func ProblemsPage(old []byte, problems []Problem) []byte {
	intro, kept := splitPage(string(old))
	var b bytes.Buffer
	b.WriteString(strings.TrimRight(intro, "\n") + "\n")
	for i := 0; i < len(problems); {
		code := problems[i].Code
		j := i
		for j < len(problems) && problems[j].Code == code {
			j++
		}
		writeSection(&b, code, problems[i:j], kept[code])
		i = j
	}
	return b.Bytes()
}

func splitPage(page string) (intro string, kept map[string]string) {
	kept = map[string]string{}
	at := section.FindAllStringSubmatchIndex(page, -1)
	if len(at) == 0 {
		return page, kept
	}
	for i, m := range at {
		end := len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if _, own, ok := strings.Cut(page[m[1]:end], endOfFacts); ok {
			kept[page[m[2]:m[3]]] = strings.TrimSpace(own)
		}
	}
	return page[:at[0][0]], kept
}

func writeSection(b *bytes.Buffer, code string, same []Problem, own string) {
	b.WriteString("\n## " + code + "\n\n")
	for _, kind := range collect(same, func(p Problem) []Text { return []Text{Text(p.Kind)} }) {
		b.WriteString("- **Kind**: " + strings.ToLower(kind) + "\n")
	}
	for _, w := range collect(same, func(p Problem) []Text { return []Text{p.What} }) {
		b.WriteString("- **What happened**: " + w + "\n")
	}
	for _, w := range collect(same, func(p Problem) []Text { return []Text{p.Why} }) {
		b.WriteString("- **Why**: " + w + "\n")
	}
	for _, n := range collect(same, func(p Problem) []Text { return p.Next }) {
		b.WriteString("- **Next**: " + n + "\n")
	}
	b.WriteString("\n" + endOfFacts + "\n")
	if own != "" {
		b.WriteString("\n" + own + "\n")
	}
}

// collect returns what get finds in the problems, each once and in order,
// without what says nothing.
func collect(problems []Problem, get func(Problem) []Text) []string {
	var all []string
	for _, p := range problems {
		for _, t := range get(p) {
			s := escape.Replace(string(t))
			if strings.Trim(s, "… ") != "" && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// escape keeps placeholders such as <name> and line ends from being read as Markdown.
var escape = strings.NewReplacer("<", `\<`, "\n", " ", "*", `\*`, "_", `\_`)
