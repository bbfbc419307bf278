// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// messagesPage is how the box reaches the reader, and what it tells.
type messagesPage struct {
	*webkit.Page
	Relay    bool // mail can go out
	Channels []channelCard
	Wishes   wishForm
	Others   []webkit.Row // how the others are reached
	Sent     []sentRow
	Secret   string // of a webhook, shown once
}

// channelCard is one way to reach the reader.
type channelCard struct {
	Kind    appliance.ChannelKind
	Title   string
	Pill    webkit.Pill
	Set     bool
	Open    bool   // its form has a mistake to correct
	Save    string // of the button
	Fields  []webkit.Field
	Code    *webkit.Field // of the test message that waits for it
	Trouble *webkit.Finding
	Note    string // since when it is used
}

// sentRow is one of the newest messages.
type sentRow struct {
	appliance.Sent
	Pill webkit.Pill
}

// me finds the reader among the people of the box.
func (d *pages) me(r *http.Request) (me appliance.Receiver, others []appliance.Receiver, err error) {
	all, err := d.Box.Messages.Receivers(r.Context())
	if err != nil {
		return me, nil, err
	}
	user, _ := webkit.UserOf(r.Context())
	i := slices.IndexFunc(all, func(one appliance.Receiver) bool { return one.ID == user.ID })
	if i < 0 {
		return me, nil, &problem.Problem{
			Code: "receiver-unknown", Kind: problem.NotFound, What: "nobody with an open account here is called " + user.Name,
			Next: []string{"coopkit notify list"}, Args: map[string]string{"name": user.Name},
		}
	}
	me = all[i]
	return me, slices.Delete(all, i, i+1), nil
}

func (d *pages) messages(w http.ResponseWriter, r *http.Request) error {
	return d.showMessages(w, r, http.StatusOK, d.UI.NewPage(r, "settings.messages.title"), "")
}

// showMessages shows the page. Where p has errors, the fields have what was
// typed.
func (d *pages) showMessages(w http.ResponseWriter, r *http.Request, status int, page *webkit.Page, secret string) error {
	me, others, err := d.me(r)
	if err != nil {
		return err
	}
	relay, err := d.Box.Messages.Relay(r.Context())
	if err != nil {
		return err
	}
	sent, err := d.Box.Messages.Outgoing(r.Context())
	if err != nil {
		return err
	}
	p := messagesPage{Page: page, Relay: relay.Set, Secret: secret, Wishes: wishFields(page, r, me)}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.messages.title")}}
	p.Heading = messagesTitle(p.Page, me)
	p.Title, p.Lead = p.Heading, p.T("settings.messages.lead")
	for _, c := range me.Channels {
		p.Channels = append(p.Channels, card(page, r, c))
	}
	for _, o := range others {
		p.Others = append(p.Others, webkit.Row{Name: o.Display, Texts: []string{reached(page, o)}})
	}
	for _, s := range sent {
		if s.Person == me.Person {
			p.Sent = append(p.Sent, sentRow{s, sentPill(page, s)})
		}
	}
	p.Sent = p.Sent[:min(len(p.Sent), 8)]
	return d.UI.Render(w, status, "settings-messages", p)
}

func messagesTitle(p *webkit.Page, me appliance.Receiver) string {
	switch {
	case !me.Reached():
		return p.T("settings.messages.none")
	case slices.ContainsFunc(me.Channels, func(c appliance.Channel) bool { return c.Problem != nil }):
		return p.T("settings.messages.failing")
	default:
		return p.T("settings.messages.reached")
	}
}

// reached says by what somebody is reached.
func reached(p *webkit.Page, o appliance.Receiver) string {
	var ways []string
	for _, c := range o.Channels {
		if !c.Proven.IsZero() {
			ways = append(ways, p.T("settings.messages.kind."+string(c.Kind)))
		}
	}
	if len(ways) == 0 {
		return p.T("settings.messages.other.none")
	}
	return p.List(ways)
}

