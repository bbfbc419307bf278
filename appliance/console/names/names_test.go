// SPDX-License-Identifier: AGPL-3.0-or-later

package names_test

import (
	"bufio"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/names"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
)

func TestShow_saysHowFarEachRecordHasCome(t *testing.T) {
	t.Parallel()
	const host = "www.cafe.example"
	for name, c := range map[string]struct {
		found               []string
		class4, text4       string
		class6, text6, lead string
	}{
		"in place":     {[]string{"192.0.2.7", "2001:db8::7"}, "slip ok-s", "In place.", "slip ok-s", "In place.", "2 records are in place"},
		"nothing":      {nil, "slip wait", "Not there yet.", "slip wait", "Not there yet.", "Enter 2 records, once, where cafe.example is managed."},
		"one of two":   {[]string{"192.0.2.7"}, "slip ok-s", "In place.", "slip wait", "Not there yet.", "Enter one record"},
		"an old value": {[]string{"203.0.113.9"}, "slip bad", "Found 203.0.113.9 instead", "slip wait", "Not there yet.", "One record of cafe.example is almost right."},
		"one too many": {[]string{"192.0.2.7", "203.0.113.9", "2001:db8::7"}, "slip bad", "but so is 203.0.113.9", "slip ok-s", "In place.", "almost right"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).withApp(t, "wordpress", host)
			r.at(host, c.found...)
			a := r.get(t, "/names/"+host)
			a.Want(t, http.StatusOK, c.lead, host+" leads to WordPress", "Checked at")
			if class, text := label(t, a, "192.0.2.7"); class != c.class4 || !strings.Contains(text, c.text4) {
				t.Errorf("A is %q: %s", class, text)
			}
			if class, text := label(t, a, "2001:db8::7"); class != c.class6 || !strings.Contains(text, c.text6) {
				t.Errorf("AAAA is %q: %s", class, text)
			}
		})
	}
}

func TestShow_unknownIsSaidAsUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.cafe.example")
	r.box.Answer("GET /v1/names/www.cafe.example/check", appliance.NameCheck{Host: "www.cafe.example", Want: []string{"192.0.2.7"}, Unanswered: true})
	a := r.get(t, "/names/www.cafe.example")
	a.Want(t, http.StatusOK, "It is not known what is in place")
	if class, text := label(t, a, "192.0.2.7"); class != "slip" || !strings.Contains(text, "Could not check.") {
		t.Errorf("%q: %s", class, text)
	}
	r.box.Answer("GET /v1/names/www.cafe.example/check", appliance.NameCheck{Host: "www.cafe.example"})
	r.get(t, "/names/www.cafe.example").Want(t, http.StatusOK, "The box’s address is not known")
	r.box.Fail("GET /v1/names/www.cafe.example/check", &problem.Problem{Code: "x", What: "it broke", Next: []string{"wait"}})
	r.get(t, "/names/www.cafe.example").Want(t, http.StatusOK, "It is not known what is in place")
}

func TestShow_aNameThatNothingUsesYet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.get(t, "/names/www.cafe.example")
	a.Want(t, http.StatusOK, "Enter one record", "1. Guided", "See the plan", "/names/new?zone=cafe.example", "If the panel asks for the whole name: www.cafe.example")
	if _, text := label(t, a, "192.0.2.7"); !strings.Contains(text, "Type A Name www Value 192.0.2.7") {
		t.Error(text)
	}
	bare := r.get(t, "/names/cafe.example")
	if _, text := label(t, bare, "192.0.2.7"); !strings.Contains(text, "Name @ Value") {
		t.Error(text)
	}
	r.get(t, "/names/no_name").Want(t, http.StatusUnprocessableEntity)
}

