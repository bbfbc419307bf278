// SPDX-License-Identifier: AGPL-3.0-or-later

package settings_test

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/settings"
	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/desk/desktest"
	"coopkit/desk/wire"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
	"coopkit/internal/webkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) settings.Agent {
	return settings.Agent{Box: box.Box, Desk: box.Desk, Apps: box.Apps, Sites: box.Sites, Names: box.Names, Metrics: box.Metrics, Messages: box.Messages}
}

func serve(t *testing.T, box control.Agent) *areatest.Console {
	t.Helper()
	return areatest.New(t, []fs.FS{settings.Files()}, func(d area.Deps) { settings.Routes(d, agent(box)) })
}

var link = appliance.DeskLink{
	State: appliance.DeskLinked, URL: "https://desk.example", Name: "Kestrel Works", Coop: "Demo Co-op", Box: "k7m2p9x4q1w8",
	KeyFingerprint: "4f1c 9a02 77de 13b5", Words: [4]string{"maple", "lantern", "otter", "harvest"},
	Joined: areatest.Now.Add(-40 * time.Hour), LastSent: areatest.Now.Add(-20 * time.Second), LastTried: areatest.Now.Add(-20 * time.Second),
	NextTry: areatest.Now.Add(time.Minute), Waiting: 3,
}

func in(state appliance.DeskState, p *problem.Problem) appliance.DeskLink {
	l := link
	l.State, l.Problem = state, p
	return l
}

func TestSettings_savedAndSaidWhatIsWrong(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	c := serve(t, box.Agent())
	form := c.Get(t, "/settings").Form("form[action=/settings]")
	if form.Get("coop") != "Demo Co-op" || form.Get("language") != "en" {
		t.Errorf("the form has %v", form)
	}
	form.Set("coop", " Panadería La Luz ")
	form.Set("language", "es")
	if page := c.Send(t, "/settings", form); page.Status != http.StatusSeeOther || page.To != "/settings" {
		t.Errorf("%d to %s", page.Status, page.To)
	}
	if s, err := box.Agent().Box.Settings(t.Context()); err != nil || s.Coop != "Panadería La Luz" || s.Language != "es" {
		t.Errorf("saved %v, %v", s, err)
	}
	form.Set("coop", strings.Repeat("ñ", 81))
	if page := c.Send(t, "/settings", form); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-coop", "aria-invalid") != "true" || page.Value(t, "#f-coop", "value") != form.Get("coop") {
		t.Errorf("too long: %d", page.Status)
	}
	form.Set("coop", "Luz")
	form.Set("contact", "at the counter")
	if page := c.Send(t, "/settings", form); page.Status != http.StatusUnprocessableEntity || page.Value(t, "#f-contact", "aria-invalid") != "true" || !strings.Contains(page.Text(t, ".errsum"), "neither an e-mail address") {
		t.Errorf("no contact: %d %s", page.Status, page.Text(t, ".errsum"))
	}
	form.Set("contact", "+34 600 000 000")
	if page := c.Send(t, "/settings", form); page.Status != http.StatusSeeOther {
		t.Errorf("a contact: %d", page.Status)
	}
	form.Set("language", "tlh")
	if page := c.Send(t, "/settings", form); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Text(t, ".errsum"), "The settings were not changed.") {
		t.Errorf("unknown language: %d", page.Status)
	}
	if page := c.Get(t, "/settings/sessions"); page.To != "/account" {
		t.Errorf("sessions are at %s", page.To)
	}
}

// withAuthority is a box with a file where its authority is.
func withAuthority(t *testing.T, ca string) control.Agent {
	t.Helper()
	box := agenttest.New(t)
	agenttest.Change(box, "GET /v1/status", func(s *appliance.Status) { s.CA = ca })
	return box.Agent()
}