// card is a channel with its form.
func card(p *webkit.Page, r *http.Request, c appliance.Channel) channelCard {
	v := channelCard{
		Kind: c.Kind, Save: p.T("settings.messages.save"), Open: r.PathValue("kind") == string(c.Kind) && len(p.Errors) > 0,
		Title: p.T("settings.messages.kind." + string(c.Kind)), Set: c.To != "", Fields: channelFields(p, r, c),
	}
	switch {
	case c.To == "":
		v.Pill = webkit.Pill{Icon: "minus", Text: p.T("settings.messages.pill.off")}
	case c.Problem != nil:
		v.Pill = webkit.Pill{Kind: "warn", Icon: "tri", Text: p.T("settings.messages.pill.failing")}
		trouble := troubleCard(p, c.Problem)
		trouble.ID = string(c.Kind) + "-" + trouble.ID
		v.Trouble = &trouble
	case !c.Proven.IsZero():
		v.Pill = webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("settings.messages.pill.used")}
		v.Note = p.T("settings.messages.last", "ago", p.Locale.Ago(c.Delivered, p.Now))
	case !c.Asked.IsZero():
		v.Pill = webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("settings.messages.pill.waits")}
	default:
		v.Pill = webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("settings.messages.pill.untested")}
	}
	if !c.Asked.IsZero() && c.Proven.IsZero() {
		name := string(c.Kind) + "-code"
		v.Code = &webkit.Field{
			Name: name, Label: p.T("settings.messages.code"), Hint: p.T("settings.messages.code.hint", "to", c.To), Autocomplete: "one-time-code",
			Plain: true, Error: p.Error(name),
		}
	}
	return v
}

// channelFields are the questions of a channel. Their names begin with its kind,
// because the page has several.
func channelFields(p *webkit.Page, r *http.Request, c appliance.Channel) (fields []webkit.Field) {
	switch c.Kind {
	case appliance.ByMail:
		fields = []webkit.Field{{Name: "mail", Label: p.T("settings.messages.mail"), Kind: "email", Value: c.To, Autocomplete: "email", Plain: true}}
	case appliance.ByNtfy:
		hint := p.T("settings.messages.token.hint")
		if c.HasSecret {
			hint = p.T("settings.messages.token.kept")
		}
		fields = []webkit.Field{
			{Name: "ntfy", Label: p.T("settings.messages.ntfy"), Hint: p.T("settings.messages.ntfy.hint"), Value: c.To, Autocomplete: "off", Plain: true},
			{Name: "ntfy-topic", Label: p.T("settings.messages.topic"), Hint: p.T("settings.messages.topic.hint"), Value: c.Topic, Autocomplete: "off", Plain: true},
			{Name: "ntfy-token", Label: p.T("settings.messages.token"), Hint: hint, Kind: "password", Autocomplete: "off"},
		}
	default:
		fields = []webkit.Field{{Name: "webhook", Label: p.T("settings.messages.webhook"), Hint: p.T("settings.messages.webhook.hint"), Value: c.To, Autocomplete: "off", Plain: true}}
	}
	typed := r.PathValue("kind") == string(c.Kind)
	for i := range fields {
		fields[i].Error = p.Error(fields[i].Name)
		if typed && len(p.Errors) > 0 && fields[i].Kind != "password" {
			fields[i].Value = r.PostFormValue(fields[i].Name)
		}
	}
	return fields
}

func sentPill(p *webkit.Page, s appliance.Sent) webkit.Pill {
	switch {
	case !s.Sent.IsZero():
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("settings.messages.sent")}
	case !s.Dropped.IsZero():
		return webkit.Pill{Kind: "warn", Icon: "tri", Text: p.T("settings.messages.dropped")}
	default:
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("settings.messages.waiting")}
	}
}

// kind is the channel that a path names, or a Problem.
func kind(r *http.Request) (appliance.ChannelKind, error) {
	k := appliance.ChannelKind(r.PathValue("kind"))
	if slices.Contains(appliance.ChannelKinds, k) {
		return k, nil
	}
	return "", &problem.Problem{
		Code: "channel-unknown", Kind: problem.NotFound, What: "messages do not go to this person by that",
		Next: []string{"set it first: coopkit notify set --help"},
	}
}

