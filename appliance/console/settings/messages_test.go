// SPDX-License-Identifier: AGPL-3.0-or-later

package settings_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/internal/deliver"
	"coopkit/internal/deliver/delivertest"
	"coopkit/internal/locale"
)

func TestMail_setTriedRemovedAndPutBack(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	post := delivertest.New(t, deliver.None, true)
	c := serve(t, box.Agent())
	page := c.Get(t, "/settings/mail")
	if got := page.Text(t, "h1"); got != "This box sends no mail" || len(page.All("#test")) != 0 {
		t.Errorf("h1 %q", got)
	}
	form := page.Form("form[action=/settings/mail]")
	form.Set("host", "https://mail.example.org")
	for field, value := range map[string]string{"host": "https://mail.example.org", "port": "70000", "from": "nobody", "user": "ana"} {
		form := c.Get(t, "/settings/mail").Form("form[action=/settings/mail]")
		form.Set("host", "mail.example.org")
		form.Set("from", "box@example.org")
		form.Set(field, value)
		at := map[string]string{"user": "password"}[field]
		if at == "" {
			at = field
		}
		page := c.Send(t, "/settings/mail", form)
		if page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-"+at, "aria-invalid") != "true" || page.Value(t, "#f-"+field, "value") != value {
			t.Errorf("%s %q: %d", field, value, page.Status)
		}
	}
	relay := post.Relay()
	for name, value := range map[string]string{
		"host": relay.Host, "port": strconv.Itoa(relay.Port), "security": "none", "from": relay.From, "user": relay.User, "password": delivertest.Password,
	} {
		form.Set(name, value)
	}
	if page := c.Send(t, "/settings/mail", form); page.To != "/settings/mail" {
		t.Fatalf("%d %s", page.Status, page.Text(t, "main"))
	}
	page = c.Get(t, "/settings/mail")
	if strings.Contains(page.Source, delivertest.Password) || page.Value(t, "#f-host", "value") != relay.Host || !strings.Contains(page.Text(t, "main"), "A password is stored") {
		t.Errorf("the page has the password, or not the setting")
	}
	if page := c.Post(t, "/settings/mail/test", "to", "not an address"); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-to", "aria-invalid") != "true" {
		t.Errorf("a wrong address: %d", page.Status)
	}
	post.Refuse(delivertest.AtRcpt, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"})
	for _, c.Lang = range locale.Langs() {
		page := c.Post(t, "/settings/mail/test", "to", "ana@example.net")
		if text := page.Text(t, "article.finding"); page.Status != http.StatusUnprocessableEntity || !strings.Contains(text, "no such user") || !strings.Contains(text, "ana@example.net") {
			t.Errorf("%s: a refusal is not said: %d %s", c.Lang, page.Status, text)
		}
	}
	c.Lang = "en"
	post.Refuse(delivertest.AtRcpt, nil)
	if page := c.Post(t, "/settings/mail/test", "to", "ana@example.net"); page.To != "/settings/mail" || len(post.Letters()) != 1 {
		t.Errorf("%d, %d mails", page.Status, len(post.Letters()))
	}
	for _, step := range []struct {
		path string
		set  bool
	}{{"/settings/mail/remove", false}, {"/settings/mail/undo", true}} {
		if page := c.Post(t, step.path); page.To != "/settings/mail" {
			t.Errorf("%s: %d", step.path, page.Status)
		}
		if s, err := box.Agent().Messages.Relay(t.Context()); err != nil || s.Set != step.set {
			t.Errorf("%s: %+v, %v", step.path, s, err)
		}
	}
}

