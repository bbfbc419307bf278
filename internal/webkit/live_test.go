// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/internal/webkit"
)

// liveSite has one live page, which ends only when its request does.
func liveSite(t *testing.T, signedIn *atomic.Bool) http.Handler {
	t.Helper()
	ui, err := webkit.New(webkit.Config{
		Name: "desk", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		User: func(*http.Request) (webkit.User, bool) { return webkit.User{ID: "1", Session: "s"}, signedIn.Load() },
	})
	if err != nil {
		t.Fatal(err)
	}
	ui.Router().Signed("GET /fleet/events", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := webkit.NewStream(w); err != nil {
			return err
		}
		<-r.Context().Done()
		return nil
	})
	return ui.Router().Handler()
}

func watch(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://desk.example/fleet/events", nil))
	return rec
}

func TestLive_endsWithTheSession(t *testing.T) {
	var signedIn atomic.Bool
	signedIn.Store(true)
	h := liveSite(t, &signedIn)
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := watch(t, h).Body.String(); !strings.HasSuffix(got, "event: end\ndata: \n\n") {
				t.Errorf("the stream ends with %q", got)
			}
		})
		<-time.After(time.Minute)
		signedIn.Store(false)
		begun := time.Now()
		wg.Wait()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it goes on for %s", took)
		}
	})
}

func TestLive_isBoundedForASession(t *testing.T) {
	var signedIn atomic.Bool
	signedIn.Store(true)
	h := liveSite(t, &signedIn)
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() { watch(t, h) })
		}
		synctest.Wait()
		if rec := watch(t, h); rec.Code != http.StatusServiceUnavailable {
			t.Errorf("one more: %d", rec.Code)
		}
		signedIn.Store(false)
		wg.Wait()
		signedIn.Store(true)
		wg.Go(func() { watch(t, h) }) // there is room again
		synctest.Wait()
		signedIn.Store(false)
		wg.Wait()
	})
}
