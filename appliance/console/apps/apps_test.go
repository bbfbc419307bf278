// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/apps"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/control"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) apps.Agent {
	return apps.Agent{Apps: box.Apps, Recipes: box.Recipes, Box: box.Box, Health: box.Health, Names: box.Names, Usage: box.Usage, Confirm: confirm}
}

func console(t *testing.T, box control.Agent) *areatest.Console {
	t.Helper()
	return areatest.New(t, []fs.FS{apps.Files()}, func(d area.Deps) { apps.Routes(d, agent(box)) })
}

// wiki is a box with one app.
func wiki(t *testing.T) *agenttest.Box {
	t.Helper()
	box := agenttest.New(t)
	box.Engine.Behave("app", enginetest.Behaviour{Logs: []string{"ready to serve", "GET / 200", "GET /about 200"}})
	box.AddCalled(t, "Handbook", "dokuwiki", "wiki.demo.coop")
	return box
}

// each runs a test in every language.
func each(t *testing.T, c *areatest.Console, test func(lang string)) {
	t.Helper()
	for _, lang := range locale.Langs() {
		c.Lang = lang
		test(lang)
	}
	c.Lang = ""
}

func TestList(t *testing.T) {
	t.Parallel()
	c := console(t, agenttest.New(t).Agent())
	each(t, c, func(lang string) {
		if p := c.Get(t, "/apps"); len(p.All(".empty")) != 1 || len(p.All(".rows")) != 0 {
			t.Errorf("%s: an empty box does not say what will be here", lang)
		}
	})
	box := wiki(t)
	c = console(t, box.Agent())
	p := c.Get(t, "/apps")
	if lead, row := p.Text(t, ".pagehead p"), p.Text(t, ".rows li"); lead != "The app is open." || row != "Handbook DokuWiki, at wiki.demo.coop Open Open “Handbook”" {
		t.Errorf("%q: %q", lead, row)
	}
	if to := p.Value(t, ".rows .btn", "href"); to != "https://wiki.demo.coop:8443" {
		t.Errorf("it opens %s", to)
	}
	if _, err := box.Agent().Apps.Stop(t.Context(), "dokuwiki"); err != nil {
		t.Fatal(err)
	}
	if p := c.Get(t, "/apps"); p.Text(t, ".pill") != "Stopped" || len(p.All(".rows .btn")) != 0 || !strings.Contains(p.Text(t, ".pagehead p"), "is stopped") {
		t.Errorf("a stopped app: %s", p.Text(t, "main"))
	}
}

func TestCatalogue_findsByNeedAndWords(t *testing.T) {
	t.Parallel()
	c := console(t, wiki(t).Agent())
	for query, want := range map[string]string{
		"": "DokuWiki Radicale WordPress", "?need=wiki": "DokuWiki", "?q=CALENDAR": "Radicale", "?q=Wórd+website": "WordPress",
		"?need=wiki&q=press": "", "?need=nothing": "", "?page=9": "DokuWiki Radicale WordPress",
	} {
		p := c.Get(t, "/catalogue"+query)
		var got []string
		for _, n := range p.All(".shelf h3") {
			got = append(got, areatest.TextOf(n))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %v, want %s", query, got, want)
		}
		if (want == "") != (len(p.All(".empty")) == 1) {
			t.Errorf("%q: finding nothing is not said", query)
		}
	}
	p := c.Get(t, "/catalogue?need=wiki")
	if got := p.Text(t, ".shelf .pill"); got != "On this box" {
		t.Errorf("pill %q", got)
	}
	if got := p.Text(t, ".chips [aria-current]"); got != "Wiki or handbook" {
		t.Errorf("need chosen: %q", got)
	}
	each(t, c, func(string) { c.Get(t, "/catalogue"); c.Get(t, "/catalogue?q=x") })
}

