// SPDX-License-Identifier: AGPL-3.0-or-later

package letter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/appliance/say"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

var (
	at  = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	box = notify.Box{Coop: "Panadería La Luz", Name: "pantry", Language: "es", Console: "https://box.example:8420", Apps: 3, Sites: 1}

	closed = appliance.Finding{
		Code: "SERVICE-STOPPED", Subject: "app:wiki/app", Severity: appliance.Critical, Who: appliance.You, Since: at.Add(-time.Hour),
		What: "own words", Why: "own reason", Next: []string{"own way"}, Hides: []string{"APP-NOT-ANSWERING app:wiki"},
		Args: map[string]string{"app": "Manual", "install": "wiki", "service": "app", "case": "exited", "exit": "1"},
	}
	nobody = appliance.Finding{Code: "NOTIFY-NOBODY", Subject: "messages:", Severity: appliance.Notice, Who: appliance.You, Since: at, What: "x"}
	newer  = appliance.Finding{
		Code: "OF-A-NEWER-BOX", Severity: appliance.Warning, Who: appliance.YourISP, Since: at, What: "The line is\nslow", Why: "Nobody knows.", Next: []string{"Wait", "coopkit doctor"},
	}
	job = appliance.Job{
		ID: 7, Kind: appliance.ChangeAdd, Subject: "app:wiki", State: appliance.JobUndone, Created: at,
		Problem: &problem.Problem{Code: "of-a-newer-box", What: "no room", Why: "the disk is full", Next: []string{"make room"}},
	}
)

// letters are all kinds.
func letters() map[string]notify.Letter {
	news := func(entries ...notify.Entry) notify.Letter {
		return notify.Letter{Kind: notify.LetterNews, Box: box, At: at, Place: time.UTC, Entries: entries}
	}
	out := map[string]notify.Letter{
		"began": news(notify.Entry{Event: notify.Began, Finding: closed}), "worse": news(notify.Entry{Event: notify.Worse, Finding: closed}),
		"over": news(notify.Entry{Event: notify.Over, Finding: closed}), "newer": news(notify.Entry{Event: notify.Began, Finding: newer}),
		"solved": news(notify.Entry{Event: notify.Over, Finding: closed}, notify.Entry{Event: notify.Over, Finding: newer}),
		"many":   news(notify.Entry{Event: notify.Began, Finding: closed}, notify.Entry{Event: notify.Began, Finding: nobody}, notify.Entry{Event: notify.Over, Finding: newer}),
		"well":   {Kind: notify.LetterWeekly, Box: box, At: at, Place: time.UTC},
		"week":   {Kind: notify.LetterWeekly, Box: box, At: at, Place: time.UTC, Entries: []notify.Entry{{Event: notify.Still, Finding: closed}}},
		"code":   {Kind: notify.LetterTest, Box: box, At: at, Place: time.UTC, Code: "012345", Channel: appliance.ByMail},
		"test":   {Kind: notify.LetterTest, Box: box, At: at, Place: time.UTC, Channel: appliance.ByWebhook},
	}
	for state, change := range map[string]func(*appliance.Job){
		"undone": func(*appliance.Job) {}, "failed": func(j *appliance.Job) { j.State = appliance.JobFailed },
		"held": func(j *appliance.Job) { j.State, j.HeldUp = appliance.JobRunning, true }, "waits": func(j *appliance.Job) { j.State, j.Problem = appliance.JobWaiting, nil },
	} {
		j := job
		change(&j)
		out["job "+state] = news(notify.Entry{Event: notify.Ended, Job: &j})
	}
	last := out["began"]
	last.Last, last.Lost = true, 2
	out["last"] = last
	return out
}

// Every letter is whole in every language: no key, no value left out, a subject
// on one line, the way to end it, and data that programs can read.
func TestWrite_everyLetterInEveryLanguage(t *testing.T) {
	t.Parallel()
	var w Writer
	for name, l := range letters() {
		for _, lang := range locale.Langs() {
			m, err := w.Write(lang, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{m.Subject, m.Text} {
				if strings.ContainsAny(text, "{}") || strings.Contains(text, "letter.") || strings.Contains(text, "webkit.") || text == "" {
					t.Errorf("%s in %s: %s", name, lang, text)
				}
			}
			if strings.ContainsAny(m.Subject, "\r\n") || !strings.HasSuffix(m.Subject, " - Panadería La Luz") {
				t.Errorf("%s in %s: subject %q", name, lang, m.Subject)
			}
			if l.Kind != notify.LetterTest && !strings.Contains(m.Text, "\n"+m.Link+"\n-- \n") {
				t.Errorf("%s in %s: no link before the signature: %s", name, lang, m.Text)
			}
			if name != "test" && !strings.Contains(m.Text, "https://box.example:8420/settings/messages") {
				t.Errorf("%s in %s does not say how to end it", name, lang)
			}
			var p payload
			if err := json.Unmarshal(m.Data, &p); err != nil || p.Type != "coopkit.box."+string(l.Kind) || !p.Timestamp.Equal(at) || len(p.Data.Entries) != len(l.Entries) || p.Data.Language != lang {
				t.Errorf("%s in %s: %v, data %s", name, lang, err, m.Data)
			}
			if testing.Verbose() {
				t.Logf("%s %s\n%s\n%s\n%s", name, lang, m.Subject, m.Text, m.Data)
			}
		}
	}
}

func TestWrite_saysTheStateFirst(t *testing.T) {
	t.Parallel()
	var w Writer
	all := letters()
	b, err := locale.New(Files(), say.Files(), webkit.Messages())
	if err != nil {
		t.Fatal(err)
	}
	title := webkit.ExplainFinding(b.In("en"), closed.Code, closed.Args, webkit.Sentences{}).Title // as the pages say it
	for name, want := range map[string]string{
		"began": title, "worse": "Worse now: " + title, "over": "Solved: " + title,
		"many": "2 things need attention", "solved": "2 things are solved", "well": "All is well", "week": "This week: 1 thing is open",
		"newer": "The line is slow", "job undone": say.Job(b.In("en"), job), "test": "Test message",
	} {
		m, err := w.Write("en", all[name])
		if err != nil || m.Subject != want+" - Panadería La Luz" {
			t.Errorf("%s: %q, %v", name, m.Subject, err)
		}
		if urgent := name == "began" || name == "worse" || name == "many"; m.Urgent != urgent {
			t.Errorf("%s: urgent %t", name, m.Urgent)
		}
	}
	m, err := w.Write("en", all["began"])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Critical, since 23 November 2026, 08:00\n", "\nWhy: ", "\nYou can do this yourself.\n", "cause of 1 other finding", "https://box.example:8420/findings/SERVICE-STOPPED/app:wiki/app\n-- \n",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("no %q in\n%s", want, m.Text)
		}
	}
	m, err = w.Write("fr", all["many"])
	if err != nil || !strings.Contains(m.Text, "(https://box.example:8420/settings/messages)") {
		t.Errorf("a link of a page is no address in mail: %v\n%s", err, m.Text)
	}
}

func TestMessages_areComplete(t *testing.T) {
	t.Parallel()
	b, err := locale.New(Files(), say.Files(), webkit.Messages())
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, b, []string{"."}, "webkit.", "say.")
	for _, who := range appliance.Actors {
		if key := fmt.Sprintf("letter.who.%s", who); !b.In("en").Has(key) {
			t.Errorf("nothing is said for %s", key)
		}
	}
}
