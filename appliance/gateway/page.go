// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"coopkit/appliance"
	"coopkit/internal/locale"
	"coopkit/internal/rfc9457"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed messages/*.json
var messages embed.FS

// Pages that are not reasons to hold.
const (
	unreachable = HoldReason("unreachable") // the service does not answer
	busy        = HoldReason("busy")        // the service has as much to do as it can
	misdirected = HoldReason("misdirected") // nothing in the table has the name
	notFound    = HoldReason("not-found")   // a site has no such page
)

// pageReasons are all pages; each has a title and a text among the messages.
var pageReasons = []HoldReason{Starting, Stopped, Failing, ClosedUntilOwner, circular, unreachable, busy, misdirected, notFound}

// again says after how many seconds it is worth to look again.
var again = map[HoldReason]int{
	Starting: 10, unreachable: 10, busy: 10, ClosedUntilOwner: 30, Failing: 60, Stopped: 3600, circular: 3600,
}

// soon is the longest wait, in seconds, after which a page offers to try again. It
// does not do so by itself: whoever reads slowly, or with a screen reader, would
// begin anew (WCAG 2.2.1).
const soon = 60

// Host is whose front door it is, as its own pages say it. What is empty is left
// out.
type Host struct {
	Coop     string            // its name
	Language string            // for visitors whose languages no page has: en, es or fr
	Contact  appliance.Contact // how visitors reach a person
}

// SetHost changes whose front door it is, for every page from now on.
func (g *Gateway) SetHost(h Host) { g.pages.host.Store(&h) }

// pages renders the gateway's own pages: reasons to wait, unknown names,
// missing pages. They need no script and nothing from elsewhere, and say nothing
// of the box but what people call its apps.
type pages struct {
	html  *template.Template
	style template.CSS
	csp   string
	words *locale.Bundle
	host  atomic.Pointer[Host]
}

// page is what the template takes.
type page struct {
	Lang, Title, Text string
	Link, Href        string // what a visitor can do: try again, or go to the first page
	Coop, Reach       string
	Contact           *contactLink
	Style             template.CSS
}

// contactLink is a contact as a link; its scheme is one of three, see
// appliance.Contact.
type contactLink struct {
	Text string
	Href template.URL
}

func newPages() (*pages, error) {
	html, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	words, err := locale.New(messages)
	if err != nil {
		return nil, fmt.Errorf("read words of pages: %w", err)
	}
	sum := sha256.Sum256([]byte(pageCSS))
	p := &pages{
		html:  html,
		style: template.CSS(pageCSS), //nolint:gosec // our own file
		csp: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		words: words,
	}
	p.host.Store(&Host{})
	return p, nil
}

// page makes the page of a reason in the visitor's language.
func (p *pages) page(accept string, reason HoldReason, name string) page {
	host := p.host.Load()
	l := p.words.Match(accept, host.Language)
	out := page{
		Lang: l.Lang, Coop: host.Coop, Style: p.style,
		Title: l.T("gateway."+string(reason)+".title", "name", name), Text: l.T("gateway."+string(reason)+".text", "name", name),
	}
	switch {
	case reason == notFound:
		out.Link, out.Href = l.T("gateway.first"), "/"
	case again[reason] > 0 && again[reason] <= soon:
		out.Link = l.T("gateway.again") // an empty reference is the page itself (RFC 3986, 4.4)
	}
	if href := host.Contact.URL(); href != "" {
		out.Reach = l.T("gateway.reach")
		out.Contact = &contactLink{Text: string(host.Contact), Href: template.URL(href)} //nolint:gosec // ParseContact made it
	}
	return out
}

// write answers with a page: as HTML, as a problem (RFC 9457) for programs, or
// as plain text where neither is wanted.
func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, reason HoldReason, name string) {
	out := p.page(r.Header.Get("Accept-Language"), reason, name)
	kind, body := p.body(r.Header.Get("Accept"), status, out)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Language", out.Lang)
	h.Set("Vary", "Accept, Accept-Language")
	if wait := again[reason]; wait != 0 {
		h.Set("Retry-After", strconv.Itoa(wait))
	}
	if strings.HasPrefix(kind, "text/html") {
		h.Set("Content-Security-Policy", p.csp)
		h.Set("Referrer-Policy", "no-referrer")
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:gosec // html/template escaped it; a visitor who went away needs no page
	}
}

// body writes a page in the form that is wanted; a client that says nothing
// wants HTML.
func (p *pages) body(accept string, status int, out page) (kind string, _ []byte) {
	var body bytes.Buffer
	html := accept == "" || strings.Contains(accept, "text/html")
	switch {
	case !html && (strings.Contains(accept, "application/json") || strings.Contains(accept, rfc9457.ContentType)):
		_ = json.NewEncoder(&body).Encode(apiProblem{"about:blank", http.StatusText(status), status, out.Title + "."}) // into memory
		return rfc9457.ContentType, body.Bytes()
	case (html || strings.Contains(accept, "*/*")) && p.html.Execute(&body, out) == nil:
		return "text/html; charset=utf-8", body.Bytes()
	default:
		return "text/plain; charset=utf-8", []byte(out.Title + "\n\n" + out.Text + "\n")
	}
}

// apiProblem is all that a program needs to know; the status says the rest
// (RFC 9457, 4.2.1).
type apiProblem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}
