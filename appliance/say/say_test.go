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
	for _, c := range appliance.StepCodes {
		want["say.step."+string(c)] = true
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
		{"en", appliance.JobStep{Code: appliance.StepStartService, Args: map[string]string{"service": "db"}}, "Start “db”"},
		{"fr", appliance.JobStep{Code: appliance.StepPublish, Args: map[string]string{"version": "3"}}, "Montrer la version 3 aux visites"},
		{"es", appliance.JobStep{Code: "Fetch or build the images"}, "Fetch or build the images"},
		{"es", appliance.JobStep{Code: appliance.StepPublish}, "publish"}, // by a version that did not say which
	} {
		if got := say.Step(b.In(c.lang), c.step); got != c.want {
			t.Errorf("%+v in %s: %q, want %q", c.step, c.lang, got, c.want)
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
