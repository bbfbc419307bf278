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
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
)

var add = appliance.Plan{
	Kind: appliance.ChangeAdd, Subject: "app:wordpress", WayBack: appliance.Note{Code: appliance.BackRemoveApp},
	Steps: []appliance.PlanStep{
		{Name: "images", Code: appliance.StepImages, Fails: appliance.FailNothing},
		{Name: "place", Code: appliance.StepPlace, Fails: appliance.FailUndone},
		{Name: "start-db", Code: appliance.StepStartService, Args: map[string]string{"service": "db"}, Fails: appliance.FailUndone},
		{Name: "names", Code: appliance.StepPointName, Fails: appliance.FailUndone},
		{Name: "door", Code: appliance.StepDoor, Fails: appliance.FailAgain},
		{Name: "certificates", Code: appliance.StepCertificates, Fails: appliance.FailSkipped},
	},
	Space: appliance.Space{Needs: 400e6, Free: 77e9},
	Lines: []appliance.Line{
		{Verb: appliance.VerbFetch, Kind: appliance.KindImage, Name: "app", To: "docker.io/library/wordpress"},
		{Verb: appliance.VerbFetch, Kind: appliance.KindImage, Name: "db", To: "docker.io/library/mariadb"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindNetwork, Name: "wordpress", To: "10.87.1.0/24"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindVolume, Name: "db", To: "coopkit-wordpress_db"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindContainer, Name: "db"},
		{Verb: appliance.VerbStart, Kind: appliance.KindContainer, Name: "db"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindContainer, Name: "app"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "www.demo.coop", To: "300 A 192.0.2.7"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "www.demo.coop", To: "300 AAAA 2001:db8::7"},
		{Verb: appliance.VerbOpen, Kind: appliance.KindAddress, Name: "https://www.demo.coop"},
	},
	Notes: []appliance.Note{{Code: appliance.NoteMemoryShort, Args: map[string]string{"need_bytes": "256000000", "free_bytes": "100000000"}}},
}.Seal()

var remove = appliance.Plan{
	Kind: appliance.ChangeRemove, Subject: "app:wordpress", WayBack: appliance.Note{Code: appliance.BackNone},
	Steps: []appliance.PlanStep{
		{Name: "close", Code: appliance.StepClose, Fails: appliance.FailUndone},
		{Name: "containers", Code: appliance.StepContainers, Destructive: true, Fails: appliance.FailAgain},
		{Name: "polish", Code: "polish", Fails: "polished"},
	},
	Space: appliance.Space{Frees: 2e6},
	Lines: []appliance.Line{
		{Verb: appliance.VerbClose, Kind: appliance.KindAddress, Name: "https://www.demo.coop"},
		{Verb: appliance.VerbDelete, Kind: appliance.KindVolume, Name: "db", Destructive: true},
		{Verb: "polish", Kind: "brass"},
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
	return areatest.New(t, []fs.FS{files}, func(d area.Deps) {
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
		"1. Download or build the program Download the program: app and db Nothing Nothing was changed",
		"2. Create its network and storage Create storage for its data: db Nothing Everything so far is undone",
		"3. Start the program: db Nothing Everything so far is undone",
		"4. Point the name at this box Point www.demo.coop at this box Nothing Everything so far is undone",
		"5. Open the address to visitors Open https://www.demo.coop to visitors It can be opened in a browser It is tried again until it works",
		"6. Wait for the certificates Nothing The change stays; only this step is missing",
	}
	if d := cmp.Diff(want, rows(p)); d != "" {
		t.Error(d)
	}
	if !strings.Contains(p.Text(t, "details pre"), "Create storage for its data: db → coopkit-wordpress_db") {
		t.Error("the names of the parts are not under For technicians")
	}
	if notes := p.Text(t, "aside"); !strings.Contains(notes, "Memory is low: the app uses about 256") {
		t.Errorf("aside: %s", notes)
	}
	for want, selector := range map[string]string{
		"6 steps; members notice only step 5": "details.wide", "Not closed": ".glance",
		"Up to 400": ".glance", "of 77": ".glance ", "Remove the app again": " .glance",
	} {
		if got := p.Text(t, selector); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
	form := p.Form("form")
	if form.Get(area.FieldHash) != add.Hash || form.Get(area.FieldKey) == "" || form.Get("recipe") != "wordpress" {
		t.Errorf("the form sends %v", form)
	}
}

func TestPlanView_marksWhatDeletesByWordAndShape(t *testing.T) {
	p := pages(t, "").Get(t, "/remove")
	want := []string{
		"1. Close the address to visitors Close https://www.demo.coop to visitors It cannot be opened any more Everything so far is undone",
		"2. Deletes Remove the program and its data Delete its data from this box: db What they made in it is gone from this box It is tried again until it works",
		"3. polish Nothing polished",
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
	if way := p.Text(t, ".glance"); !strings.Contains(way, "There is none. Without an export") || !strings.Contains(way, "2 MB come free") {
		t.Error("it promises a way back that is not there")
	}
}

func TestPlanView_inAllLanguages(t *testing.T) {
	c := pages(t, "")
	for _, lang := range locale.Langs() {
		c.Lang = lang
		if got := rows(c.Get(t, "/add")); len(got) != 6 || lang != "en" && strings.Contains(strings.Join(got, " "), "Download") {
			t.Errorf("%s: %v", lang, got)
		}
	}
}

func TestChangedSince_marksTheRowsThatAreNew(t *testing.T) {
	first := pages(t, "").Get(t, "/add").Form("form").Get(area.FieldRows)
	marks := strings.Fields(first)
	p := pages(t, strings.Join(marks[:len(marks)-1], " ")).Get(t, "/add")
	if got := len(p.All("tbody .pill.note")); got != 1 || !strings.Contains(p.Text(t, "[role=alert]"), "The plan has changed") {
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
