// SPDX-License-Identifier: AGPL-3.0-or-later

package journey

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"coopkit/internal/testkit"
)

// How a person uses the browser.
type hands string

const (
	mouse     hands = "mouse"
	keyboard  hands = "keyboard"
	noScripts hands = "without scripts"
)

// patience is how long a page may take to be as it should.
const patience = 30 * time.Second

// browser is one window of one person.
type browser struct {
	t     *testing.T
	ctx   context.Context
	hands hands
	shots string // folder for pictures
	did   effort
}

// effort is what a person had to do until something works.
type effort struct {
	clicks, fields int
	began          time.Time
}

// newBrowser opens a window with a fresh profile.
func newBrowser(t *testing.T, how hands) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testkit.NeedProgram(t, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP *.demo.coop 127.0.0.1, MAP demo.coop 127.0.0.1"),
		chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(closeTab)
	b := &browser{t: t, ctx: ctx, hands: how, shots: t.ArtifactDir()}
	if err := chromedp.Do(ctx); err != nil { // the first call starts Chromium, for as long as its context lives
		t.Fatal(err)
	}
	if how == noScripts {
		ask(b, "switch scripts off", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	return b
}

// ask runs an action and returns its value; what is said when it fails is the
// step that a reader knows.
func ask[T any](b *browser, step string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.fail("%s: %v", step, err)
	}
	return v
}

// call is a command of the browser's debugger.
func call[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, _ *chromedp.Target) (R, error) { return chromedp.Call(ctx, cmd, params) }
}

// fail keeps a picture of what was there instead.
func (b *browser) fail(format string, args ...any) {
	b.t.Helper()
	where, text := b.where()
	b.picture("failed-"+strings.NewReplacer("/", "-", " ", "-").Replace(b.t.Name()), true)
	b.t.Fatalf("%s\nat %s, where it says:\n%s\npictures are in %s", fmt.Sprintf(format, args...), where, text, b.shots)
}

func (b *browser) where() (url, text string) {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	url, err := chromedp.Run(ctx, chromedp.Location())
	if err == nil {
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	}
	if err != nil {
		return url, err.Error()
	}
	return url, text
}

// open goes to an address.
func (b *browser) open(url string) {
	b.t.Helper()
	var err error
	for range 3 {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err = chromedp.Do(ctx, chromedp.Navigate(url))
		cancel()
		if err == nil || !networkChanged(err) {
			break
		}
	}
	if err != nil {
		b.fail("open %s: %v", url, err)
	}
}

// speak asks for pages in a language, as the browser's settings do.
func (b *browser) speak(lang string) {
	b.t.Helper()
	ask(b, "speak "+lang, call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}))
}

// size sets how wide the window is, and whether the system is dark.
func (b *browser) size(width, height int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	ask(b, "resize", chromedp.EmulateViewport(width, height))
	ask(b, "set colours", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// mark finds what people press and fill, links and buttons by their words,
// fields by their label, and marks it for the next action. It runs in the
// debugger, so it works on pages without scripts too.
const mark = `((kind, name) => {
  const clean = (s) => (s || "").replace(/\s+/g, " ").trim();
  for (const e of document.querySelectorAll("[data-journey]")) e.removeAttribute("data-journey");
  let found = null;
  if (kind === "field") {
    for (const l of document.querySelectorAll("label")) if (!found && clean(l.textContent).startsWith(name)) found = l.control;
  } else {
    const all = [...document.querySelectorAll("a, button, summary")].filter((e) => e.checkVisibility({ visibilityProperty: true }));
    found = all.find((e) => clean(e.textContent) === name) || all.find((e) => clean(e.textContent).startsWith(name)) ||
      all.find((e) => clean(e.textContent).includes(name));
  }
  if (found) found.setAttribute("data-journey", "");
  return !!found;
})`

// marked is the element that mark found.
const marked = chromedp.CSS("[data-journey]")

// find waits until there is an element with that name.
func (b *browser) find(kind, name string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf("%s(%q, %q)", mark, kind, name)))
		if err == nil && found {
			return
		}
		if time.Now().After(deadline) {
			b.fail("there is no %s named %q", kind, name)
		}
		b.pause()
	}
}

