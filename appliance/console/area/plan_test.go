// SPDX-License-Identifier: AGPL-3.0-or-later

package area_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/control/controltest"
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
)

var add = appliance.Plan{
	Kind: "add", Subject: "app:wordpress", Title: "Add wordpress", WayBack: "coopkit app remove wordpress",
	Lines: []appliance.Line{
		{Verb: "fetch", Thing: "image for app", To: "docker.io/library/wordpress"},
		{Verb: "fetch", Thing: "image for db", To: "docker.io/library/mariadb"},
		{Verb: "create", Thing: "network coopkit-wordpress", To: "10.87.1.0/24"},
		{Verb: "create", Thing: "volume coopkit-wordpress_db"},
		{Verb: "create", Thing: "container coopkit-wordpress-db-1"},
		{Verb: "start", Thing: "container coopkit-wordpress-db-1"},
		{Verb: "create", Thing: "container coopkit-wordpress-app-1"},
		{Verb: "create", Thing: "A record www.demo.coop", To: "192.0.2.7 (TTL 300 s)"},
		{Verb: "create", Thing: "AAAA record www.demo.coop", To: "2001:db8::7 (TTL 300 s)"},
		{Verb: "open", Thing: "address https://www.demo.coop"},
	},
	Notes: []string{"memory is short: it uses about 256 MiB, 100 MiB are free", "something new"},
}.Seal()

var remove = appliance.Plan{
	Kind: "remove", Subject: "app:wordpress", WayBack: "the export",
	Lines: []appliance.Line{
		{Verb: "close", Thing: "address https://www.demo.coop"},
		{Verb: "remove", Thing: "volume coopkit-wordpress_db", Destructive: true},
		{Verb: "polish", Thing: "brass"},
	},
}.Seal()

type planPage struct {
	*webkit.Page
	Plan area.Plan
}

// pages shows plans as areas do.
func pages(t *testing.T, marks string) *areatest.Console {
	t.Helper()
	files := fstest.MapFS{"templates/x.html": {Data: []byte(`{{define "x"}}{{template "begin" .}}{{template "head" .}}{{template "area-plan" .Plan}}{{template "end" .}}{{end}}`)}}
	return areatest.New(t, controltest.New().Agent(), []fs.FS{files}, func(d area.Deps) {
		d.UI.Router().Signed("GET /{plan}", func(w http.ResponseWriter, r *http.Request) error {
			p := d.UI.NewPage(r, "area.plan.caption")
			plan := map[string]appliance.Plan{"add": add, "remove": remove}[r.PathValue("plan")]
			v := area.PlanView(p, plan)
			v.Action, v.Agree, v.Cancel = "/agree", "Agree", "/"
			v.Risk = plan.Kind == "remove"
			v.Hidden = []webkit.Pair{{Name: "recipe", Value: "wordpress"}}
			if marks != "" {
				v.ChangedSince(marks)
			}
			return d.UI.Render(w, http.StatusOK, "x", planPage{p, v})
		})
	})
}

func rows(p *areatest.Page) []string {
	var out []string
	for _, tr := range p.All("tbody tr") {
		out = append(out, areatest.TextOf(tr))
	}
	return out
}

func TestPlanView_saysWhatHappensInTheReadersWords(t *testing.T) {
	c := pages(t, "")
	p := c.Get(t, "/add")
	want := []string{
		"1. Fetch The 2 parts of the program are brought here, or built here. Nothing",
		"2. Make It gets a network of its own, apart from the other apps. Nothing",
		"3. Make A place for its data is made. Nothing",
		"4. Make The 2 parts of the program are set up. Nothing",
		"5. Start The program starts. Nothing",
		"6. Make The name www.demo.coop is pointed at this box. Nothing",
		"7. Open The door opens at https://www.demo.coop. It can be opened in a browser",
	}
	if d := cmp.Diff(want, rows(p)); d != "" {
		t.Error(d)
	}
	if !strings.Contains(p.Text(t, "details pre"), "create volume coopkit-wordpress_db") {
		t.Error("the names of the parts are not under For technicians")
	}
	if notes := p.Text(t, "aside"); !strings.Contains(notes, "Memory is short: it uses about 256 MiB") || !strings.Contains(notes, "Remove the app on its page") {
		t.Errorf("aside: %s", notes)
	}
	if got := areatest.Attr(p.All("aside .ticks span[lang]")[0], "lang"); got != "en" {
		t.Errorf("what only the agent says has the language %q", got)
	}
	form := p.Form("form")
	if form.Get(area.FieldHash) != add.Hash || form.Get(area.FieldKey) == "" || form.Get("recipe") != "wordpress" {
		t.Errorf("the form sends %v", form)
	}
}

func TestPlanView_marksWhatDeletesByWordAndShape(t *testing.T) {
	p := pages(t, "").Get(t, "/remove")
	want := []string{
		"1. Close The door closes at https://www.demo.coop. It can not be opened any more",
		"2. Remove Deletes Its data is deleted from this box. What they made in it is gone from here",
		"3. Then polish brass Nothing",
	}
	if d := cmp.Diff(want, rows(p)); d != "" {
		t.Error(d)
	}
	if len(p.All("tr.now .pill.crit svg")) != 1 {
		t.Error("no shape beside the word")
	}
	if first := p.All("form .btn"); len(first) != 2 || first[0].Data != "a" {
		t.Error("the safe button does not come first")
	}
	if !strings.Contains(p.Text(t, "aside"), "None: without an export") {
		t.Error("it promises a way back that is not there")
	}
}

func TestPlanView_inAllLanguages(t *testing.T) {
	c := pages(t, "")
	for _, lang := range locale.Langs() {
		c.Lang = lang
		if got := rows(c.Get(t, "/add")); len(got) != 7 || lang != "en" && strings.Contains(strings.Join(got, " "), "Nothing") {
			t.Errorf("%s: %v", lang, got)
		}
	}
}

func TestChangedSince_marksTheRowsThatAreNew(t *testing.T) {
	first := pages(t, "").Get(t, "/add").Form("form").Get(area.FieldRows)
	marks := strings.Fields(first)
	p := pages(t, strings.Join(marks[:len(marks)-1], " ")).Get(t, "/add")
	if got := len(p.All("tbody .pill.note")); got != 1 || !strings.Contains(p.Text(t, "[role=alert]"), "The plan changed") {
		t.Errorf("%d rows are marked as new", got)
	}
}

func TestOnce_startsOneJobForOneForm(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	o := area.NewOnce(func() time.Time { return now })
	var mu sync.Mutex
	started := appliance.JobID(0)
	start := func() (appliance.Job, error) {
		mu.Lock()
		defer mu.Unlock()
		started++
		return appliance.Job{ID: started}, nil
	}
	if _, err := o.Do("a", func() (appliance.Job, error) { return appliance.Job{}, errors.New("no") }); err == nil {
		t.Error("an error is lost")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if id, err := o.Do("a", start); id != 1 || err != nil {
				t.Errorf("job %d, %v", id, err)
			}
		})
	}
	all.Wait()
	if id, err := o.Do("b", start); id != 2 || err != nil {
		t.Errorf("another form: job %d, %v", id, err)
	}
	now = now.Add(2 * time.Hour)
	if id, err := o.Do("a", start); id != 3 || err != nil {
		t.Errorf("the same form two hours later: job %d, %v", id, err)
	}
}