func TestRecipe(t *testing.T) {
	t.Parallel()
	c := console(t, wiki(t).Agent())
	each(t, c, func(lang string) {
		p := c.Get(t, "/catalogue/dokuwiki")
		if p.Text(t, "h1") != "DokuWiki" || p.Value(t, "header .btn.go", "href") != "/catalogue/dokuwiki/add" || !strings.Contains(p.Text(t, "aside"), "GPL-2.0-only") {
			t.Errorf("%s: %s", lang, p.Text(t, "main"))
		}
	})
	if p := c.Get(t, "/catalogue/nothing"); p.Status != http.StatusNotFound {
		t.Errorf("an unknown recipe: %d", p.Status)
	}
}

func TestAdd_fromQuestionsToJob(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	p := c.Get(t, "/catalogue/wordpress/add")
	form := p.Form("form.form")
	if form.Get("name") != "wordpress" || form.Get("host") != "www.demo.coop" || form.Get("set-email") != "steward@demo.coop" {
		t.Errorf("suggested: %v", form) // the e-mail address is that of the wiki
	}
	if asked := p.All("form > .field"); len(asked) != 3 {
		t.Errorf("%d questions are asked before More", len(asked))
	}
	if choices := p.Text(t, "#f-set-language"); choices != "English Español Français" {
		t.Errorf("languages to choose: %s", choices)
	}
	form.Set("set-title", "Bakery")
	form.Set("set-email", "office@demo.coop")
	to := p.Value(t, "form.form", "action")
	p = c.Get(t, to+"?"+form.Encode())
	if p.Status != http.StatusOK || p.Text(t, "h1") != "Add WordPress at www.demo.coop" {
		t.Fatalf("%d: %s", p.Status, p.Text(t, "main"))
	}
	agree := p.Form("form.card")
	p = c.Send(t, p.Value(t, "form.card", "action"), agree)
	if p.Status != http.StatusSeeOther || p.To != "/jobs/2" {
		t.Fatalf("agreed: %d %s\n%s", p.Status, p.To, p.Source)
	}
	if again := c.Send(t, "/catalogue/wordpress/add", agree); again.To != "/jobs/2" {
		t.Errorf("agreed twice: %d %s", again.Status, again.To)
	}
	app, err := box.Agent().Apps.Show(t.Context(), "wordpress")
	if err != nil || app.Settings["email"] != "office@demo.coop" {
		t.Errorf("added %+v, %v", app, err)
	}
	if form := c.Get(t, "/catalogue/wordpress/add").Form("form.form"); form.Get("name") != "wordpress-2" || form.Get("host") != "www-2.demo.coop" {
		t.Errorf("suggested for a second one: %v", form)
	}
}

func TestAdd_saysHowToPutMistakesRight(t *testing.T) {
	t.Parallel()
	c := console(t, wiki(t).Agent())
	good := url.Values{"host": {"cal.demo.coop"}, "name": {"cal"}, "set-email": {"a@demo.coop"}, "set-title": {"Bakery"}}
	for _, bad := range []struct{ field, value, want string }{
		{"host", "", "www.demo.coop"},
		{"host", "demo coop.example", "Use demo.coop.example"},
		{"host", "wi ki.demo.coop", "Use wiki.demo.coop"},
		{"host", "cal demo.coop", "Use cal.demo.coop"},
		{"title", strings.Repeat("x", 61), "at most 60 characters"},
		{"host", "https://cal.demo.coop/x", "without a path: cal.demo.coop"},
		{"host", "x_y", "letters, digits, hyphens and dots"},
		{"host", "wiki.demo.coop", "is the address of Handbook. Choose another"},
		{"name", "Not This", "members-wiki"},
		{"name", "dokuwiki", "Choose another name"},
		{"set-email", "", "needs an answer"},
		{"set-email", "nobody", "office@demo.coop"},
	} {
		form := url.Values{}
		maps.Copy(form, good)
		form.Set(bad.field, bad.value)
		p := c.Get(t, "/catalogue/wordpress/plan?"+form.Encode())
		if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Text(t, ".errsum"), bad.want) {
			t.Errorf("%s=%q: %d %s", bad.field, bad.value, p.Status, p.Text(t, "main"))
			continue
		}
		in := p.All("#f-" + bad.field)
		if len(in) != 1 || areatest.Attr(in[0], "value") != bad.value || areatest.Attr(in[0], "aria-invalid") != "true" || !strings.HasPrefix(p.Text(t, "title"), "Error: ") {
			t.Errorf("%s=%q is not kept or not marked", bad.field, bad.value)
		}
	}
	each(t, c, func(lang string) {
		if p := c.Get(t, "/catalogue/wordpress/plan?host=&name=X&set-title=T&set-email=x"); len(p.All(".errsum li")) != 3 {
			t.Errorf("%s: %s", lang, p.Text(t, "main"))
		}
	})
}

