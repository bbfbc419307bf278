// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// pages renders the gateway's own pages: reasons to wait, unknown names,
// missing pages. They need no script and nothing from elsewhere.
type pages struct {
	html  *template.Template
	style template.CSS
	csp   string
	match language.Matcher
	tags  []string
}

// page is what the template takes.
type page struct {
	Lang, Title, Text, Link string
	Again                   int // seconds after which the page looks again; 0 = never
	Style                   template.CSS
}

// again says after how many seconds it is worth to look again.
var again = map[HoldReason]int{
	Starting: 10, unreachable: 10, busy: 10, ClosedUntilOwner: 30, Failing: 60, Stopped: 3600,
}

func newPages() (*pages, error) {
	html, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	sum := sha256.Sum256([]byte(pageCSS))
	tags := []string{"en", "es", "fr"}
	supported := make([]language.Tag, len(tags))
	for i, t := range tags {
		supported[i] = language.MustParse(t)
	}
	return &pages{
		html:  html,
		style: template.CSS(pageCSS), //nolint:gosec // our own file
		csp: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		match: language.NewMatcher(supported),
		tags:  tags,
	}, nil
}

// holding answers every request with the page of a reason, as 503.
func (g *Gateway) holding(r Route, reason HoldReason) http.Handler {
	name := r.called()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g.pages.write(w, req, http.StatusServiceUnavailable, reason, name)
	})
}

// called is what people call the address.
func (r Route) called() string {
	if r.Title != "" {
		return r.Title
	}
	return string(r.Host)
}

// misdirected answers for a name that is not in the table.
func (p *pages) misdirected(w http.ResponseWriter, r *http.Request) {
	name := r.Host
	if name == "" || len(name) > 253 {
		name = "…"
	}
	p.write(w, r, http.StatusMisdirectedRequest, misdirected, name)
}

// write answers with a page, or with plain text where HTML is not wanted.
func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, reason HoldReason, name string) {
	lang, say := p.words(r.Header.Get("Accept-Language"), reason)
	fill := strings.NewReplacer("{name}", name)
	out := page{
		Lang: lang, Title: fill.Replace(say.title), Text: fill.Replace(say.text), Link: say.link,
		Style: p.style,
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept, Accept-Language")
	if wait := again[reason]; wait != 0 {
		h.Set("Retry-After", strconv.Itoa(wait))
		if wait < 3600 {
			out.Again = wait
		}
	}
	var body bytes.Buffer
	if wantsHTML(r) && p.html.Execute(&body, out) == nil {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", p.csp)
		h.Set("Referrer-Policy", "no-referrer")
	} else {
		body.Reset()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body.WriteString(out.Title + "\n\n" + out.Text + "\n")
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // a visitor who went away needs no page
	}
}

// words chooses the language of a page.
func (p *pages) words(accept string, reason HoldReason) (string, words) {
	_, i := language.MatchStrings(p.match, accept)
	return p.tags[i], pageWords[p.tags[i]][reason]
}

// wantsHTML reports whether r accepts HTML; a client that says nothing does.
func wantsHTML(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}
