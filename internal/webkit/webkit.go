// SPDX-License-Identifier: AGPL-3.0-or-later

// Package webkit is what the console and the desk share as web pages: one set
// of templates, one style sheet and its icons, the order of middleware, the
// list of routes with who may call them, flashes, errors as pages, and live
// regions. It knows nothing of apps, boxes or databases. Its tests render every
// part and send requests as a stranger does.
package webkit

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"coopkit/internal/locale"
	"coopkit/internal/logkey"
)

//go:embed templates/*.html
var ownTemplates embed.FS

//go:embed messages/*.json
var ownMessages embed.FS

// Messages are the words of this package: findings, problems, severities. Pages
// have them already; they are for text that is not on a page.
func Messages() fs.FS { return ownMessages }

// User is who is signed in. ID is the account's, Session names the session.
type User struct {
	ID, Name, Role, Session string
}

// Config is what a web interface is made of.
type Config struct {
	Name      string  // "console" or "desk": class of the body, part of cookie names
	Templates []fs.FS // *.html files that define one template a page
	Messages  []fs.FS // catalogues, see package locale
	Log       *slog.Logger
	Now       func() time.Time
	// User returns who sent the request, from its session; nobody for a stranger.
	User func(r *http.Request) (User, bool)
	// Context, when set, adds to the context of a request what the program wants
	// to know of the person who sent it.
	Context func(ctx context.Context, u User) context.Context
	// Statements counts those sent to the database so far; nil where nobody counts.
	Statements func() int64
	// Frame completes the page before it is rendered: brand, navigation, footer.
	Frame func(r *http.Request, p *Page)
}

// UI renders pages of one web interface. Make it with New; it is safe for
// concurrent use.
type UI struct {
	cfg    Config
	pages  *template.Template
	bundle *locale.Bundle
	assets *assets
	router *Router
}

// New parses all templates and catalogues, so that what is wrong in them is
// known at start.
func New(cfg Config) (*UI, error) {
	ui := &UI{cfg: cfg}
	var err error
	if ui.assets, err = newAssets(); err != nil {
		return nil, err
	}
	if ui.bundle, err = locale.New(append([]fs.FS{ownMessages}, cfg.Messages...)...); err != nil {
		return nil, err
	}
	ui.pages = template.New("").Funcs(template.FuncMap{"icon": ui.assets.icon, "asset": ui.assets.url})
	for _, fsys := range append([]fs.FS{ownTemplates}, cfg.Templates...) {
		files, err := fs.Glob(fsys, "*/*.html")
		if err != nil {
			return nil, fmt.Errorf("find templates: %w", err)
		}
		if len(files) == 0 {
			continue // messages alone
		}
		if ui.pages, err = ui.pages.ParseFS(fsys, files...); err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
	}
	ui.router = newRouter(ui)
	return ui, nil
}

// Bundle returns the messages, for tests and for text that is not on a page.
func (ui *UI) Bundle() *locale.Bundle { return ui.bundle }

// Router returns the routes of this interface.
func (ui *UI) Router() *Router { return ui.router }

// Locale returns the language of a request: the one chosen on this browser,
// else the best that it accepts.
func (ui *UI) Locale(r *http.Request) *locale.Locale {
	return ui.bundle.Match(cookieValue(r, langCookie), r.Header.Get("Accept-Language"))
}

// Render writes a page: data embeds a *Page and name is the template's. The
// page is rendered whole before anything is sent; an error is for the caller to
// return.
func (ui *UI) Render(w http.ResponseWriter, status int, name string, data any) error {
	var b bytes.Buffer
	if err := ui.pages.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		ui.cfg.Log.Debug("page not sent", slog.Any(logkey.Err, err))
	}
	return nil
}

// Fragment renders a template to a string, for live regions.
func (ui *UI) Fragment(name string, data any) (string, error) {
	var b bytes.Buffer
	if err := ui.pages.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return b.String(), nil
}

// Redirect answers a change with 303, so that reloading does not repeat it.
func (ui *UI) Redirect(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
