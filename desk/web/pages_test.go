// SPDX-License-Identifier: AGPL-3.0-or-later

package web_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
)

var key = regexp.MustCompile(`\b(desk|account|webkit|problem)\.[a-z]+(\.[a-z]+)*\b`)

// sound fails if a page has a key for a text, something inline, an id twice, a
// heading that skips a level, or not one h1.
func (a answer) sound(t *testing.T, what string) {
	t.Helper()
	text := strings.ReplaceAll(a.text, "desk.example", "")
	if k := key.FindString(text); k != "" {
		t.Errorf("%s has the key %s for a text", what, k)
	}
	if m := regexp.MustCompile(`\sstyle=|<script>|\son[a-z]+=`).FindString(a.text); m != "" {
		t.Errorf("%s has something inline: %s", what, m)
	}
	ids, level, ones := map[string]bool{}, 1, 0
	for n := range a.page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, attr := range n.Attr {
			if attr.Key == "id" {
				if ids[attr.Val] {
					t.Errorf("%s has the id %s twice", what, attr.Val)
				}
				ids[attr.Val] = true
			}
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			now := int(n.Data[1] - '0')
			if now == 1 {
				ones++
			}
			if now > level+1 {
				t.Errorf("%s skips from h%d to h%d", what, level, now)
			}
			level = now
		}
	}
	if ones != 1 {
		t.Errorf("%s has %d h1", what, ones)
	}
}