func TestAuthority_sendsCertificatesAndNothingElse(t *testing.T) {
	t.Parallel()
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("certificate")})
	file := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(file, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("key")}), cert...), 0o600); err != nil {
		t.Fatal(err)
	}
	page := serve(t, withAuthority(t, file)).Get(t, "/settings/ca.crt")
	if page.Status != http.StatusOK || page.Source != string(cert) || page.Header.Get("Content-Type") != "application/x-x509-ca-cert" {
		t.Errorf("%d %s: %s", page.Status, page.Header.Get("Content-Type"), page.Source)
	}
	for _, none := range []string{"", file + ".gone"} {
		c := serve(t, withAuthority(t, none))
		if page := c.Get(t, "/settings/ca.crt"); page.Status != http.StatusNotFound {
			t.Errorf("%q: %d", none, page.Status)
		}
	}
	if page := serve(t, withAuthority(t, "")).Get(t, "/settings"); len(page.All("#trust")) != 0 {
		t.Error("there is an authority to trust where there is none")
	}
}

func TestDesk_joinedFromTheCodeToTheWords(t *testing.T) {
	t.Parallel()
	d := desktest.New(t)
	code := d.Invite(false).String()
	box := agenttest.New(t)
	c := serve(t, box.Agent())
	if got := c.Get(t, "/settings/desk").Text(t, "h1"); got != "No support desk can see this box" {
		t.Errorf("h1 %q", got)
	}
	for _, path := range []string{"/settings/desk/sent", "/settings/desk/leave"} {
		if page := c.Get(t, path); page.To != "/settings/desk" {
			t.Errorf("%s leads to %q", path, page.To)
		}
	}
	wrong := c.Post(t, "/settings/desk/plan", "code", "nonsense")
	if wrong.Status != http.StatusUnprocessableEntity || wrong.Value(t, "#f-code", "value") != "nonsense" || !strings.HasPrefix(wrong.Text(t, "title"), "Error: ") {
		t.Errorf("a wrong code: %d", wrong.Status)
	}
	plan := c.Post(t, "/settings/desk/plan", "code", code)
	form := plan.Form("form[action=/settings/desk/join]")
	if plan.Status != http.StatusOK || form.Get("code") != code || plan.Text(t, "h1") != "Join the desk at "+strings.TrimPrefix(d.URL(), "https://") {
		t.Fatalf("plan: %d %v", plan.Status, form)
	}
	if rows := plan.Text(t, "tbody"); !strings.Contains(rows, "Report which apps it has") {
		t.Errorf("the plan is not in the reader's words: %s", rows)
	}
	hash := form.Get(area.FieldHash)
	form.Set(area.FieldHash, "another")
	if page := c.Send(t, "/settings/desk/join", form); page.Status != http.StatusConflict || len(page.All("form[action=/settings/desk/join]")) != 1 {
		t.Errorf("another plan: %d", page.Status)
	}
	form.Set(area.FieldHash, hash)
	for range 2 { // the second time it has joined already
		if page := c.Send(t, "/settings/desk/join", form); page.Status != http.StatusSeeOther || page.To != "/settings/desk" {
			t.Fatalf("join: %d to %s", page.Status, page.To)
		}
	}
	link, err := box.Agent().Desk.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := c.Get(t, "/settings/desk")
	if got, want := page.Text(t, ".words"), d.Box(wire.BoxID(link.Box)).Words; got != strings.Join(want[:], " ") {
		t.Errorf("words %q, the desk has %q", got, want)
	}
	sent := c.Get(t, "/settings/desk/sent")
	if !strings.Contains(sent.Text(t, "pre"), `"box": "`+link.Box+`"`) || !strings.Contains(sent.Text(t, ".pagehead"), "Nothing has been sent yet") {
		t.Errorf("sent: %s", sent.Text(t, "pre"))
	}
	if n := len(c.Get(t, "/settings/desk/leave").All("form[action=/settings/desk/leave]")); n != 1 {
		t.Errorf("%d forms to leave", n)
	}
	for range 2 {
		if page := c.Post(t, "/settings/desk/leave"); page.To != "/settings/desk" {
			t.Errorf("leave: %d to %s", page.Status, page.To)
		}
	}
	if l, err := box.Agent().Desk.Status(t.Context()); err != nil || l.State != appliance.DeskNone {
		t.Errorf("link %v, %v", l, err)
	}
}

