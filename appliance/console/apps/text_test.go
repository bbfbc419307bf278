// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func texts(s ...string) []template.HTML {
	out := make([]template.HTML, len(s))
	for i, text := range s {
		out[i] = template.HTML(text)
	}
	return out
}

func TestMarkdown(t *testing.T) {
	got := markdown("# Title\n\n## What it is\n\nA **wiki** at\n`/x?<y>` & more.\n\n- one\n  goes on\n- two\n\n```\na <b>\n\nc\n```\n\nend\n")
	want := []block{
		{"h", texts("What it is")},
		{"p", texts("A <b>wiki</b> at <code>/x?&lt;y&gt;</code> &amp; more.")},
		{"ul", texts("one goes on", "two")},
		{"pre", texts("a &lt;b&gt;\n\nc\n")},
		{"p", texts("end")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Every recipe of the catalogue is described in what we read.
func TestMarkdown_readsTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("../../../recipes/catalogue/*/README.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no descriptions: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range markdown(string(text)) {
			for _, s := range b.Texts {
				if b.Kind != "pre" && (strings.Contains(string(s), "](") || strings.Contains(string(s), "**") || strings.Contains(string(s), "`")) {
					t.Errorf("%s: not understood: %s", f, s)
				}
			}
		}
	}
}

// Whatever a description says, it cannot put an element of its own on the page.
func FuzzMarkdown(f *testing.F) {
	f.Add("## a\n\n- `x` **y**\n\n```\n<script>\n\n</script>```\n\n<img src=x onerror=y>")
	f.Add("``` \n")
	f.Add("**`**`")
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range markdown(text) {
			if len(b.Texts) == 0 {
				t.Fatalf("a block without text: %+v", b)
			}
			for _, s := range b.Texts {
				nodes, err := html.ParseFragment(strings.NewReader(string(s)), nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range nodes {
					for d := range n.Descendants() {
						if d.Type == html.ElementNode && !strings.Contains(" html head body b code ", " "+d.Data+" ") || d.Type == html.ElementNode && len(d.Attr) > 0 {
							t.Fatalf("%q puts %q on the page", text, d.Data)
						}
					}
				}
			}
		}
	})
}

func TestLineTail_keepsTheLastCleanLines(t *testing.T) {
	l := &lineTail{keep: 2}
	if l.fresh() {
		t.Error("fresh before anything came")
	}
	at := "2026-11-30T12:00:00Z "
	for _, piece := range []string{"app | " + at + "first\napp | 2026-", "11-30T12:00:00Z second\x1b[31m red\x1b[0m\x07\r\nno line\ndb | " + at + "third \xff\nfour"} {
		if n, err := fmt.Fprint(l, piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	var got []string
	for _, line := range l.lines() {
		got = append(got, line.String())
	}
	if d := cmp.Diff([]string{"app | second red", "db | third \uFFFD"}, got); d != "" {
		t.Error(d)
	}
	if !l.fresh() || l.fresh() {
		t.Error("fresh is not told once")
	}
	if _, err := fmt.Fprintln(l, "\napp | "+at+strings.Repeat("x", 50000)); err != nil || len(l.lines()[1].Text) > longestLine {
		t.Errorf("a line of %d bytes is kept", len(l.lines()[1].Text))
	}
}

func TestFold(t *testing.T) {
	if got := fold("  Ñandú É "); got != "nandu e" {
		t.Errorf("got %q", got)
	}
}
