// SPDX-License-Identifier: AGPL-3.0-or-later

package say_test

import (
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
)

func bundle(t *testing.T) *locale.Bundle {
	t.Helper()
	b, err := locale.New(say.Files())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMessages looks that every code has words in every language, and that
// there are no others.
func TestMessages(t *testing.T) {
	b := bundle(t)
	localetest.Complete(t, b)
	want := map[string]bool{}
	for _, a := range appliance.Actors {
		want["say.actor."+string(a)] = true
	}
	for _, kind := range append(appliance.JobChanges, "other") {
		for _, s := range []appliance.JobState{appliance.JobRunning, appliance.JobDone, appliance.JobUndone, appliance.JobFailed} {
			want["say.job."+string(kind)+"."+string(s)] = true
		}
	}
	for _, kind := range appliance.ByKinds {
		want["say.by."+string(kind)] = true
	}
	for _, r := range appliance.Reaches {
		want["say.reach."+string(r)] = true
	}
	for _, f := range appliance.Failures {
		want["say.fails."+string(f)] = true
	}
	for _, c := range appliance.StepCodes {
		want["say.step."+string(c)] = true
	}
	for verb, kinds := range appliance.Deeds {
		for _, kind := range kinds {
			want["say.line."+string(verb)+"."+string(kind)] = true
		}
	}
	for _, c := range appliance.NoteCodes {
		want["say.note."+string(c)] = true
	}
	for _, kind := range appliance.PlanChanges {
		want["say.plan."+string(kind)] = true
	}
	for _, name := range []string{"note", "back", "destroys", "was", "fails"} {
		want["say.label."+name] = true
	}
	localetest.Exactly(t, b, "say.", want)
}

func TestStep_saysCodesAndWhatTheFirstVersionStored(t *testing.T) {
	b := bundle(t)
	for _, c := range []struct {
		lang string
		step appliance.JobStep
		want string
	}{
		{"en", appliance.JobStep{Code: appliance.StepStartService, Args: map[string]string{"service": "db"}}, "Start the program: db"},
		{"fr", appliance.JobStep{Code: appliance.StepPublish, Args: map[string]string{"version": "3"}}, "Montrer la version 3 aux visites"},
		{"es", appliance.JobStep{Code: "Fetch or build the images"}, "Fetch or build the images"},
		{"es", appliance.JobStep{Code: appliance.StepPublish}, "publish"}, // by a version that did not say which
	} {
		if got := say.Step(b.In(c.lang), c.step); got != c.want {
			t.Errorf("%+v in %s: %q, want %q", c.step, c.lang, got, c.want)
		}
	}
}

func TestPlan_isSaidInEveryLanguage(t *testing.T) {
	b := bundle(t)
	volume := appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindVolume, Name: "db", To: "coopkit-wiki_db"}
	app := volume
	app.Name = "app"
	site := appliance.Line{Verb: appliance.VerbChange, Kind: appliance.KindSite, Name: "demo.coop", From: "2"}
	memory := appliance.Note{Code: appliance.NoteMemoryShort, Args: map[string]string{"need_bytes": "256000000", "free_bytes": "100000000"}}
	for _, c := range []struct{ got, want string }{
		{say.Line(b.In("en"), volume), "Create storage for its data: db → coopkit-wiki_db"},
		{say.Line(b.In("fr"), site), "Publier la nouvelle version de demo.coop à la place de l’actuelle (avant\u00a0: 2)"},
		{say.Lines(b.In("es"), []appliance.Line{volume, app, app}), "Crear espacio para sus datos: db y app"},
		{say.Lines(b.In("en"), []appliance.Line{{Verb: "polish", Kind: "brass", Name: "door"}}), "polish brass door"},
		{say.Note(b.In("en"), memory), "Memory is low: the app uses about 256\u00a0MB, and 100\u00a0MB are free."},
		{say.Note(b.In("fr"), appliance.Note{Code: "of-a-newer-agent"}), "of-a-newer-agent"},
		{say.Title(b.In("es"), appliance.Plan{Kind: appliance.ChangeRemove, Subject: "app:wiki"}), "Quitar wiki y sus datos"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestJob_saysEveryKindAndUnknownOnes(t *testing.T) {
	l := bundle(t).In("en")
	job := appliance.Job{Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobFailed}
	if got := say.Job(l, job); got != "Adding wiki stopped partway" {
		t.Error(got)
	}
	job.Kind = "polish"
	if got := say.Job(l, job); got != "A change to wiki stopped partway (polish)" {
		t.Error(got)
	}
}
