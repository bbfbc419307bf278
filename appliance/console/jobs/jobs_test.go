// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"bufio"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/jobs"
	"coopkit/appliance/control"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) jobs.Agent {
	return jobs.Agent{Jobs: box.Jobs, Apps: box.Apps}
}

func console(t *testing.T, box control.Agent) *areatest.Console {
	t.Helper()
	return areatest.New(t, []fs.FS{jobs.Files()}, func(d area.Deps) { jobs.Routes(d, agent(box)) })
}

func add(t *testing.T, box *agenttest.Box) {
	t.Helper()
	box.Add(t, "dokuwiki", "wiki.demo.coop")
}

// steps counts the steps of a job.
func steps(t *testing.T, box *agenttest.Box, id appliance.JobID) int {
	t.Helper()
	job, err := box.Agent().Jobs.Job(t.Context(), id)
	if err != nil || len(job.Steps) == 0 {
		t.Fatal(job, err)
	}
	return len(job.Steps)
}

func TestList_saysEachChangeAndItsState(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	c := console(t, box.Agent())
	if p := c.Get(t, "/activity"); p.Text(t, ".empty h2") != "Nothing has been changed yet" {
		t.Error("an empty list does not say so")
	}
	add(t, box)
	box.Engine.FailNext("StopContainer", &problem.Problem{Code: "disk-full", What: "the disk is full", Next: []string{"free some space"}})
	if _, err := box.Agent().Apps.Stop(t.Context(), "dokuwiki"); err != nil {
		t.Fatal(err)
	}
	box.Hold()
	if _, err := box.Agent().Apps.Restart(t.Context(), "dokuwiki"); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string][]string{
		"en": {"Restarting DokuWiki the command line Running", "DokuWiki was not stopped the command line Undone", "Added DokuWiki the command line Done", "One change is under way."},
		"es": {"Reiniciando DokuWiki la línea de comandos En curso", "DokuWiki no se detuvo la línea de comandos Deshecho", "Se añadió DokuWiki la línea de comandos Hecho", "Hay un cambio en curso."}, //nolint:misspell // Spanish
		"fr": {"de DokuWiki la ligne de commande En cours", "DokuWiki n’a pas été arrêté la ligne de commande Annulé", "DokuWiki a été ajouté la ligne de commande Fait", "Un changement est en cours."},
	} {
		c.Lang = lang
		p := c.Get(t, "/activity")
		text := p.Text(t, "main")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in: %s", lang, w, text)
			}
		}
		if len(p.All("noscript")) != 1 {
			t.Errorf("%s: a list with a running job is not asked for again", lang)
		}
	}
}

