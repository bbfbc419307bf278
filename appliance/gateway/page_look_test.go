// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"coopkit/internal/locale"
	"coopkit/internal/testkit"
)

// barriers runs axe-core on a page (WCAG 2.2 AA and its best practices), and
// asks whether it is wider than the window.
const barriers = `(async () => {
  const res = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
  const wrong = res.violations.map((v) => v.id + ": " + v.help);
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push("wider than the window");
  return wrong;
})()`

// TestPages_haveNoBarriers looks at every page in every language in Chromium, on
// a phone in the dark and on a screen in the light.
func TestPages_haveNoBarriers(t *testing.T) {
	found, err := filepath.Glob("../../.cache/axe/axe-*.min.js")
	if err != nil || len(found) == 0 {
		testkit.Missing(t, "axe-core", "it is not in .cache/axe")
	}
	axe, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	p.host.Store(&ourHost)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lang, reason, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
		r.Header.Set("Accept-Language", lang)
		p.write(w, r, http.StatusOK, HoldReason(reason), "Our wiki") // Chromium counts an error as one of the page's
	}))
	defer srv.Close()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testkit.NeedProgram(t, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	defer stop()
	ctx, closeTab := chromedp.NewContext(alloc)
	defer closeTab()
	for look, width := range map[string]int64{"dark": 320, "light": 1280} {
		colours := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look}}}
		set := func(ctx context.Context, _ *chromedp.Target) (struct{}, error) {
			return chromedp.Call(ctx, emulation.SetEmulatedMedia, colours)
		}
		if err := errors.Join(chromedp.Do(ctx), chromedp.Do(ctx, chromedp.EmulateViewport(width, 700)), chromedp.Do(ctx, set)); err != nil {
			t.Fatal(look, err)
		}
		for _, lang := range locale.Langs() {
			for _, reason := range pageReasons {
				if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/"+lang+"/"+string(reason))); err != nil {
					t.Fatal(err)
				}
				wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](string(axe)+"\n"+barriers, chromedp.EvalAwaitPromise))
				if err != nil || len(wrong) > 0 {
					t.Errorf("%s in %s, %s: %v %q", reason, lang, look, err, wrong)
				}
			}
		}
	}
}