func TestShow_aZoneOfThisBox(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.demo.coop")
	a := r.get(t, "/names/demo.coop")
	a.Want(t, http.StatusOK, "the Internet does not use it yet", "the app WordPress", "the name itself", `<a href="/names/www.demo.coop">`, "Leads here", `id="certificates"`, "You are here", "name servers")
	if class, text := label(t, a, "ns1.demo.coop"); class != "slip wait" || !strings.Contains(text, "Type NS Name demo.coop") {
		t.Errorf("%q: %s", class, text)
	}
	r.box.Delegate("demo.coop", "ns.registrar.example")
	if _, text := label(t, r.get(t, "/names/demo.coop"), "ns1.demo.coop"); !strings.Contains(text, "still uses ns.registrar.example") {
		t.Error(text)
	}
	r.box.Delegate("demo.coop", "ns1.demo.coop", "ns.registrar.example")
	if class, text := label(t, r.get(t, "/names/demo.coop"), "ns1.demo.coop"); class != "slip bad" || !strings.Contains(text, "Leave only") {
		t.Error(text)
	}
	r.box.Delegate("demo.coop", "ns1.demo.coop")
	r.get(t, "/names/demo.coop").Want(t, http.StatusOK, "The Internet uses this box for the name.")
	r.get(t, "/names/www.demo.coop").Want(t, http.StatusOK, "as part of demo.coop", "See all records of demo.coop")
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.demo.coop").withApp(t, "dokuwiki", "wiki.cafe.example")
	r.box.Reach(appliance.ReachNotSwitched, "wiki.cafe.example", "wiki.cafe.example")
	r.get(t, "/names").Want(t, http.StatusOK, "wiki.cafe.example is not switched over yet: visitors from outside cannot open 1 of the 2 addresses.", "Not switched over yet", "Open", "on this box", "elsewhere", "WordPress", "4 records", "Certificates", "Valid")
	r.box.Reach(appliance.ReachOpen, "")
	r.get(t, "/names").Want(t, http.StatusOK, "Both addresses are open.")
}

func TestList_ofANewBox(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.box.Agent().Names.RemoveZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"}); err != nil {
		t.Fatal(err)
	}
	r.get(t, "/names").Want(t, http.StatusOK, "Names lead people to your apps", "Add an app")
}

func TestAdd_asksShowsThePlanAndStartsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.get(t, "/names/new").Want(t, http.StatusOK, "See the plan", "While this box is off")
	r.get(t, "/names/new?zone=demo+coop").Want(t, http.StatusUnprocessableEntity, "“demo coop” is not a name", `value="demo coop"`)
	r.get(t, "/names/new?zone=demo.coop").Want(t, http.StatusUnprocessableEntity, "already manages demo.coop")
	plan := r.get(t, "/names/new?zone=Cafe.example")
	plan.Want(t, http.StatusOK, "Let this box manage cafe.example?", "ns1.cafe.example")
	r.post(t, "/names", "zone", "cafe.example", area.FieldHash, "0000", area.FieldRows, "x").Want(t, http.StatusConflict, "The plan has changed")
	form := []string{"zone", plan.Field(t, "zone"), area.FieldHash, plan.Field(t, area.FieldHash), area.FieldKey, plan.Field(t, area.FieldKey)}
	first, again := r.post(t, "/names", form...), r.post(t, "/names", form...)
	if first.To != "/jobs/1" || again.To != first.To {
		t.Errorf("led to %q, then to %q", first.To, again.To)
	}
}

func TestRemove_needsTheNameTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := r.get(t, "/names/demo.coop/remove")
	page.Want(t, http.StatusOK, "Stop managing demo.coop?", "type the name: demo.coop")
	form := []string{area.FieldHash, page.Field(t, area.FieldHash), area.FieldKey, page.Field(t, area.FieldKey), "typed", "demo"}
	r.post(t, "/names/demo.coop/remove", form...).Want(t, http.StatusUnprocessableEntity, "This is not the name")
	form[5] = "Demo.coop"
	if a := r.post(t, "/names/demo.coop/remove", form...); a.To != "/jobs/1" {
		t.Errorf("led to %q", a.To)
	}
	r.get(t, "/names/demo.coop/remove").Want(t, http.StatusNotFound)
}

func TestRemove_aChangedPlanIsShownAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(t, "/names/demo.coop/remove", area.FieldHash, "0000", "typed", "demo.coop").Want(t, http.StatusConflict, "The plan has changed")
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(t, "/names/redirects", "host", "demo coop", "target", "https://www.demo.coop").Want(t, http.StatusUnprocessableEntity, "“demo coop” is not a name", `value="https://www.demo.coop"`)
	r.box.Fail("AddRedirect", &problem.Problem{Code: "redirect-target-invalid", Kind: problem.Invalid, What: "no", Next: []string{"x"}})
	r.post(t, "/names/redirects", "host", "demo.coop", "target", "x").Want(t, http.StatusUnprocessableEntity, "begins with https://", `aria-invalid="true"`)
	r.box.Fail("AddRedirect", nil)
	if a := r.post(t, "/names/redirects", "host", "demo.coop", "target", "https://www.demo.coop"); a.To != "/jobs/1" {
		t.Errorf("led to %q", a.To)
	}
	r.get(t, "/names").Want(t, http.StatusOK, "redirects to https://www.demo.coop", "Remove the redirect of demo.coop", "A redirect")
	gone := r.post(t, "/names/redirects/demo.coop/remove")
	if gone.To != "/jobs/2" || !strings.Contains(gone.Header.Get("Set-Cookie"), "flash") {
		t.Errorf("led to %q with %v", gone.To, gone.Header)
	}
	if back := r.post(t, "/names/redirects?host=demo.coop&target=https%3A%2F%2Fwww.demo.coop"); back.To != "/jobs/3" {
		t.Errorf("undo led to %q", back.To)
	}
	r.post(t, "/names/redirects/other.coop/remove").Want(t, http.StatusNotFound)
}

