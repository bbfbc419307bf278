// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coopkit/internal/locale"
)

// Page is what every page has; the struct of a page embeds a *Page. Texts are
// in the reader's language already.
type Page struct {
	*locale.Locale
	UI      string // console or desk
	Title   string // state first, then place
	Lead    string // one line below the h1
	Brand   Brand
	Nav     []NavItem
	Crumbs  []Link
	Foot    []Link
	Note    string // in the footer: whose times these are
	Version string
	Help    string // where "Get help" leads; empty for none
	Waiting int    // how many things wait for this person, for the tab of the browser
	User    *User
	Flash   *Flash
	Errors  []FieldError
	Theme   string // light, dark, or empty for what the system says
	Path    string // of this page, with its query, for links that lead back; of the one above for what answers a form
	Wide    bool   // without navigation at the side: sign-in, set-up
	Refresh int    // seconds after which a browser without scripts asks again; 0: never
	Now     time.Time
	Heading string // h1; empty: the title
	place   *time.Location
}

// Brand is the first line of every page: the co-op comes first.
type Brand struct{ Name, Sub, Href string }

// NavItem is one entry of the navigation. Count says how many things there wait
// for this person.
type NavItem struct {
	Text, Href, Icon string
	Here, Gap        bool
	Count            int
}

// Link is a text with a place; without Href it is the place itself.
type Link struct{ Text, Href string }

// FieldError is what is wrong with one field of a form: how to put it right.
type FieldError struct{ Field, Text string }

// NewPage starts a page for a request; the title's key is looked up with args.
func (ui *UI) NewPage(r *http.Request, titleKey string, args ...any) *Page {
	p := &Page{
		Locale: ui.Locale(r), UI: ui.cfg.Name, Now: ui.cfg.Now(), Theme: theme(r), Path: ui.router.again(r),
		Flash: flashOf(r), place: time.Local,
	}
	if u, ok := UserOf(r.Context()); ok {
		p.User = &u
	}
	p.Title = p.T(titleKey, args...)
	if ui.cfg.Frame != nil {
		ui.cfg.Frame(r, p)
	}
	return p
}

// H1 is the heading of the page.
func (p *Page) H1() string {
	if p.Heading != "" {
		return p.Heading
	}
	return p.Title
}

// Langs are the languages that the reader can switch to.
func (p *Page) Langs() []string { return locale.Langs() }

// SameIn is this page in another language, and SameIn's link can be kept.
func (p *Page) SameIn(lang string) string { return p.with("lang", lang) }

// SameWith is this page in another theme.
func (p *Page) SameWith(theme string) string { return p.with("theme", theme) }

func (p *Page) with(key, value string) string {
	u, err := url.Parse(p.Path)
	if err != nil {
		return "/?" + key + "=" + value
	}
	q := u.Query()
	q.Set(key, value)
	return u.EscapedPath() + "?" + q.Encode() // escaped: a decoded path can begin with two slashes, which is another host
}

// H returns a message that contains markup; values are escaped, but for markup
// and the numbers that choose a plural.
func (p *Page) H(key string, args ...any) template.HTML {
	safe := make([]any, len(args))
	for i, a := range args {
		switch a.(type) {
		case template.HTML, int, int64:
			safe[i] = a
		default:
			safe[i] = html.EscapeString(fmt.Sprint(a))
		}
	}
	return template.HTML(p.T(key, safe...)) //nolint:gosec // our own message, escaped values
}

// Ago renders how long ago t was, with the exact time for machines.
func (p *Page) Ago(t time.Time) template.HTML { return p.time(t, p.Locale.Ago(p.here(t), p.Now)) }

// Day renders a date.
func (p *Page) Day(t time.Time) template.HTML { return p.time(t, p.Date(p.here(t))) }

// Moment renders a date and the time of day.
func (p *Page) Moment(t time.Time) template.HTML { return p.time(t, p.DateTime(p.here(t))) }

// Hour renders the time of day.
func (p *Page) Hour(t time.Time) template.HTML { return p.time(t, p.Clock(p.here(t))) }

// In sets whose clock the page shows; without it, that of this machine.
func (p *Page) In(loc *time.Location) { p.place = loc }

func (p *Page) here(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(p.place)
}

func (p *Page) time(t time.Time, text string) template.HTML {
	if t.IsZero() {
		return template.HTML(html.EscapeString(text)) //nolint:gosec // escaped
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), html.EscapeString(text))) //nolint:gosec // escaped
}

// Error returns what is wrong with a field, or nothing.
func (p *Page) Error(field string) string {
	for _, e := range p.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// Fail adds an error of a field. The page is then shown again with status 422.
func (p *Page) Fail(field, text string) { p.Errors = append(p.Errors, FieldError{field, text}) }

// FullTitle is the title of the browser's tab: "Error: " first where something
// is to be put right, then how much waits, then the state, then the place.
func (p *Page) FullTitle() string {
	title := p.Title
	if p.Waiting > 0 {
		title = p.T("webkit.title.waiting", "waiting", p.Waiting, "title", title)
	}
	if len(p.Errors) > 0 {
		title = p.T("webkit.title.error", "title", title)
	}
	return strings.TrimSuffix(title, ".") + " · " + p.Brand.Name
}
