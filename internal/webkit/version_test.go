// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestShortVersion_isForPeople(t *testing.T) {
	ui, err := New(Config{Name: "console", Log: slog.New(slog.DiscardHandler), Now: time.Now, User: func(*http.Request) (User, bool) { return User{}, false }})
	if err != nil {
		t.Fatal(err)
	}
	p := ui.NewPage(httptest.NewRequest(http.MethodGet, "/", nil), "webkit.problem.title")
	for version, want := range map[string]string{
		"v0.0.0-20261127094122-daedad093b0a":        "0.0, 27 November 2026",
		"v0.0.0-20261127094122-daedad093b0a+dirty":  "0.0, 27 November 2026",
		"v0.3.2-0.20261127094122-daedad093b0a":      "0.3, 27 November 2026",
		"v1.0.0-rc.1.0.20261127094122-daedad093b0a": "1.0, 27 November 2026",
		"v0.3.1":      "0.3.1",
		"v0.3.1-rc.1": "0.3.1-rc.1",
		"(devel)":     "(devel)",
		"unknown":     "unknown",
	} {
		if got := p.ShortVersion(version); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}
