// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// mailPage is the mail server through which the box sends.
type mailPage struct {
	*webkit.Page
	Setting appliance.RelaySetting
	Pill    webkit.Pill
	Fields  []webkit.Field
	Test    webkit.Field
	Trouble *webkit.Finding // why the test message was not accepted
}

func (d *pages) mail(w http.ResponseWriter, r *http.Request) error {
	s, err := d.Box.Messages.Relay(r.Context())
	if err != nil {
		return err
	}
	return d.showMail(w, http.StatusOK, d.UI.NewPage(r, "settings.mail.title"), s, s.Relay, "")
}

// showMail shows the setting s with the values of r in its form, and to in that
// of the test.
func (d *pages) showMail(w http.ResponseWriter, status int, page *webkit.Page, s appliance.RelaySetting, r appliance.Relay, to string) error {
	return d.UI.Render(w, status, "settings-mail", newMailPage(page, s, r, to))
}

func newMailPage(page *webkit.Page, s appliance.RelaySetting, r appliance.Relay, to string) mailPage {
	p := mailPage{Page: page, Setting: s}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.mail.title")}}
	p.Heading, p.Lead = p.T("settings.mail.none"), p.T("settings.mail.none.lead")
	p.Pill = webkit.Pill{Icon: "minus", Text: p.T("settings.mail.pill.none")}
	if s.Set {
		p.Heading, p.Lead = p.T("settings.mail.set", "host", s.Host), p.T("settings.mail.set.lead", "from", s.From)
		p.Pill = webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("settings.mail.pill.set")}
	}
	p.Title = p.Heading
	p.Fields = mailFields(page, s, r)
	p.Test = webkit.Field{Name: "to", Label: p.T("settings.mail.to"), Kind: "email", Value: to, Autocomplete: "email", Plain: true, Error: p.Error("to")}
	return p
}

func mailFields(p *webkit.Page, s appliance.RelaySetting, r appliance.Relay) []webkit.Field {
	port := ""
	if r.Port != 0 {
		port = strconv.Itoa(r.Port)
	}
	security := r.Security
	if security == "" {
		security = "tls"
	}
	hint := p.T("settings.mail.password.hint")
	if s.HasPassword {
		hint = p.T("settings.mail.password.kept")
	}
	fields := []webkit.Field{
		{Name: "host", Label: p.T("settings.mail.host"), Hint: p.T("settings.mail.host.hint"), Value: r.Host, Autocomplete: "off", Plain: true},
		{Name: "security", Label: p.T("settings.mail.security"), Kind: "select", Value: security, Options: []webkit.Pair{
			{Name: p.T("settings.mail.security.tls"), Value: "tls"},
			{Name: p.T("settings.mail.security.starttls"), Value: "starttls"},
			{Name: p.T("settings.mail.security.none"), Value: "none"},
		}},
		{Name: "port", Label: p.T("settings.mail.port"), Hint: p.T("settings.mail.port.hint"), Value: port, Autocomplete: "off", Plain: true},
		{Name: "from", Label: p.T("settings.mail.from"), Hint: p.T("settings.mail.from.hint"), Kind: "email", Value: r.From, Autocomplete: "off", Plain: true},
		{Name: "user", Label: p.T("settings.mail.user"), Hint: p.T("settings.mail.user.hint"), Value: r.User, Autocomplete: "off", Plain: true},
		{Name: "password", Label: p.T("settings.mail.password"), Hint: hint, Kind: "password", Autocomplete: "off"},
	}
	for i := range fields {
		fields[i].Error = p.Error(fields[i].Name)
	}
	return fields
}

// relayFields are those in which a person can have written something wrong.
var relayFields = []string{"host", "port", "security", "from", "password"}

func (d *pages) mailSave(w http.ResponseWriter, r *http.Request) error {
	p := d.UI.NewPage(r, "settings.mail.title")
	relay := appliance.Relay{
		Host: strings.TrimSpace(r.PostFormValue("host")), Security: r.PostFormValue("security"), From: strings.TrimSpace(r.PostFormValue("from")),
		User: strings.TrimSpace(r.PostFormValue("user")), Password: r.PostFormValue("password"),
	}
	var err error
	if port := strings.TrimSpace(r.PostFormValue("port")); port != "" {
		if relay.Port, err = strconv.Atoi(port); err != nil || relay.Port == 0 {
			relay.Port = -1
		}
	}
	if err = d.Box.Messages.SetRelay(r.Context(), relay); err == nil {
		flash := webkit.Flash{Text: p.T("settings.mail.saved"), Undo: "/settings/mail/undo", Word: p.T("settings.mail.undo")}
		webkit.SetFlash(w, flash)
		return d.UI.Redirect(w, r, "/settings/mail")
	}
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok || !slices.Contains(relayFields, prob.Args["field"]) {
		return err
	}
	p.Fail(prob.Args["field"], p.T("settings.mail.bad."+prob.Args["field"]))
	s, err := d.Box.Messages.Relay(r.Context())
	if err != nil {
		return err
	}
	return d.showMail(w, http.StatusUnprocessableEntity, p, s, relay, "")
}

// mailTest sends a test message. Why one is not accepted is said on the page,
// with what to do about it.
func (d *pages) mailTest(w http.ResponseWriter, r *http.Request) error {
	to := strings.TrimSpace(r.PostFormValue("to"))
	p := d.UI.NewPage(r, "settings.mail.title")
	err := d.Box.Messages.TestRelay(r.Context(), appliance.TestMail{To: to})
	if err == nil {
		webkit.SetFlash(w, webkit.Flash{Text: p.T("settings.mail.tested", "to", to)})
		return d.UI.Redirect(w, r, "/settings/mail")
	}
	prob, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return err
	}
	s, err := d.Box.Messages.Relay(r.Context())
	if err != nil {
		return err
	}
	if errors.Is(prob, &problem.Problem{Code: "mail-address-invalid"}) {
		p.Fail("to", p.T("settings.messages.bad.mail"))
		return d.showMail(w, http.StatusUnprocessableEntity, p, s, s.Relay, to)
	}
	view := newMailPage(p, s, s.Relay, to)
	card := troubleCard(p, prob)
	view.Trouble = &card
	return d.UI.Render(w, http.StatusUnprocessableEntity, "settings-mail", view)
}

// troubleCard says why a message was not accepted.
func troubleCard(p *webkit.Page, prob *problem.Problem) webkit.Finding {
	what, why, next := webkit.Explain(p.Locale, prob)
	card := p.FindingCard("warning", prob.Code, "")
	card.Title = area.Sentence(what)
	card.Say(p, "", area.Sentence(why), next)
	return card
}

func (d *pages) mailRemove(w http.ResponseWriter, r *http.Request) error {
	if err := d.Box.Messages.RemoveRelay(r.Context()); err != nil {
		return err
	}
	l := d.UI.Locale(r)
	webkit.SetFlash(w, webkit.Flash{Text: l.T("settings.mail.removed"), Undo: "/settings/mail/undo", Word: l.T("settings.mail.undo")})
	return d.UI.Redirect(w, r, "/settings/mail")
}

func (d *pages) mailUndo(w http.ResponseWriter, r *http.Request) error {
	if err := d.Box.Messages.UndoRelay(r.Context()); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("settings.mail.undone")})
	return d.UI.Redirect(w, r, "/settings/mail")
}
