// SPDX-License-Identifier: AGPL-3.0-or-later

package journey

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"coopkit/internal/testkit"
)

// axe is the source of axe-core, which make test fetches.
func axe(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../../../.cache/axe/axe-*.min.js")
	if err != nil || len(found) == 0 {
		testkit.Missing(t, "axe-core", "it is not in .cache/axe")
	}
	source, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// barriers runs axe-core on the page: WCAG 2.2 AA and its best practices.
const barriers = `(async () => {
  const res = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  return res.violations.map((v) => v.id + ": " + v.help + "\n" + v.nodes.map((n) => "    " + n.html + "\n    " + n.failureSummary).join("\n"));
})()`

// fits asks what is wider than the window, and what moved while the page loaded.
const fits = `(() => {
  const wrong = [], width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".tw, pre, .sr"));
    wrong.push("wider than the window: " + document.documentElement.scrollWidth + " of " + width + " pixels: " + wide.slice(0, 4).map((e) => e.outerHTML.slice(0, 120)).join(" | "));
  }
  const cut = [...document.querySelectorAll("button, .btn, .pill, h1, h2, h3")].filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline" && getComputedStyle(e).overflow === "hidden" && !e.closest(".sr"));
  for (const e of cut) wrong.push("cut off: " + e.textContent);
  return wrong;
})()`

const shifted = `new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) sum += e.value; }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 50);
})`

const weight = `performance.getEntriesByType("resource").filter((e) => /\.(css|js)$/.test(e.name)).reduce((sum, e) => sum + e.encodedBodySize, 0)`

// looks are the ways in which every page is seen.
var looks = []struct {
	lang  string
	width int64
	dark  bool
}{
	{"en", 1280, false},
	{"en", 1280, true},
	{"en", 390, true},
	{"es", 390, false},
	{"fr", 390, false},
	{"fr", 320, false},
}

// lookEverywhere follows every link from the given pages within the site, and
// looks at each page once per kind: /apps/wordpress and /apps/wiki are one.
func (b *browser) lookEverywhere(base string, starts ...string) []string {
	b.t.Helper()
	source := axe(b.t)
	seen, queue := map[string]bool{}, slices.Clone(starts)
	var paths []string
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if kind := kindOfPage(path); seen[kind] {
			continue
		} else {
			seen[kind] = true
		}
		b.speak("en")
		b.size(1280, 900, false)
		b.open(base + path)
		if !strings.HasPrefix(b.at(), base) || !ask(b, "is it a page", evaluate(`document.contentType === "text/html" && !!document.querySelector("main")`)) {
			continue
		}
		paths = append(paths, path)
		queue = append(queue, b.links(base)...)
		b.look(source, base, path)
	}
	return paths
}

// kindOfPage names pages that differ only in what they are about.
func kindOfPage(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	parts := strings.Split(u.Path, "/")
	for i, p := range parts {
		if i >= 2 && (parts[1] != "settings" && parts[1] != "catalogue" && parts[1] != "setup") && !slices.Contains([]string{"new", "remove", "messages", "copy", "labels", "recover", "publish", "later"}, p) {
			parts[i] = "*"
		}
	}
	if u.RawQuery != "" && !strings.Contains(u.RawQuery, "next=") {
		return strings.Join(parts, "/") + "?*"
	}
	return strings.Join(parts, "/")
}

// download matches what is a file to keep, not a page.
var download = regexp.MustCompile(`\.(crt|csv|txt|zip)(\?|$)|^/(sites|names)/[^/]+/copy$`)

func (b *browser) links(base string) []string {
	b.t.Helper()
	hrefs := ask(b, "collect links", chromedp.Evaluate[[]string](`[...document.querySelectorAll("a[href]:not([download])")].map((a) => a.href)`))
	var out []string
	for _, href := range hrefs {
		path, ok := strings.CutPrefix(href, base)
		path, _, _ = strings.Cut(path, "#")
		if ok && path != "" && !download.MatchString(path) && !strings.Contains(path, "lang=") && !strings.Contains(path, "theme=") {
			out = append(out, path)
		}
	}
	return out
}

// check looks at the page as it stands.
func (b *browser) check(source, where string) {
	b.t.Helper()
	for _, wrong := range ask(b, "measure", chromedp.Evaluate[[]string](fits)) {
		b.t.Errorf("%s: %s", where, wrong)
	}
	ask(b, "load axe-core", evaluate(source+"\ntrue"))
	for _, wrong := range ask(b, "look for barriers", chromedp.Evaluate[[]string](barriers, chromedp.EvalAwaitPromise)) {
		b.t.Errorf("%s: %s", where, wrong)
	}
}

// look checks one page in every way.
func (b *browser) look(source, base, path string) {
	b.t.Helper()
	for _, l := range looks {
		b.speak(l.lang)
		b.size(l.width, 900, l.dark)
		b.open(base + path)
		where := fmt.Sprintf("%s in %s, %d wide, dark %v", path, l.lang, l.width, l.dark)
		if got := ask(b, "read the language", chromedp.Evaluate[string](`document.documentElement.lang`)); got != l.lang {
			b.t.Errorf("%s speaks %s", where, got)
		}
		if moved := ask(b, "look what moved", chromedp.Evaluate[float64](shifted, chromedp.EvalAwaitPromise)); moved > 0.01 {
			b.t.Errorf("%s: the layout shifts by %.3f", where, moved)
		}
		if bytes := ask(b, "weigh", chromedp.Evaluate[int](weight)); bytes > 30_000 {
			b.t.Errorf("%s: style and script are %d bytes", where, bytes)
		}
		b.check(source, where)
		if l.width == 1280 && !l.dark || l.lang == "fr" && l.width == 390 { // enough to look at
			b.picture(strings.Trim(strings.NewReplacer("/", "-", "?", "-", "&", "-", "=", "-").Replace("page"+path), "-")+fmt.Sprintf("-%s-%d-%v", l.lang, l.width, l.dark), true)
		}
	}
}