// pause lets the page work a little before it is looked at again.
func (b *browser) pause() {
	select {
	case <-b.ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// press presses the link or button with these words and waits for the page that
// it leads to. A live page may replace what was found before it is pressed; a
// person looks again then.
func (b *browser) press(name string) {
	b.t.Helper()
	b.did.clicks++
	var err error
	for range 3 {
		b.find("button", name)
		action := chromedp.Click(marked)
		if b.hands == keyboard {
			if err = b.tabTo(name); err != nil {
				continue
			}
			action = chromedp.KeyEvent(kb.Enter)
		}
		ctx, cancel := context.WithTimeout(b.ctx, patience/2)
		_, err = chromedp.RunResponse(ctx, action)
		cancel()
		if err == nil {
			return
		}
		if url, _ := b.where(); b.again(url) {
			return
		}
	}
	b.fail("press %q: %v", name, err)
}

// networkChanged reports whether Chromium gave a request up because the engine
// made a network for an app at that moment.
func networkChanged(err error) bool { return strings.Contains(err.Error(), "ERR_NETWORK_CHANGED") }

// again loads a page again that Chromium gave up, as a person does who reads
// that the connection was interrupted; a form is sent again with it.
func (b *browser) again(url string) bool {
	if !strings.HasPrefix(url, "chrome-error:") {
		return false
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_ = chromedp.Do(ctx, chromedp.Reload()) // who calls looks at the page that it gives
	return true
}

// tabTo presses Tab until the marked element has the focus, as somebody without
// a mouse does, and checks that the focus can be seen.
func (b *browser) tabTo(name string) error {
	b.t.Helper()
	const look = `(() => {
		const e = document.querySelector("[data-journey]");
		if (!e || document.activeElement !== e) return "elsewhere";
		const s = getComputedStyle(e), t = getComputedStyle(e, "::after");
		return s.outlineStyle === "none" && t.outlineStyle === "none" && s.boxShadow === "none" ? "unseen" : "there";
	})()`
	for range 100 {
		switch ask(b, "look where the focus is", chromedp.Evaluate[string](look)) {
		case "there":
			return nil
		case "unseen":
			b.fail("the focus on %q cannot be seen", name)
		}
		ask(b, "press Tab", chromedp.KeyEvent(kb.Tab))
	}
	return fmt.Errorf("the Tab key never reaches %q", name)
}

// fill writes into the field whose label begins with these words.
func (b *browser) fill(label, value string) {
	b.t.Helper()
	b.did.fields++
	b.find("field", label)
	if b.hands == keyboard {
		if err := b.tabTo(label); err != nil {
			b.fail("fill %q: %v", label, err)
		}
	} else {
		ask(b, "go to "+label, chromedp.Focus(marked))
	}
	ask(b, "select all in "+label, chromedp.Evaluate[bool](`(() => { document.activeElement.select?.(); return true; })()`))
	ask(b, "write into "+label, call(input.InsertText, input.InsertTextParams{Text: value}))
}

// choose ticks or picks the field whose label begins with these words.
func (b *browser) choose(label string) {
	b.t.Helper()
	b.did.clicks++
	b.find("field", label)
	if b.hands != keyboard {
		ask(b, "choose "+label, chromedp.Click(marked))
		return
	}
	ask(b, "go to "+label, chromedp.Focus(marked)) // radios are reached by arrows, which depends on what was chosen before
	ask(b, "choose "+label, chromedp.KeyEvent(" "))
}

// unfold opens what is folded away under these words.
func (b *browser) unfold(name string) {
	b.t.Helper()
	b.did.clicks++
	b.find("button", name)
	if b.hands != keyboard {
		ask(b, "unfold "+name, chromedp.Click(marked))
		return
	}
	if err := b.tabTo(name); err != nil {
		b.fail("unfold %q: %v", name, err)
	}
	ask(b, "unfold "+name, chromedp.KeyEvent(kb.Enter))
}

// attach chooses files for the field with this label; the system's own dialogue
// for that is not part of a page.
func (b *browser) attach(label string, files ...string) {
	b.t.Helper()
	b.find("field", label)
	ask(b, "attach to "+label, chromedp.SetUploadFiles(marked, files))
}

// sees waits until the page says all of these words. Without scripts it loads
// the page again meanwhile, as the page itself does.
func (b *browser) sees(words ...string) {
	b.t.Helper()
	deadline := time.Now().Add(4 * patience)
	for {
		url, text := b.where()
		missing := ""
		flat := strings.Join(strings.Fields(text), " ")
		for _, w := range words {
			if !strings.Contains(flat, w) {
				missing = w
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			b.fail("the page does not say %q", missing)
		}
		if !b.again(url) {
			b.pause()
		}
	}
}

// says returns the text of the first element that matches.
func (b *browser) says(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(ask(b, "read "+selector, chromedp.Text(chromedp.CSS(selector))))
}

// at returns where the browser is.
func (b *browser) at() string {
	b.t.Helper()
	return ask(b, "look where it is", chromedp.Location())
}

// shows keeps a picture of a page of ours and looks for barriers: answers to
// forms are pages too, and no link leads to them.
func (b *browser) shows(name string) {
	b.t.Helper()
	if b.hands == mouse {
		b.check(axe(b.t), name)
	}
	b.picture(name, true)
}

// picture keeps what is seen as name.png; whole means the whole page, not only
// what fits the window.
func (b *browser) picture(name string, whole bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(ctx, take)
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(b.shots, name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
	if *pictures && b.hands == mouse && slices.Contains(inDocs, name) {
		if err := os.WriteFile(filepath.Join("../../../docs/images", name+".png"), png, 0o644); err != nil {
			b.t.Error(err)
		}
	}
}

// pictures says that the documentation's pictures are to be made anew.
var pictures = flag.Bool("pictures", false, "write the pictures in docs/images")

// inDocs are the pictures in the documentation.
var inDocs = []string{"home", "job", "fleet", "setup-name", "catalogue", "add-plan", "app", "desk-words", "box-finding"}

// evaluate runs a question in the debugger.
func evaluate(question string) chromedp.Action[bool] { return chromedp.Evaluate[bool](question) }
