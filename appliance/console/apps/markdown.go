// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"html/template"
	"regexp"
	"strings"
)

// block is one part of a recipe's description: a heading, a paragraph, the
// items of a list, or text to copy.
type block struct {
	Kind  string // h, p, ul or pre
	Texts []template.HTML
}

// markdown reads the little of Markdown that the descriptions of recipes use:
// headings, paragraphs, lists, indented or fenced text, and code in a line. The
// first heading, the title, is left out. What it does not know stays text.
func markdown(text string) []block {
	var blocks []block
	fenced := false
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		part = strings.Trim(part, "\n")
		last := len(blocks) - 1
		switch {
		case fenced && last >= 0:
			blocks[last].Texts[0] += template.HTML("\n\n" + template.HTMLEscapeString(strings.TrimSuffix(part, "```"))) //nolint:gosec // escaped
			fenced = !strings.HasSuffix(part, "```")
		case strings.HasPrefix(part, "```"):
			_, body, _ := strings.Cut(part, "\n")
			fenced = !strings.HasSuffix(body, "```")
			blocks = append(blocks, block{"pre", []template.HTML{template.HTML(template.HTMLEscapeString(strings.TrimSuffix(body, "```")))}}) //nolint:gosec // escaped
		case part == "":
		case strings.HasPrefix(part, "# "):
		case strings.HasPrefix(part, "#"):
			blocks = append(blocks, block{"h", []template.HTML{inline(strings.TrimLeft(part, "# "))}})
		case strings.HasPrefix(part, "- "):
			blocks = append(blocks, block{"ul", items(part)})
		default:
			blocks = append(blocks, block{"p", []template.HTML{inline(part)}})
		}
	}
	return blocks
}

func items(list string) []template.HTML {
	var out []template.HTML
	for item := range strings.SplitSeq("\n"+list, "\n- ") {
		if strings.TrimSpace(item) != "" {
			out = append(out, inline(item))
		}
	}
	return out
}

var (
	code   = regexp.MustCompile("`([^`]+)`")
	strong = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// inline escapes a text and marks the code in it.
func inline(s string) template.HTML {
	s = template.HTMLEscapeString(strings.Join(strings.Fields(s), " "))
	s = strong.ReplaceAllString(s, "<b>$1</b>")
	return template.HTML(code.ReplaceAllString(s, "<code>$1</code>")) //nolint:gosec // escaped above
}