func TestDesk_thePageOfTheWordsSeesThatTheyAreCompared(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Answer("GET /v1/desk", in(appliance.DeskPending, nil))
	c := serve(t, box.Agent())
	page := c.Get(t, "/settings/desk")
	if got := page.Value(t, "[aria-labelledby=words]", "data-live"); got != "/settings/desk/events" || !strings.Contains(page.Source, `http-equiv="refresh"`) {
		t.Errorf("the page looks at %q, and without scripts:\n%s", got, page.Source)
	}
	linked := time.AfterFunc(10*time.Millisecond, func() { box.Answer("GET /v1/desk", in(appliance.DeskLinked, nil)) })
	defer linked.Stop()
	if got := c.Get(t, "/settings/desk/events").Source; !strings.Contains(got, "event: end\n") {
		t.Errorf("the stream ended without telling the page to load again: %s", got)
	}
	box.Fail("GET /v1/desk", errors.New("away"))
	if got := c.Get(t, "/settings/desk/events").Source; strings.Contains(got, "event: end") {
		t.Errorf("an agent that is away was taken for compared words: %s", got)
	}
}

func TestLeave_saysWhereTheFilesAre(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	status, err := box.Agent().Box.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := serve(t, box.Agent()).Get(t, "/leave")
	for _, want := range []string{status.State + "/exports", status.State + "/sites"} {
		if !strings.Contains(page.Source, want) {
			t.Errorf("the page does not name %s", want)
		}
	}
}

func TestDesk_aDeskThatIsAwayIsSaidAtTheForm(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Fail("POST /v1/desk", &problem.Problem{Code: "desk-unreachable", Kind: problem.Unavailable, What: "x", Next: []string{"y"}})
	page := serve(t, box.Agent()).Post(t, "/settings/desk/join", "code", "any")
	if page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Text(t, "#e-code"), "The support desk cannot be reached.") {
		t.Errorf("%d", page.Status)
	}
}

var states = map[appliance.DeskState]struct {
	problem *problem.Problem
	h1      string
}{
	appliance.DeskPending: {nil, "Kestrel Works is waiting for the four words"},
	appliance.DeskLinked:  {nil, "Kestrel Works can see the state of this box"},
	appliance.DeskSilent: {&problem.Problem{
		Code: "desk-unreachable", Kind: problem.Unavailable, What: "the desk cannot be reached", Why: "no route to host", Next: []string{"wait"},
	}, "Kestrel Works does not respond"},
	appliance.DeskRefused: {&problem.Problem{
		Code: "desk-refuses", Kind: problem.Conflict, What: "it does not take the reports", Why: "the clock is wrong", Next: []string{"look"},
	}, "Kestrel Works does not accept the reports"},
	appliance.DeskEnded: {&problem.Problem{
		Code: "desk-ended-link", Kind: problem.Conflict, What: "it has ended the link", Why: "the box was removed", Next: []string{"ask"},
	}, "Kestrel Works has ended the link"},
}

func TestDesk_everyState(t *testing.T) {
	t.Parallel()
	for state, want := range states {
		box := agenttest.New(t)
		box.Answer("GET /v1/desk", in(state, want.problem))
		c := serve(t, box.Agent())
		for _, c.Lang = range locale.Langs() {
			page := c.Get(t, "/settings/desk")
			if got := page.Text(t, "h1"); c.Lang == "en" && got != want.h1 {
				t.Errorf("%s: %q, want %q", state, got, want.h1)
			}
			if want.problem != nil && (len(page.All("article.finding")) != 1 || !strings.Contains(page.Source, want.problem.Why)) {
				t.Errorf("%s does not say why", state)
			}
			if n := len(page.All(".words li")); (state == appliance.DeskPending) != (n == 4) {
				t.Errorf("%s shows %d words to compare", state, n)
			}
		}
	}
}

