// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"html/template"
	"regexp"
	"strings"
)

// Remedy is what to do about a problem or a finding: steps for whoever reads the
// page, and commands, which stand under "For technicians".
//
// In a message each line is one of them. One that begins with "$ " is a command;
// in a step, [words](/path) is a link to a page of this site. The program's own
// words have neither, so there a line that begins with the name of a program is
// a command.
type Remedy struct {
	Steps    []string
	Commands []string
}

const prompt = "$ "

// programs are those that the words of our programs tell people to run.
var programs = regexp.MustCompile(`^(sudo|coopkit|docker|systemctl|journalctl|apt-get|df|free -|ip (addr|route)|dmesg|timedatectl) ?`)

// RemedyOf reads the lines of a message, or the program's own words.
func RemedyOf(lines []string) (n Remedy) {
	for _, line := range lines {
		n.add(line)
	}
	return n
}

func (n *Remedy) add(line string) {
	command, marked := strings.CutPrefix(line, prompt)
	if marked || programs.MatchString(line) {
		n.Commands = append(n.Commands, command)
	} else {
		n.Steps = append(n.Steps, line)
	}
}

// First is the first step in plain text, for where there is room for no more.
func (n Remedy) First() string {
	if len(n.Steps) == 0 {
		return ""
	}
	return n.Unlinked().Steps[0]
}

// Unlinked is the remedy without its links, for where its pages are not: a desk
// says what to do on a box.
func (n Remedy) Unlinked() Remedy {
	out := Remedy{Commands: n.Commands, Steps: make([]string, len(n.Steps))}
	for i, s := range n.Steps {
		out.Steps[i] = link.ReplaceAllString(s, "$1")
	}
	return out
}

// Plain are the steps as text, for mail: beside its words each link is a whole
// address of the site at base.
func (n Remedy) Plain(base string) []string {
	out := make([]string, len(n.Steps))
	for i, s := range n.Steps {
		out[i] = link.ReplaceAllString(s, "$1 ("+strings.ReplaceAll(base, "$", "$$")+"$2)")
	}
	return out
}

// HTML are the steps with their links.
func (n Remedy) HTML() []template.HTML {
	out := make([]template.HTML, len(n.Steps))
	for i, s := range n.Steps {
		out[i] = step(s)
	}
	return out
}

// link is [words](/path); the path is one of this site.
var link = regexp.MustCompile(`\[([^\]]+)\]\((/[^/)][^)\s]*|/)\)`)

// step is a step with its links.
func step(text string) template.HTML {
	var out strings.Builder
	at := 0
	for _, m := range link.FindAllStringSubmatchIndex(text, -1) {
		words, path := text[m[2]:m[3]], text[m[4]:m[5]]
		if !local(path) {
			continue
		}
		out.WriteString(template.HTMLEscapeString(text[at:m[0]]))
		out.WriteString(`<a href="` + template.HTMLEscapeString(path) + `">` + template.HTMLEscapeString(words) + `</a>`)
		at = m[1]
	}
	out.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML(out.String()) //nolint:gosec // escaped
}
