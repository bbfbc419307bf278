// SPDX-License-Identifier: AGPL-3.0-or-later

// Package settings is what the co-op says of itself and its box, the link to a
// support desk with all that is sent there, and the pages that every console
// has: help, accessibility, leaving. It asks the agent through control.Agent
// only. Its tests send every form well and badly and show the link in each of
// its states, in three languages.
package settings

import (
	"embed"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// pages are the handlers of this area.
type pages struct {
	area.Deps
	Box Agent
}

// Agent is what this area asks of the box.
type Agent struct {
	Box      control.Box
	Desk     control.Desk
	Apps     control.Apps
	Sites    control.Sites
	Names    control.Names
	Metrics  control.Metrics
	Messages control.Messages
}

// Routes registers the pages of this area.
func Routes(d area.Deps, box Agent) {
	p := &pages{d, box}
	rt := d.UI.Router()
	rt.Signed("GET /settings", p.settings)
	rt.Signed("POST /settings", p.saved)
	rt.Signed("GET /settings/ca.crt", p.authority)
	rt.Signed("GET /settings/sessions", func(w http.ResponseWriter, r *http.Request) error {
		return d.UI.Redirect(w, r, "/account")
	})

	rt.Signed("GET /settings/desk", p.desk)
	rt.Signed("GET /settings/desk/events", p.deskEvents)
	rt.Signed("POST /settings/desk/plan", p.deskPlan)
	rt.Signed("POST /settings/desk/join", p.deskJoin)
	rt.Signed("GET /settings/desk/sent", p.deskSent)
	rt.Signed("GET /settings/desk/leave", p.deskLeave)
	rt.Signed("POST /settings/desk/leave", p.deskLeft)

	rt.Signed("GET /settings/metrics", p.metrics)
	rt.Signed("POST /settings/metrics/allow", p.metricsAllowed)
	rt.Signed("POST /settings/metrics/revoke", p.metricsRevoked)

	rt.Signed("GET /settings/mail", p.mail)
	rt.Signed("POST /settings/mail", p.mailSave)
	rt.Signed("POST /settings/mail/test", p.mailTest)
	rt.Signed("POST /settings/mail/remove", p.mailRemove)
	rt.Signed("POST /settings/mail/undo", p.mailUndo)

	rt.Signed("GET /settings/messages", p.messages)
	rt.Signed("POST /settings/messages", p.wishesSave)
	rt.Signed("POST /settings/messages/{kind}", p.channelSave)
	rt.Signed("POST /settings/messages/{kind}/test", p.channelTest)
	rt.Signed("POST /settings/messages/{kind}/code", p.channelCode)
	rt.Signed("POST /settings/messages/{kind}/remove", p.channelRemove)

	rt.Public("GET /help", p.help)
	rt.Public("GET /accessibility", p.accessibility)
	rt.Signed("GET /leave", p.leave)
}

// settingsPage is what the co-op says of itself, and what the box is.
type settingsPage struct {
	*webkit.Page
	Fields []webkit.Field
	Themes []theme
	Status appliance.Status
	Host   appliance.Host
	Desk   string // one line about the link

	Metrics string // one line about who may read them
	// Messages is one line about how the box reaches the reader.
	Messages string
}

// theme is one look that the reader can choose.
type theme struct {
	Text, Href string
	Here       bool
}

func (d *pages) settings(w http.ResponseWriter, r *http.Request) error {
	s, err := d.Box.Box.Settings(r.Context())
	if err != nil {
		return err
	}
	return d.showSettings(w, http.StatusOK, d.UI.NewPage(r, "settings.title"), r, s)
}

func (d *pages) showSettings(w http.ResponseWriter, status int, page *webkit.Page, r *http.Request, s appliance.Settings) error {
	p := settingsPage{Page: page, Themes: themes(page), Fields: settingFields(page, s)}
	p.Lead = p.T("settings.lead")
	var err error
	if p.Status, err = d.Box.Box.Status(r.Context()); err != nil {
		return err
	}
	if p.Host, err = d.Box.Box.Host(r.Context()); err != nil {
		return err
	}
	link, err := d.Box.Desk.Status(r.Context())
	if err != nil {
		return err
	}
	p.Desk = deskTitle(p.Page, link)
	access, err := d.Box.Metrics.Access(r.Context())
	if err != nil {
		return err
	}
	p.Metrics = metricsLine(p.Page, access)
	p.Messages = p.T("settings.messages.lead")
	if me, _, err := d.me(r); err == nil { // the page says more than that
		p.Messages = messagesTitle(p.Page, me)
	}
	return d.UI.Render(w, status, "settings-settings", p)
}

func settingFields(p *webkit.Page, s appliance.Settings) []webkit.Field {
	var langs []webkit.Pair
	for _, l := range locale.Langs() {
		langs = append(langs, webkit.Pair{Name: p.T("webkit.lang." + l), Value: l})
	}
	fields := []webkit.Field{
		{Name: "coop", Label: p.T("settings.coop"), Hint: p.T("settings.coop.hint"), Value: s.Coop, Autocomplete: "organization"},
		{Name: "box", Label: p.T("settings.box"), Hint: p.T("settings.box.hint"), Value: s.Box, Autocomplete: "off"},
		{Name: "contact", Label: p.T("settings.contact"), Hint: p.T("settings.contact.hint"), Value: string(s.Contact), Autocomplete: "off"},
		{Name: "language", Label: p.T("settings.language"), Hint: p.T("settings.language.hint"), Kind: "select", Value: s.Language, Options: langs},
	}
	for i := range fields {
		fields[i].Error = p.Error(fields[i].Name)
	}
	return fields
}

func themes(p *webkit.Page) []theme {
	base := &webkit.Page{Path: "/settings"}
	return []theme{
		{p.T("settings.theme.auto"), base.SameWith("auto"), p.Theme == ""},
		{p.T("settings.theme.light"), base.SameWith("light"), p.Theme == "light"},
		{p.T("settings.theme.dark"), base.SameWith("dark"), p.Theme == "dark"},
	}
}

// maxName is what the agent takes as a name, in letters.
const maxName = 80

func (d *pages) saved(w http.ResponseWriter, r *http.Request) error {
	s := appliance.Settings{Coop: strings.TrimSpace(r.FormValue("coop")), Box: strings.TrimSpace(r.FormValue("box")), Language: r.FormValue("language"), Contact: appliance.Contact(strings.TrimSpace(r.FormValue("contact")))}
	p := d.UI.NewPage(r, "settings.title")
	for field, value := range map[string]string{"coop": s.Coop, "box": s.Box} {
		if len([]rune(value)) > maxName {
			p.Fail(field, p.T("settings.long", "count", maxName))
		}
	}
	if len(p.Errors) == 0 {
		err := d.Box.Box.SaveSettings(r.Context(), s)
		if err == nil {
			webkit.SetFlash(w, webkit.Flash{Text: p.T("settings.saved")})
			return d.UI.Redirect(w, r, "/settings")
		}
		field, known := wrongField[problem.From(err, "").Code]
		if !known {
			return err
		}
		what, _, next := webkit.Explain(p.Locale, problem.From(err, ""))
		p.Fail(field, area.Sentence(what)+" "+area.Sentence(next.First()))
	}
	return d.showSettings(w, http.StatusUnprocessableEntity, p, r, s)
}

// wrongField is the field that a problem of the agent is about.
var wrongField = map[string]string{"settings-invalid": "language", "contact-invalid": "contact"}

// authority sends the certificate of the box's own authority, and never
// anything else that may be in that file.
func (d *pages) authority(w http.ResponseWriter, r *http.Request) error {
	status, err := d.Box.Box.Status(r.Context())
	if err != nil {
		return err
	}
	missing := &problem.Problem{
		Code: "no-own-authority", Kind: problem.NotFound, What: "this box has no certificate authority of its own",
		Why: "its certificates come from one that every browser knows", Next: []string{"nothing: browsers trust them already"},
	}
	if status.CA == "" {
		return missing
	}
	data, err := os.ReadFile(status.CA)
	if errors.Is(err, fs.ErrNotExist) {
		return missing
	}
	if err != nil {
		return err
	}
	var certs []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			certs = append(certs, pem.EncodeToMemory(block)...)
		}
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="coopkit-ca.crt"`)
	_, err = w.Write(certs)
	return err
}