func TestPapers(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.cafe.example")
	r.at("www.cafe.example")
	r.get(t, "/names/www.cafe.example/labels").Want(t, http.StatusOK, "Labels for www.cafe.example", "192.0.2.7", "2001:db8::7", "entered", "found by the box")
	elsewhere := r.get(t, "/names/www.cafe.example/copy")
	elsewhere.Want(t, http.StatusOK, "www.cafe.example. 3600 IN A 192.0.2.7\n", "www.cafe.example. 3600 IN AAAA 2001:db8::7\n")
	if !strings.Contains(elsewhere.Header.Get("Content-Disposition"), "attachment") {
		t.Error("the zone file is not a download")
	}
	r.get(t, "/names/demo.coop/copy").Want(t, http.StatusOK, "demo.coop. 300 IN SOA ns1.demo.coop.", "demo.coop. 300 IN NS ns1.demo.coop.\n")
	if a := r.post(t, "/names/demo.coop/look"); a.To != "/names/demo.coop#main" {
		t.Errorf("led to %q", a.To)
	}
}

func TestEvents_tellWhenARecordArrives(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.cafe.example")
	r.at("www.cafe.example")
	server := httptest.NewServer(r.http)
	t.Cleanup(server.Close)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	q, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/names/www.cafe.example/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	await := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("never told %q: %v", text, lines.Err())
	}
	await("event: patch")
	await("Not there yet.")
	r.at("www.cafe.example", "192.0.2.7", "2001:db8::7")
	await("2 records are in place")
	await("data: 2 records are in place") // for those who listen
}

func TestPages_inEveryLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.demo.coop").withApp(t, "dokuwiki", "wiki.cafe.example")
	r.at("wiki.cafe.example", "203.0.113.9")
	if _, err := r.box.Agent().Names.AddZone(t.Context(), appliance.ZoneChange{Zone: "idle.example"}); err != nil {
		t.Fatal(err)
	}
	c := areatest.New(t, []fs.FS{names.Files()}, func(d area.Deps) { names.Routes(d, agent(r.box.Agent())) })
	for _, c.Lang = range locale.Langs() {
		for path, status := range map[string]int{
			"/names": 200, "/names/new": 200, "/names/new?zone=other.example": 200, "/names/new?zone=a+b": 422, "/names/demo.coop": 200,
			"/names/www.demo.coop": 200, "/names/wiki.cafe.example": 200, "/names/wiki.cafe.example/labels": 200, "/names/idle.example/remove": 200, "/names/demo.coop/remove": 409,
		} {
			if p := c.Get(t, path); p.Status != status || p.Value(t, "html", "lang") != c.Lang {
				t.Errorf("%s in %s: %d", path, c.Lang, p.Status)
			}
		}
	}
}

func TestCertificates_states(t *testing.T) {
	t.Parallel()
	r := newRig(t).withApp(t, "wordpress", "www.demo.coop")
	const day = 24 * time.Hour
	for left, want := range map[time.Duration]string{60 * day: "Valid", 5 * day: "Not renewed yet", -day: "Expired"} {
		r.box.Answer("GET /v1/certificates", []appliance.Certificate{{Host: "www.demo.coop", Issuer: "x", NotBefore: r.now.Add(-90 * day), NotAfter: r.now.Add(left)}})
		r.get(t, "/names").Want(t, http.StatusOK, want)
	}
	why := &problem.Problem{Code: "certificate-failed", What: "no certificate for it", Why: "port 80 is shut", Next: []string{"open it"}}
	r.box.Answer("GET /v1/certificates", []appliance.Certificate{{Host: "www.demo.coop", Problem: why}})
	r.get(t, "/names").Want(t, http.StatusOK, "No certificate for it. Port 80 is shut.")
	r.send(t, "GET", "/names", "fr").Want(t, http.StatusOK, "n’a pas pu être obtenu")
}

func TestMessages(t *testing.T) {
	b, err := locale.New(names.Files())
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, b, []string{"."}, "names.label.host", "names.rung.")
}
