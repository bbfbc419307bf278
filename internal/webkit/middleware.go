// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"coopkit/internal/answered"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
	"coopkit/internal/supervise"
)

// policy allows what a page of ours needs and nothing else; nothing is inline.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		next.ServeHTTP(w, r)
	})
}

// compressed compresses pages; live streams and files that are compressed
// already pass as they are.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"text/html", "text/plain"}), gzhttp.MinSize(1024))
	if err != nil { // the options above are constants
		return next
	}
	zipped := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, staticPath) || strings.HasSuffix(r.URL.Path, "/events") {
			next.ServeHTTP(w, r)
			return
		}
		zipped.ServeHTTP(w, r)
	})
}

type idKey struct{}

func (ui *UI) withID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), idKey{}, rand.Text()[:12])))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string) // absent in tests of single handlers
	return id
}

// logged writes one line a request; queries may hold what is private and are
// left out.
func (ui *UI) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, start := &answered.Writer{ResponseWriter: w}, time.Now()
		before := ui.statements()
		next.ServeHTTP(rec, r)
		ui.cfg.Log.LogAttrs(r.Context(), slog.LevelDebug, "page served", slog.String("method", r.Method), slog.String(logkey.Path, r.URL.Path),
			slog.Int("status", rec.Status), slog.Duration(logkey.Took, time.Since(start)),
			slog.Int64("statements", ui.statements()-before), // of all who work at the same time
			slog.String(logkey.RequestID, requestID(r.Context())))
	})
}

func (ui *UI) statements() int64 {
	if ui.cfg.Statements == nil {
		return 0
	}
	return ui.cfg.Statements()
}

func (ui *UI) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := supervise.Recovered(func() error {
			next.ServeHTTP(w, r)
			return nil
		})
		if errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // net/http's own way to end a connection
		}
		if err != nil {
			ui.fail(w, r, err)
		}
	})
}

// handle turns a handler that returns an error into an http.Handler. It is the
// only place where an error becomes a page.
func (ui *UI) handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			ui.fail(w, r, err)
		}
	})
}

func (ui *UI) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !supervise.Panicked(err) {
		return // nobody reads the answer
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = bodyTooLarge(tooLarge.Limit)
	}
	p := problem.From(err, requestID(r.Context()))
	level := slog.LevelInfo
	if p.Kind == problem.Failed || p.Kind == "" {
		level = slog.LevelError
	}
	ui.cfg.Log.LogAttrs(r.Context(), level, "request failed", slog.String(logkey.Code, p.Code),
		slog.String(logkey.Path, r.URL.Path), slog.String(logkey.RequestID, requestID(r.Context())), slog.Any(logkey.Err, err))
	if again := ui.problemPage(w, r, p); again != nil {
		ui.cfg.Log.Error("problem not shown", slog.Any(logkey.Err, again))
		http.Error(w, p.What, http.StatusInternalServerError)
	}
}

type problemPage struct {
	*Page
	What, Why string
	Next      Remedy
	Code, ID  string
	Own       []string // the problem's own words, where others stand above
}

func (ui *UI) problemPage(w http.ResponseWriter, r *http.Request, p *problem.Problem) error {
	page := problemPage{Page: ui.NewPage(r, "webkit.problem.title"), Code: p.Code, ID: requestID(r.Context())}
	page.What, page.Why, page.Next = Explain(page.Locale, p)
	if page.What != capital(p.What) {
		page.Own = append([]string{p.What, p.Why}, p.Next...)
	}
	page.Title = page.What
	return ui.Render(w, status(p), "problem", page)
}

// status is that of the problem's kind; for two, pages have their own.
func status(p *problem.Problem) int {
	switch {
	case p.Code == "signed-out":
		return http.StatusUnauthorized
	case p.Kind == problem.Invalid: // a form to fill in again
		return http.StatusUnprocessableEntity
	default:
		return rfc9457.Status(p.Kind)
	}
}

func notFound() error {
	return &problem.Problem{
		Code: "page-not-found", Kind: problem.NotFound, What: "there is no page at this address",
		Why: "it never was there, or what it showed is gone", Next: []string{"go to the home page and look from there"},
	}
}

func signedOut() error {
	return &problem.Problem{
		Code: "signed-out", Kind: problem.Forbidden, What: "you are not signed in, so nothing was changed",
		Why: "the session ended or was ended from another place", Next: []string{"sign in and send it again"},
	}
}

func crossOrigin() error {
	return &problem.Problem{
		Code: "cross-origin", Kind: problem.Forbidden, What: "this was sent from another site, so nothing was changed",
		Why: "only pages of this site may change something here", Next: []string{"open the page here and send it again"},
	}
}

func bodyTooLarge(limit int64) error {
	return &problem.Problem{
		Code: "body-too-large", Kind: problem.Invalid, What: fmt.Sprintf("what was sent is larger than %d kB, so nothing was changed", limit/1000),
		Next: []string{"send less at a time"},
	}
}