func TestList_hasPages(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	for range 26 {
		if _, err := box.Agent().Recipes.RefreshImages(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c := console(t, box.Agent())
	first, second := c.Get(t, "/activity"), c.Get(t, "/activity?page=2")
	if n, m := len(first.All("tbody tr")), len(second.All("tbody tr")); n != 25 || m != 1 {
		t.Errorf("pages of %d and %d jobs", n, m)
	}
	if to := first.Value(t, ".pager a", "href"); to != "/activity?page=2" {
		t.Errorf("the first page leads to %s", to)
	}
	if to := second.Value(t, ".pager a", "href"); to != "/activity?page=1" {
		t.Errorf("the second page leads to %s", to)
	}
}

func TestList_filtersByWhatWhoAndKind(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	amara := appliance.By{Kind: appliance.ByPerson, Name: "Amara"}
	box.Answer("GET /v1/jobs", []appliance.Job{
		{ID: 3, Kind: appliance.ChangeStop, Subject: "app:wiki", Args: map[string]string{"title": "Handbook"}, By: amara, State: appliance.JobDone},
		{ID: 2, Kind: appliance.ChangeAdd, Subject: "app:wiki", Args: map[string]string{"title": "Wiki"}, By: appliance.By{Kind: appliance.ByCommand}, State: appliance.JobDone},
		{ID: 1, Kind: appliance.ChangePublish, Subject: "site:demo.coop", State: appliance.JobDone}, // by a program that did not say who
	})
	c := console(t, box.Agent())
	p := c.Get(t, "/activity")
	if text := p.Text(t, "form.row"); text != "About Everything Handbook demo.coop By Everybody Amara the command line Kind Every change App stopped App added Site published Show" {
		t.Errorf("choices: %s", text)
	}
	for query, want := range map[string][]string{
		"about=app:wiki":       {"Stopped Handbook", "Added Wiki"},
		"by=person:Amara":      {"Stopped Handbook"},
		"by=command:":          {"Added Wiki"},
		"kind=publish":         {"Published demo.coop"},
		"kind=add&by=command:": {"Added Wiki"},
		"kind=remove":          nil,
	} {
		var got []string
		for _, n := range c.Get(t, "/activity?"+query).All("tbody a") {
			got = append(got, areatest.TextOf(n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	if p := c.Get(t, "/activity?kind=remove"); len(p.All(".empty")) != 1 || len(p.All("form.row")) != 1 {
		t.Error("nothing fits, and it does not say so")
	}
}

func TestShow_runningJobSaysWhichStepAndComesBack(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Hold()
	add(t, box)
	p := console(t, box.Agent()).Get(t, "/jobs/1")
	if h, lead := p.Text(t, "h1"), p.Text(t, ".pagehead p"); h != "Adding DokuWiki" || lead != "The next step is about to begin." {
		t.Errorf("h1 %q, lead %q", h, lead)
	}
	if n := len(p.All("ol.steps li")); n != steps(t, box, 1) {
		t.Errorf("%d steps", n)
	}
	if p.Value(t, "[data-live]", "data-live") != "/jobs/1/events" || len(p.All("noscript")) != 2 {
		t.Error("it is neither live nor asked for again")
	}
	if !strings.Contains(p.Text(t, "aside"), "You can close this page") {
		t.Error("it does not say that the page can be closed")
	}
}

func TestShow_endedJobSaysWhatIsNext(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	add(t, box)
	c := console(t, box.Agent())
	p := c.Get(t, "/jobs/1")
	if h, lead := p.Text(t, "h1"), p.Text(t, ".pagehead p"); h != "Added DokuWiki" || !strings.HasPrefix(lead, "All steps succeeded. It took ") {
		t.Errorf("h1 %q, lead %q", h, lead)
	}
	if to := p.Value(t, "main .actions form", "action"); to != "/apps/dokuwiki/signin" {
		t.Errorf("next is %s", to)
	}
	if !strings.Contains(p.Source, `href="https://wiki.demo.coop:8443"`) || !strings.Contains(p.Text(t, "pre"), "the first account exists") {
		t.Error("no way to open it, or no log")
	}
	if len(p.All("noscript"))+len(p.All("[data-live]")) != 0 {
		t.Error("a job that has ended is asked for again")
	}
	if _, err := box.Agent().Apps.Export(t.Context(), appliance.ExportApp{Name: "dokuwiki"}); err != nil {
		t.Fatal(err)
	}
	if to := c.Get(t, "/jobs/2").Value(t, "main .actions a", "href"); to != "/apps/dokuwiki/copy" {
		t.Errorf("after a copy, next is %s", to)
	}
}

func TestShow_jobThatWentBackSaysWhy(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.FailImages(&problem.Problem{Code: "of-a-newer-box", What: "the image is nowhere to be had", Why: "the registry does not answer", Next: []string{"try again later"}})
	if _, err := box.Agent().Apps.Add(t.Context(), appliance.AddApp{Recipe: "dokuwiki", Host: "wiki.demo.coop", Settings: agenttest.Answers(t, "dokuwiki")}); err != nil {
		t.Fatal(err)
	}
	c := console(t, box.Agent())
	for _, lang := range locale.Langs() {
		c.Lang = lang
		p := c.Get(t, "/jobs/1")
		card := p.Text(t, ".finding")
		for _, want := range []string{"The image is nowhere to be had", "The registry does not answer", "Try again later"} {
			if !strings.Contains(card, want) {
				t.Errorf("%s: no %q in %s", lang, want, card)
			}
		}
		if len(p.All("li.bad")) != 1 {
			t.Errorf("%s: the step that failed is not marked", lang)
		}
	}
}

func TestStop_goesBackAndSaysSo(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Hold()
	add(t, box)
	c := console(t, box.Agent())
	if p := c.Get(t, "/jobs/1"); p.Value(t, "main form", "action") != "/jobs/1/stop" || p.Text(t, "main form button") != "Stop and undo" {
		t.Error("there is no way to stop it")
	}
	if p := c.Post(t, "/jobs/1/stop"); p.To != "/jobs/1" {
		t.Errorf("stopping leads to %q (%d)", p.To, p.Status)
	}
	for lang, want := range map[string]string{
		"en": "It was stopped, and everything is as it was before.",
		"es": "Se detuvo, y todo está como antes.",
		"fr": "La tâche a été arrêtée, et tout est comme avant.",
	} {
		c.Lang = lang
		p := c.Get(t, "/jobs/1")
		if lead := p.Text(t, ".pagehead p"); lead != want {
			t.Errorf("%s: %s", lang, lead)
		}
		if len(p.All(".finding")) != 0 || strings.Contains(p.Source, "/jobs/1/stop") {
			t.Errorf("%s: it explains what was asked for, or can be stopped again", lang)
		}
	}
	c.Lang = "en"
	if p := c.Post(t, "/jobs/1/stop"); p.Status != http.StatusConflict || !strings.Contains(p.Text(t, "main"), "has ended already") {
		t.Errorf("stopping it again: %d", p.Status)
	}
	if p := c.Post(t, "/jobs/9/stop"); p.Status != http.StatusNotFound {
		t.Errorf("stopping no job: %d", p.Status)
	}
}

func TestShow_unknownJob(t *testing.T) {
	t.Parallel()
	c := console(t, agenttest.New(t).Agent())
	for _, path := range []string{"/jobs/1", "/jobs/0", "/jobs/x", "/jobs/1/events", "/jobs/x/log/events"} {
		if p := c.Get(t, path); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
}

// listen reads events of a stream until the server ends it.
func listen(t *testing.T, c *areatest.Console, path, last string) <-chan [3]string {
	t.Helper()
	server := httptest.NewServer(c.Handler)
	ctx, stop := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := server.Client().Do(r) //nolint:bodyclose // in the cleanup
	if err != nil {
		t.Fatal(err)
	}
	events, done := make(chan [3]string, 1000), make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		var e [3]string
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e[0] = value
			case "event":
				e[1] = value
			case "data":
				e[2] += value + "\n"
			case "":
				if e[1] != "" {
					events <- e
				}
				e = [3]string{}
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		_ = res.Body.Close()
		server.Close()
	})
	return events
}

func TestEvents_followAJobThroughItsSteps(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Hold()
	add(t, box)
	c := console(t, box.Agent())
	events := listen(t, c, "/jobs/1/events", "")
	testkit.Eventually(t, 5*time.Second, "somebody follows", func() bool { return box.Following() > 0 })
	box.Release()
	var names []string
	var last, lastID, said string
	for e := range events {
		names = append(names, e[1])
		switch e[1] {
		case "patch":
			lastID, last = e[0], e[2]
		case "said":
			said = e[2]
		}
	}
	if len(names) == 0 || names[len(names)-1] != "end" {
		t.Fatalf("the stream ends with %v", names)
	}
	if strings.Count(last, `class="done"`) != steps(t, box, 1) || !strings.Contains(last, "Added DokuWiki") || !strings.HasPrefix(said, "All steps succeeded. It took ") {
		t.Errorf("at the end it says %q:\n%s", said, last)
	}
	if lastID == "" || lastID == "0" {
		t.Errorf("the last patch has the number %q", lastID)
	}
	var again []string
	for e := range listen(t, c, "/jobs/1/events", lastID) {
		again = append(again, e[1])
	}
	if strings.Join(again, " ") != "patch said title end" {
		t.Errorf("who comes back after the end gets %v", again)
	}
}

func TestEvents_endWithTheReader(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Hold()
	add(t, box)
	c := console(t, box.Agent())
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequest(http.MethodGet, "https://console.example/jobs/1/events", nil).WithContext(ctx)
		c.Handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	testkit.Eventually(t, 5*time.Second, "somebody follows", func() bool { return box.Following() == 1 })
	leave()
	<-done
	testkit.Eventually(t, 5*time.Second, "nobody follows", func() bool { return box.Following() == 0 })
}

func TestLogEvents_sendTheLines(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Hold()
	add(t, box)
	events := listen(t, console(t, box.Agent()), "/jobs/1/log/events", "")
	testkit.Eventually(t, 5*time.Second, "somebody follows", func() bool { return box.Following() > 0 })
	box.Release()
	var last string
	for e := range events {
		last = e[2]
	}
	if !strings.Contains(last, "the first account exists") || !strings.Contains(last, "<pre") {
		t.Errorf("the log is\n%s", last)
	}
}

func TestMessages(t *testing.T) {
	b, err := locale.New(jobs.Files())
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, b, []string{"."}, "jobs.kind.")
}