// channelMistakes are what a person can have written wrongly: the field and the
// words, by the code of the Problem.
var channelMistakes = map[string]struct{ field, words string }{
	"mail-address-invalid": {"mail", "mail"},
	"ntfy-topic-invalid":   {"ntfy-topic", "topic"},
	"delivery-url-invalid": {"", "url"},
}

func (d *pages) channelSave(w http.ResponseWriter, r *http.Request) error {
	k, err := kind(r)
	if err != nil {
		return err
	}
	me, _, err := d.me(r)
	if err != nil {
		return err
	}
	p := d.UI.NewPage(r, "settings.messages.title")
	change := appliance.ChannelChange{Person: me.Person, Kind: k, To: strings.TrimSpace(r.PostFormValue(string(k)))}
	if k == appliance.ByNtfy {
		change.Topic, change.Secret = strings.TrimSpace(r.PostFormValue("ntfy-topic")), strings.TrimSpace(r.PostFormValue("ntfy-token"))
	}
	if change.To == "" {
		p.Fail(string(k), p.T("settings.messages.bad.empty"))
		return d.showMessages(w, r, http.StatusUnprocessableEntity, p, "")
	}
	c, err := d.Box.Messages.SetChannel(r.Context(), change)
	if prob, ok := errors.AsType[*problem.Problem](err); ok {
		mistake, known := channelMistakes[prob.Code]
		if !known {
			return err
		}
		if mistake.field == "" {
			mistake.field = string(k)
		}
		p.Fail(mistake.field, p.T("settings.messages.bad."+mistake.words))
		return d.showMessages(w, r, http.StatusUnprocessableEntity, p, "")
	}
	if err != nil {
		return err
	}
	if c.Secret != "" { // in no cookie, so not on the page after a redirect
		return d.showMessages(w, r, http.StatusOK, p, c.Secret)
	}
	return d.after(w, r, c)
}

// after leads back to the page with what became of a test message.
func (d *pages) after(w http.ResponseWriter, r *http.Request, c appliance.Channel) error {
	l := d.UI.Locale(r)
	flash := webkit.Flash{Text: l.T("settings.messages.asked")}
	switch {
	case c.Problem != nil:
		flash = webkit.Flash{Kind: "warn", Text: l.T("settings.messages.notsent")}
	case !c.Proven.IsZero():
		flash.Text = l.T("settings.messages.proven")
	}
	webkit.SetFlash(w, flash)
	return d.UI.Redirect(w, r, "/settings/messages")
}

func (d *pages) channelTest(w http.ResponseWriter, r *http.Request) error {
	k, err := kind(r)
	if err != nil {
		return err
	}
	me, _, err := d.me(r)
	if err != nil {
		return err
	}
	c, err := d.Box.Messages.TestChannel(r.Context(), appliance.ChannelCode{Person: me.Person, Kind: k})
	if err != nil {
		return err
	}
	return d.after(w, r, c)
}

func (d *pages) channelCode(w http.ResponseWriter, r *http.Request) error {
	k, err := kind(r)
	if err != nil {
		return err
	}
	me, _, err := d.me(r)
	if err != nil {
		return err
	}
	p := d.UI.NewPage(r, "settings.messages.title")
	field := string(k) + "-code"
	err = d.Box.Messages.ProveChannel(r.Context(), appliance.ChannelCode{Person: me.Person, Kind: k, Code: r.PostFormValue(field)})
	switch {
	case err == nil:
		webkit.SetFlash(w, webkit.Flash{Text: p.T("settings.messages.proven")})
		return d.UI.Redirect(w, r, "/settings/messages")
	case errors.Is(err, &problem.Problem{Code: "channel-code-wrong"}):
		p.Fail(field, p.T("settings.messages.bad.code"))
		return d.showMessages(w, r, http.StatusUnprocessableEntity, p, "")
	default:
		return err
	}
}

func (d *pages) channelRemove(w http.ResponseWriter, r *http.Request) error {
	k, err := kind(r)
	if err != nil {
		return err
	}
	me, _, err := d.me(r)
	if err != nil {
		return err
	}
	if _, err := d.Box.Messages.SetChannel(r.Context(), appliance.ChannelChange{Person: me.Person, Kind: k}); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("settings.messages.removed")})
	return d.UI.Redirect(w, r, "/settings/messages")
}
