// SPDX-License-Identifier: AGPL-3.0-or-later

package console_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coopkit/internal/tools/arch"
)

// stepLink is a link of a message, as webkit.Remedy reads it.
var stepLink = regexp.MustCompile(`\]\((/[^)#]*)`)

// problemKey has the code of a problem in the key of a message.
var problemKey = regexp.MustCompile(`problem\.([a-z0-9-]+)\.`)

// TestRemedies_leadToPagesOfTheConsole follows every link in what the console
// says to do. What only a desk says leads to pages of the desk.
func TestRemedies_leadToPagesOfTheConsole(t *testing.T) {
	h := newHouse(t)
	mux := http.NewServeMux()
	for _, r := range h.console.Routes() {
		mux.Handle(strings.TrimSpace(r.Method+" "+r.Pattern), http.NotFoundHandler())
	}
	files, err := arch.Parse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	desks := map[string]bool{}
	problems, _ := arch.Problems(files)
	for _, p := range problems {
		if strings.HasPrefix(p.At, "desk/") {
			desks[p.Code] = true
		}
	}
	catalogues, _ := filepath.Glob("*/messages/*.en.json")
	more, _ := filepath.Glob("../../internal/webkit/messages/*.en.json")
	links := 0
	for _, name := range append(catalogues, more...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var messages map[string]any
		if err := json.Unmarshal(data, &messages); err != nil {
			t.Fatal(err)
		}
		for key, m := range messages {
			text, _ := m.(string)
			if code := problemKey.FindStringSubmatch(key); code != nil && desks[code[1]] {
				continue
			}
			for _, link := range stepLink.FindAllStringSubmatch(text, -1) {
				links++
				req := httptest.NewRequest(http.MethodGet, wildcard.ReplaceAllString(link[1], "x"), nil)
				if _, pattern := mux.Handler(req); pattern == "" {
					t.Errorf("%s leads to %s, which is no page", key, link[1])
				}
			}
		}
	}
	if links < 60 {
		t.Errorf("only %d links are known", links)
	}
}