func TestPages_inThreeLanguages(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Add(t, "wordpress", "www.demo.coop")
	box.Answer("GET /v1/desk", link)
	box.Answer("GET /v1/desk/preview", "{}")
	if _, err := agenttest.PushSite(t.Context(), box.Agent().Sites, "pages.demo.coop", strings.NewReader(testkit.Zip(t, "index.html", "x"))); err != nil {
		t.Fatal(err)
	}
	c := serve(t, box.Agent())
	for _, c.Lang = range locale.Langs() {
		for _, path := range []string{"/settings", "/settings/desk", "/settings/desk/sent", "/settings/desk/leave", "/help", "/accessibility", "/leave"} {
			if page := c.Get(t, path); page.Status != http.StatusOK || page.Value(t, "html", "lang") != c.Lang {
				t.Errorf("%s in %s: %d", path, c.Lang, page.Status)
			}
		}
	}
	c.Lang = "en"
	for _, to := range []string{"/apps/wordpress/copy", "/sites/pages.demo.coop/copy", "/names/demo.coop/copy", "/apps/wordpress/remove"} {
		if len(c.Get(t, "/leave").All("a[href="+to+"]")) != 1 {
			t.Errorf("no way to %s", to)
		}
	}
	if got := c.Get(t, "/help").Text(t, "main"); !strings.Contains(got, "Kestrel Works") {
		t.Errorf("help does not name who helps: %s", got)
	}
	box.Answer("GET /v1/desk", appliance.DeskLink{State: appliance.DeskNone})
	if got := c.Get(t, "/help").Text(t, "main"); !strings.Contains(got, "No IT co-op watches over this box yet.") {
		t.Errorf("help: %s", got)
	}
}

// A stranger reads how to get in, and nothing of the box.
func TestHelp_tellsStrangersNothing(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Answer("GET /v1/desk", link)
	files := []fs.FS{area.Files(), say.Files(), settings.Files()}
	ui, err := webkit.New(webkit.Config{
		Name: "console", Templates: files, Messages: files, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return areatest.Now },
		User: func(*http.Request) (webkit.User, bool) { return webkit.User{}, false },
	})
	if err != nil {
		t.Fatal(err)
	}
	settings.Routes(area.Deps{UI: ui, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return areatest.Now }}, agent(box.Agent()))
	c := &areatest.Console{Handler: ui.Router().Handler(), UI: ui}
	page := c.Get(t, "/help")
	if page.Status != http.StatusOK || strings.Contains(page.Source, "Kestrel") || strings.Contains(page.Source, "/findings") || !strings.Contains(page.Source, "coopkit console token") {
		t.Errorf("%d %s", page.Status, page.Source)
	}
	if page := c.Get(t, "/accessibility"); page.Status != http.StatusOK {
		t.Errorf("accessibility: %d", page.Status)
	}
}

func TestSettings_partsThatFailAreSaid(t *testing.T) {
	t.Parallel()
	for request, path := range map[string]string{
		"settings": "/settings", "status": "/settings", "host": "/settings", "desk": "/settings/desk", "desk/preview": "/settings/desk/sent", "apps": "/leave", "sites": "/leave", "names": "/leave",
	} {
		box := agenttest.New(t)
		box.Answer("GET /v1/desk", link)
		box.Fail("GET /v1/"+request, &problem.Problem{Code: "away", Kind: problem.Unavailable, What: "it is away", Next: []string{"wait"}})
		if page := serve(t, box.Agent()).Get(t, path); page.Status != http.StatusServiceUnavailable {
			t.Errorf("%s without %s: %d", path, request, page.Status)
		}
	}
}

func TestMessages_areComplete(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{settings.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, "webkit.", "problem.")
}