func TestPages_areSoundInEveryLanguage(t *testing.T) {
	r, pantry, loom, late, silent, mill := seeded(t)
	mill.head = wire.Head{1} // its journal has forked: from now on it is suspected
	body, err := wire.Encode(wire.Report{Version: 1, Box: mill.id, Sent: wire.At(r.Now()), First: mill.next, Previous: mill.head, Entries: []wire.Entry{{At: wire.At(r.Now()), Sample: sample(1, 1)}}})
	if err != nil {
		t.Fatal(err)
	}
	report, raw, err := wire.DecodeReport(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Receive(t.Context(), &report, raw, body); err == nil {
		t.Fatal("a forked journal was taken")
	}
	pages := []string{"/fleet", "/fleet?q=nothing", "/invitations", "/coops", "/people", "/account", "/accessibility", "/help", "/join"}
	for _, b := range []*box{pantry, loom, late, silent, mill} {
		pages = append(pages, "/boxes/"+string(b.id), "/boxes/"+string(b.id)+"/remove")
	}
	pages = append(pages, "/boxes/"+string(pantry.id)+"?days=90", "/boxes/unknown")
	for _, lang := range locale.Langs() {
		for _, path := range pages {
			for _, who := range []string{"irati", "amara"} {
				a := r.askIn(lang, who, "GET "+path)
				if a.status >= 500 || !strings.Contains(a.text, `lang="`+lang+`"`) {
					t.Errorf("%s in %s: %d", path, lang, a.status)
				}
				a.sound(t, path+" in "+lang)
				if strings.Contains(a.text, "<b>.") || strings.Contains(a.text, "{") && !strings.Contains(a.text, "data-silent-word") {
					t.Errorf("%s in %s has markup or a placeholder", path, lang)
				}
			}
		}
		made := r.askIn(lang, "irati", "POST /invitations", "coop", "bakery", "valid", "1").want(t, 303)
		r.askIn(lang, "irati", "GET "+made.header.Get("Location")).want(t, 200).sound(t, "invitation in "+lang)
		r.askIn(lang, "irati", "POST /invitations", "coop", "none", "valid", "1").want(t, 422).sound(t, "refused invitation in "+lang)
		r.askIn(lang, "irati", "POST /people", "name", "a b", "role", "member", "coop", "bakery").want(t, 422).sound(t, "refused person in "+lang)
		r.askIn(lang, "irati", "POST /coops", "id", "A B", "name", "x").want(t, 422).sound(t, "refused co-op in "+lang)
	}
}

func TestMessages_areComplete(t *testing.T) {
	r := newRig(t)
	localetest.Check(t, r.web.Bundle(), []string{"."}, "webkit.", "account.", "problem.", "desk.reach.", "desk.language.",
		"desk.box.confirmed", "desk.box.isrestored", "desk.people.isclosed", "desk.people.isopen")
}

func TestBox_showsWhatIsKnown(t *testing.T) {
	r, pantry, _, _, _, _ := seeded(t)
	a := r.ask("jonas", "GET /boxes/"+string(pantry.id)).want(t, 200,
		"Nextcloud runs into its memory limit after lunch", "Raise it to 768 MB", "APP-MEMORY-LIMIT files", "www.demo.coop", "Release 12", "nextcloud 34.0.2",
		"9 days left", "72 days left", "Docker 28.5", "amd64, 4 cores, kernel 6.1.0", "SHA256 ", "none lost", "Clock", "1 of 2",
		"Critical: The website does not answer (APP-DOWN)", "Joined with an invitation that irati made.")
	if plots := strings.Count(a.text, `class="plot"`); plots != 6 { // three figures, one night without reports
		t.Errorf("%d lines are drawn", plots)
	}
	if scale := a.texts("text", "text-anchor", "end"); len(scale) < 9 || scale[2] != "100%" {
		t.Errorf("the scales say %q", scale)
	}
	if days := a.texts("th", "role", "rowheader"); len(days) != 2+8 {
		t.Errorf("rows %v", days)
	}
	r.ask("jonas", "GET /boxes/"+string(pantry.id)+"?days=90").want(t, 200, `href="/boxes/`+string(pantry.id)+`?days=7#history"`, `href="/boxes/`+string(pantry.id)+`?days=1#history"`)
}

func TestBox_saysWhoCanDoItForOlderBoxesToo(t *testing.T) {
	r, pantry, _, _, _, _ := seeded(t)
	for code, who := range map[string]string{"A": "you", "B": "isp", "C": "your Internet provider", "D": "itcoop", "E": "your IT co-op", "F": "a neighbour"} {
		e := finding(code, "", "warning", "Something is wrong")
		e.Finding.Who = who
		pantry.send(e)
	}
	a := r.ask("irati", "GET /boxes/"+string(pantry.id)).want(t, 200, "the box’s steward can do this", "a neighbour can do this")
	for words, want := range map[string]int{"the Internet provider can do this": 2, "the IT co-op can do this": 4} { // two are of seeded
		if n := strings.Count(a.text, words); n != want {
			t.Errorf("%q is shown %d times, want %d", words, n, want)
		}
	}
}

func TestBox_isConfirmedAfterTheWordsAreCompared(t *testing.T) {
	r, _, loom, _, _, _ := seeded(t)
	path := "/boxes/" + string(loom.id)
	a := r.ask("jonas", "GET "+path).want(t, 200, "<span>acorn</span> <span>loaf</span> <span>oak</span> <span>yarn</span>", "Refuse: they differ…", path+"/confirm")
	if words := a.texts("p", "class", "words"); len(words) != 1 || words[0] != "acorn loaf oak yarn" {
		t.Errorf("words %v", words)
	}
	r.ask("amara", "GET "+path).want(t, 200, "A technician or a coordinator can confirm it.").lacks(t, path+"/confirm")
	if a := r.ask("jonas", "POST "+path+"/confirm"); a.status != 303 || a.to != path {
		t.Fatalf("%d to %s", a.status, a.to)
	}
	loom.send(wire.Entry{Sample: sample(1, 2)})
	r.ask("jonas", "GET "+path).want(t, 200, "Reporting, and nothing needs attention.", "Confirmed by jonas.")
}

func TestBox_historyIsInTheReadersLanguage(t *testing.T) {
	r, pantry, _, _, _, _ := seeded(t)
	e := finding("APP-STOPPED", "app:wiki", "notice", "Handbook is closed: visitors see a page that says so")
	e.Finding.Args = map[string]string{"app": "Handbook", "install": "wiki"}
	f := facts("pantry", r.Now())
	f.Language = "en"
	f.Installs = append([]wire.Install{{Name: "wiki", Title: "Bakery handbook", Recipe: "dokuwiki", State: "running", Host: "wiki.demo.coop", Reach: "not-switched"}}, f.Installs...)
	pantry.send(e, wire.Entry{Facts: &f}, wire.Entry{Solved: &wire.FindingName{Code: "APP-STOPPED", Subject: "app:wiki"}})
	a := r.askIn("fr", "jonas", "GET /boxes/"+string(pantry.id)).want(t, 200, "anglais", "Bakery handbook", "Son nom n’est pas encore raccordé")
	a.lacks(t, "Handbook is closed", "Application wiki ajoutée")
}

func TestBox_isRefusedOrRemoved(t *testing.T) {
	r, _, loom, _, _, _ := seeded(t)
	path := "/boxes/" + string(loom.id)
	r.ask("jonas", "GET "+path+"/remove").want(t, 200, "Refuse this box", "Nothing changes on the box itself", "Keep it")
	if a := r.ask("jonas", "POST "+path+"/remove"); a.status != 303 || a.to != "/fleet" {
		t.Fatalf("%d to %s", a.status, a.to)
	}
	r.ask("jonas", "GET /fleet").want(t, 200).lacks(t, ">loom<")
	r.ask("jonas", "POST "+path+"/confirm").want(t, 404)
}

func TestBox_thatWentBackIsOneOrTwo(t *testing.T) {
	r, pantry, _, _, _, _ := seeded(t)
	path := "/boxes/" + string(pantry.id)
	pantry.head = wire.Head{9}
	body, err := wire.Encode(wire.Report{Version: 1, Box: pantry.id, Sent: wire.At(r.Now()), First: 3, Previous: pantry.head, Entries: []wire.Entry{{At: wire.At(r.Now()), Sample: sample(1, 2)}}})
	if err != nil {
		t.Fatal(err)
	}
	report, raw, err := wire.DecodeReport(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Receive(t.Context(), &report, raw, body); err == nil {
		t.Fatal("a journal that went back was taken")
	}
	b, err := r.all().Box(t.Context(), pantry.id)
	if err != nil || b.State != desk.BoxSuspected {
		t.Fatalf("%s %v", b.State, err)
	}
	r.ask("jonas", "GET "+path).want(t, 200, "Is it one box or two?", "It is the same box, restored", "Refuse it…", "BOX-SUSPECTED")
	r.askIn("es", "jonas", "GET "+path).want(t, 200, "Puede que dos cajas").lacks(t, "Two boxes may be reporting")
	r.ask("jonas", "POST "+path+"/restored").want(t, 303)
	r.ask("jonas", "GET "+path).want(t, 200, "jonas confirmed that it is the same box, restored.").lacks(t, "Is it one box or two?")
}

func TestPeople_theUsualChoiceWorks(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	form := r.ask("irati", "GET /people").want(t, 200)
	if !strings.Contains(form.text, `<option value="kestrel" selected>`) || !strings.Contains(form.text, `<option value="technician" selected>`) {
		t.Errorf("what is chosen already would be refused:\n%s", form.text)
	}
}

func TestInvitation_isShownOnceAndWithdrawn(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	r.pass(time.Second)
	r.ask("jonas", "POST /invitations", "coop", "bakery", "caretaker", "kestrel", "valid", "4", "confirmed", "yes").want(t, 403)
	shown := r.ask("jonas", "POST /invitations", "coop", "bakery", "caretaker", "kestrel", "valid", "4").want(t, 303).header.Get("Location")
	r.ask("irati", "GET "+shown).want(t, 404) // it is not hers
	before, err := r.all().Invitations(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r.ask("jonas", "GET "+shown).want(t, 200)
	a := r.ask("jonas", "GET "+shown). // again: the page was loaded anew
						want(t, 200, "An invitation for Lantern Street Bakery", "coopkit support join &#39;https://desk.example:8430/join#ck1.", "24 November 2026, 03:02")
	code, err := wire.ParseInvitation(a.texts("code", "id", "code")[0])
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.all().Invitations(t.Context(), 1)
	if err != nil || made.Rows[0].ID != code.ID() || made.Rows[0].Confirmed || len(made.Rows) != len(before.Rows) {
		t.Fatalf("%+v %v", made.Rows[0], err)
	}
	r.ask("jonas", "GET /invitations").want(t, 200, "Open</span>", code.ID()).lacks(t, a.texts("code", "id", "code")[0], "Skip the four-word check")
	r.ask("jonas", "POST /invitations/"+code.ID()+"/withdraw").want(t, 303)
	r.ask("jonas", "GET /invitations").want(t, 200).lacks(t, code.ID())
	r.ask("jonas", "POST /invitations/"+code.ID()+"/withdraw").want(t, 404)
	r.ask("jonas", "POST /invitations", "coop", "mill", "valid", "1").want(t, 422, `id="e-coop"`)
	r.ask("irati", "POST /invitations", "coop", "mill", "caretaker", "bakery", "valid", "1").want(t, 422, `id="e-caretaker"`)
	r.ask("irati", "POST /invitations", "coop", "mill", "valid", "25").want(t, 422, `id="e-valid"`)
	r.pass(time.Second)
	r.ask("irati", "POST /invitations", "coop", "mill", "confirmed", "yes").want(t, 303)
	if made, err = r.all().Invitations(t.Context(), 1); err != nil || !made.Rows[0].Confirmed {
		t.Errorf("%+v %v", made.Rows[0], err)
	}
	r.pass(2 * time.Hour)
	r.ask("jonas", "GET "+shown).want(t, 404).lacks(t, code.String())
	r.ask("irati", "GET /invitations").want(t, 200, "Expired", "Used", "See the box")
	r.ask("amara", "GET /invitations").want(t, 200, "Ask one of them").lacks(t, "<form class=\"form\"")
}

func TestInvitations_haveMorePagesThanOne(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	invite := func(valid time.Duration) string {
		t.Helper()
		code, err := r.web.Invitation()
		if err != nil {
			t.Fatal(err)
		}
		made, err := r.all().Invite(t.Context(), code, store.Invite{Coop: "bakery", Valid: valid})
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	first := invite(24 * time.Hour)
	r.pass(time.Minute)
	for range 60 {
		invite(time.Hour)
	}
	r.pass(2 * time.Hour)
	a := r.ask("irati", "GET /invitations").want(t, 200, "Page 1 of 2", `href="/invitations?page=2"`, first) // older than all others, and open
	if states := a.texts("span", "class", "pill"); len(states) != 50 || states[0] != "Open" || states[1] != "Expired" {
		t.Errorf("the first page has %d rows: %v", len(states), states)
	}
	a.sound(t, "the first of two pages")
	b := r.ask("irati", "GET /invitations?page=9").want(t, 200, "Page 2 of 2", `href="/invitations?page=1"`).lacks(t, first)
	if states := b.texts("span", "class", "pill"); len(states) != 16 {
		t.Errorf("the second page has %d rows", len(states))
	}
	r.ask("rita", "GET /invitations").want(t, 200).lacks(t, "Page 1 of")
}

func TestPeople_areAddedClosedAndLetInAgain(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	a := r.ask("irati", "POST /people", "name", "Lena", "display", "Lena Ruiz", "coop", "kestrel", "role", "technician").want(t, 200, "A token for Lena Ruiz", "<code>lena</code>")
	token := a.texts("code", "id", "token")[0]
	set := r.ask("", "POST /signin/recover", "token", token, "password", "another four words")
	if set.status != 303 || set.cookie["__Host-desk"] == "" {
		t.Fatalf("%d\n%s", set.status, set.text)
	}
	r.cookies["lena"] = set.cookie["__Host-desk"]
	r.ask("lena", "GET /account").want(t, 200, "Technician", "Kestrel Works")
	p, err := r.signin.PersonByName(t.Context(), "lena")
	if err != nil {
		t.Fatal(err)
	}
	r.ask("irati", "POST /people/"+string(p.ID)+"/close").want(t, 303)
	if a := r.ask("lena", "GET /fleet"); a.status != 303 {
		t.Errorf("a closed account: %d", a.status)
	}
	r.ask("irati", "POST /people/"+string(p.ID)+"/open").want(t, 303)
	r.ask("irati", "POST /people/"+string(p.ID)+"/token").want(t, 200, "A token for Lena Ruiz")
	for _, c := range []struct{ field, name, coop, role string }{
		{"name", "lena", "kestrel", "member"}, {"name", "l x", "kestrel", "member"}, {"coop", "x1", "", "member"}, {"coop", "x1", "none", "member"}, {"role", "x1", "kestrel", "chief"},
	} {
		r.ask("irati", "POST /people", "name", c.name, "coop", c.coop, "role", c.role).want(t, 422, `id="e-`+c.field+`"`, `value="`+c.name+`"`)
	}
}

func TestPeople_oneCoordinatorStays(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	r.person("noor", "", desk.Coordinator)
	ids := map[string]string{}
	for _, name := range []string{"irati", "noor", "jonas"} {
		p, err := r.signin.PersonByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = string(p.ID)
		r.session(name)
	}
	var both sync.WaitGroup
	for who, whom := range map[string]string{"irati": "noor", "noor": "irati"} { // at the same time
		both.Go(func() { r.ask(who, "POST /people/"+ids[whom]+"/close") })
	}
	both.Wait()
	last := "irati"
	if p, err := r.signin.PersonByName(t.Context(), last); err != nil || p.Disabled {
		last = "noor"
	}
	r.ask(last, "POST /people/"+ids[last]+"/close").want(t, 409, "This is the only coordinator who can still sign in", "Add another coordinator first")
	r.askIn("fr", last, "POST /people/"+ids[last]+"/close").want(t, 409, "C’est la seule personne de la coordination")
	r.ask(last, "POST /people/"+ids["jonas"]+"/close").want(t, 303)
	r.ask(last, "GET /people").want(t, 200)
}

func TestCoops_areAdded(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	r.ask("irati", "POST /coops", "id", "weavers", "name", "Weavers & Co", "place", "Braga", "it", "yes").want(t, 303)
	r.ask("irati", "GET /coops").want(t, 200, "Weavers &amp; Co", "Braga")
	r.ask("irati", "POST /coops", "id", "weavers", "name", "Others").want(t, 422, `id="e-id"`, "Others")
	r.ask("irati", "POST /coops", "id", "Wea vers", "name", "Others").want(t, 422, `id="e-id"`)
}

func TestJoin_neverSeesTheCode(t *testing.T) {
	r := newRig(t)
	r.ask("", "GET /join").want(t, 200, "This is an invitation for a box", "coopkit support join", "Your browser did not send it here")
}