func TestAdd_changedPlanComesBack(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	form := url.Values{"host": {"www.demo.coop"}, "name": {"wordpress"}, "set-title": {"Bakery"}, "set-email": {"a@demo.coop"}, area.FieldRows: {"x y"}}
	for _, hash := range []string{"", "0123456789abcdef"} {
		form.Set(area.FieldHash, hash)
		p := c.Send(t, "/catalogue/wordpress/add", form)
		if p.Status != http.StatusConflict || !strings.Contains(p.Text(t, "[role=alert]"), "The plan has changed") {
			t.Fatalf("hash %q: %d\n%s", hash, p.Status, p.Source)
		}
		if to := p.Value(t, "[hreflang=es]", "href"); !strings.HasPrefix(to, "/catalogue/wordpress/plan?") {
			t.Errorf("another language is at %s", to)
		}
		if agreed := c.Send(t, "/catalogue/wordpress/add", p.Form("form.card")); hash != "" && agreed.To != "/jobs/2" {
			t.Errorf("agreeing to the new plan: %d %s", agreed.Status, agreed.To)
		} else if hash == "" {
			if _, err := box.Agent().Apps.Remove(t.Context(), appliance.RemoveApp{Name: "wordpress"}); err != nil {
				t.Fatal(err)
			}
			box = wiki(t)
			c = console(t, box.Agent())
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	box.Find(
		appliance.Finding{Code: "APP-NOT-ANSWERING", Subject: "app:dokuwiki", Severity: appliance.Critical, What: "it is closed", Next: []string{"look"}},
		appliance.Finding{Code: "APP-NOT-ANSWERING", Subject: "app:other", Severity: appliance.Critical, What: "not this", Next: []string{"look"}},
	)
	c := console(t, box.Agent())
	each(t, c, func(lang string) {
		p := c.Get(t, "/apps/dokuwiki")
		if n := len(p.All("article.finding")); n != 1 {
			t.Errorf("%s: %d findings", lang, n)
		}
		if n := len(p.All(".task form")); n != 2 {
			t.Errorf("%s: %d changes", lang, n)
		}
	})
	p := c.Get(t, "/apps/dokuwiki")
	if h, sub := p.Text(t, "h1"), p.Text(t, "main header p"); h != "Handbook" || sub != "DokuWiki, at wiki.demo.coop" {
		t.Errorf("%q, %q", h, sub)
	}
	if text := p.Text(t, "aside"); !strings.Contains(text, "wiki.demo.coop: until ") {
		t.Errorf("aside: %s", text)
	}
	if text := p.Text(t, "pre"); !strings.Contains(text, "app | ready to serve") {
		t.Errorf("messages: %s", text)
	}
	box.Fail("GET /v1/apps/dokuwiki/logs", &problem.Problem{Code: "engine-down", Kind: problem.Unavailable, What: "no engine", Next: []string{"wait"}})
	if p := c.Get(t, "/apps/dokuwiki"); p.Status != http.StatusOK || !strings.Contains(p.Source, "cannot be read now") {
		t.Errorf("without messages: %d", p.Status)
	}
	if p := c.Get(t, "/apps/nothing"); p.Status != http.StatusNotFound {
		t.Errorf("an unknown app: %d", p.Status)
	}
}

func TestRun_stopsStartsRestartsOnceAForm(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	state := func() string {
		app, err := box.Agent().Apps.Show(t.Context(), "dokuwiki")
		if err != nil {
			t.Fatal(err)
		}
		return app.State
	}
	key := c.Get(t, "/apps/dokuwiki").Form(".task form").Get(area.FieldKey)
	if p := c.Post(t, "/apps/dokuwiki/stop", area.FieldKey, key); p.To != "/jobs/2" || state() != "stopped" {
		t.Errorf("stop: %d %s, then %s", p.Status, p.To, state())
	}
	if p := c.Post(t, "/apps/dokuwiki/stop", area.FieldKey, key); p.To != "/jobs/2" {
		t.Errorf("stop again with the same form: %s", p.To)
	}
	if p := c.Post(t, "/apps/dokuwiki/stop", area.FieldKey, "another tab"); p.To != "/apps/dokuwiki" {
		t.Errorf("a second stop leads to %s", p.To)
	}
	p := c.Get(t, "/apps/dokuwiki")
	if p.Value(t, ".task form", "action") != "/apps/dokuwiki/start" || len(p.All(".task form")) != 1 {
		t.Error("a stopped app offers more than starting")
	}
	if p := c.Post(t, "/apps/dokuwiki/start"); p.To != "/jobs/3" || state() != "running" {
		t.Errorf("start: %s", p.To)
	}
	if p := c.Post(t, "/apps/dokuwiki/restart"); p.To != "/jobs/4" {
		t.Errorf("restart: %s", p.To)
	}
	if p := c.Post(t, "/apps/nothing/restart"); p.Status != http.StatusNotFound {
		t.Errorf("restart of nothing: %d", p.Status)
	}
}

func TestRemove_asksForTheName(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	each(t, c, func(lang string) {
		p := c.Get(t, "/apps/dokuwiki/remove")
		if len(p.All(".ticks li")) < 5 || len(p.All("tr.now")) == 0 {
			t.Errorf("%s: it does not say what goes and what stays", lang)
		}
	})
	p := c.Get(t, "/apps/dokuwiki/remove")
	form := p.Form("form.card")
	for _, typed := range []string{"", "wordpress"} {
		form.Set("typed", typed)
		bad := c.Send(t, "/apps/dokuwiki/remove", form)
		if bad.Status != http.StatusUnprocessableEntity || bad.Value(t, "#f-typed", "value") != typed || !strings.Contains(bad.Text(t, ".errsum"), "Type Handbook") {
			t.Errorf("typed %q: %d", typed, bad.Status)
		}
	}
	form.Set("typed", " hándBOOK ")
	stale := url.Values{"typed": form["typed"], area.FieldHash: {"0"}}
	if p := c.Send(t, "/apps/dokuwiki/remove", stale); p.Status != http.StatusConflict || p.Value(t, "#f-typed", "value") == "" {
		t.Errorf("an old plan: %d", p.Status)
	}
	if p := c.Send(t, "/apps/dokuwiki/remove", form); p.To != "/jobs/2" {
		t.Fatalf("removed: %d %s", p.Status, p.To)
	}
	if all, err := box.Agent().Apps.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("still there: %v, %v", all, err)
	}
}

func TestMessages(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{apps.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, "webkit.", "apps.need.", "apps.offer.", "apps.data.")
}

func TestLook_everyNeedHasItsNameAndPictogram(t *testing.T) {
	b, err := locale.New(apps.Files())
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := area.NeedIcon("other")
	for _, key := range b.Keys("en") {
		need, ok := strings.CutPrefix(key, "apps.need.")
		if icon, tint := area.NeedIcon(need); ok && !slices.Contains([]string{"all", "other"}, need) && (icon == plain || tint == "") {
			t.Errorf("%s looks like any other app", need)
		}
	}
}