func TestMessages_byMailFromTheAddressToTheCode(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Welcome("amara", "bo")
	c := serve(t, box.Agent())
	page := c.Get(t, "/settings/messages")
	if got := page.Text(t, "h1"); got != "No message from this box reaches you yet" || !strings.Contains(page.Text(t, "aside"), "Bo") {
		t.Errorf("h1 %q", got)
	}
	for _, bad := range []string{"", "amara example"} {
		page := c.Post(t, "/settings/messages/mail", "mail", bad)
		if page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-mail", "aria-invalid") != "true" || page.Value(t, "#f-mail", "value") != bad {
			t.Errorf("%q: %d", bad, page.Status)
		}
	}
	// Without a mail server the address is stored, and it is said what is missing.
	if page := c.Post(t, "/settings/messages/mail", "mail", "amara@example.net"); page.To != "/settings/messages" {
		t.Fatalf("%d", page.Status)
	}
	if text := c.Get(t, "/settings/messages").Text(t, "article.finding"); !strings.Contains(text, "This box cannot send mail yet") {
		t.Errorf("what is missing: %s", text)
	}
	post := delivertest.New(t, deliver.None, false)
	relay := appliance.Relay{Host: post.Relay().Host, Port: post.Relay().Port, Security: "none", From: "box@example.org"}
	if err := box.Agent().Messages.SetRelay(t.Context(), relay); err != nil {
		t.Fatal(err)
	}
	if page := c.Post(t, "/settings/messages/mail/test"); page.To != "/settings/messages" {
		t.Fatalf("%d", page.Status)
	}
	page = c.Get(t, "/settings/messages")
	if len(page.All("form[action=/settings/messages/mail/code]")) != 1 || !strings.Contains(page.Text(t, ".pill"), "Waiting for the code") {
		t.Errorf("nothing asks for the code: %s", page.Text(t, "main"))
	}
	if page := c.Post(t, "/settings/messages/mail/code", "mail-code", "000"); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-mail-code", "aria-invalid") != "true" {
		t.Errorf("a wrong code: %d", page.Status)
	}
	_, code, _ := strings.Cut(post.Await(t, 1)[0].Body, "code: ")
	if page := c.Post(t, "/settings/messages/mail/code", "mail-code", code[:6]); page.To != "/settings/messages" {
		t.Fatalf("the right code: %d", page.Status)
	}
	for _, c.Lang = range locale.Langs() {
		page := c.Get(t, "/settings/messages")
		if page.Status != http.StatusOK || c.Lang == "en" && page.Text(t, "h1") != "Messages from this box reach you" {
			t.Errorf("%s: %s", c.Lang, page.Text(t, "h1"))
		}
	}
	c.Lang = "en"
	if got := c.Get(t, "/settings").Text(t, "aside"); !strings.Contains(got, "Messages from this box reach you") {
		t.Errorf("settings: %s", got)
	}
	if page := c.Post(t, "/settings/messages/mail/remove"); page.To != "/settings/messages" {
		t.Errorf("%d", page.Status)
	}
	if got := c.Get(t, "/settings/messages").Text(t, "h1"); got != "No message from this box reaches you yet" {
		t.Errorf("after removing: %q", got)
	}
}

func TestMessages_aWebhookShowsItsSecretOnce(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Welcome("amara")
	c := serve(t, box.Agent())
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	if page := c.Post(t, "/settings/messages/webhook", "webhook", "ftp://x"); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-webhook", "aria-invalid") != "true" {
		t.Errorf("a wrong address: %d", page.Status)
	}
	page := c.Post(t, "/settings/messages/webhook", "webhook", receiver.URL)
	if page.Status != http.StatusOK || !strings.HasPrefix(page.Text(t, "#webhook-secret"), "whsec_") {
		t.Fatalf("%d: no secret is shown", page.Status)
	}
	if again := c.Get(t, "/settings/messages"); strings.Contains(again.Source, "whsec_") {
		t.Error("the secret is shown again")
	}
	if page := c.Post(t, "/settings/messages/ntfy", "ntfy", receiver.URL, "ntfy-topic", "../x"); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-ntfy-topic", "aria-invalid") != "true" {
		t.Errorf("a wrong topic: %d", page.Status)
	}
	for _, path := range []string{"/settings/messages/pigeon", "/settings/messages/pigeon/test", "/settings/messages/pigeon/code", "/settings/messages/pigeon/remove", "/settings/messages/mail/test"} {
		if page := c.Post(t, path); page.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Status)
		}
	}
}

func TestMessages_wishesAreKeptAndMistakesSaid(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Welcome("amara")
	c := serve(t, box.Agent())
	form := c.Get(t, "/settings/messages").Form("form[action=/settings/messages]")
	if form.Get("least") != "warning" || form.Get("quiet") != "yes" || form.Get("from") != "21:00" || form.Get("until") != "07:00" || form.Get("weekly") != "" {
		t.Errorf("the form has %v", form)
	}
	form.Set("least", "critical")
	form.Del("quiet")
	form.Set("weekly", "yes")
	form.Set("day", "5")
	form.Set("hour", "18:00")
	if page := c.Send(t, "/settings/messages", form); page.To != "/settings/messages" {
		t.Fatalf("%d", page.Status)
	}
	all, err := box.Agent().Messages.Receivers(t.Context())
	if err != nil || all[0].Least != appliance.Critical || all[0].Quiet.On || all[0].Weekly != (appliance.Weekly{On: true, Day: 5, Hour: 18}) {
		t.Errorf("%+v, %v", all, err)
	}
	form.Set("until", "late")
	form.Set("day", "9")
	page := c.Send(t, "/settings/messages", form)
	if page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-until", "value") != "late" || page.Value(t, "#f-until", "aria-invalid") != "true" || page.Value(t, "#f-day", "aria-invalid") != "true" {
		t.Errorf("mistakes: %d", page.Status)
	}
}

// Whoever has no account here, or none any more, is told so.
func TestMessages_ofNobody(t *testing.T) {
	t.Parallel()
	c := serve(t, agenttest.New(t).Agent())
	if page := c.Get(t, "/settings/messages"); page.Status != http.StatusNotFound {
		t.Errorf("%d", page.Status)
	}
	if page := c.Get(t, "/settings"); page.Status != http.StatusOK {
		t.Errorf("settings: %d", page.Status)
	}
}
