// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/logline"
	"coopkit/internal/problem"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// talking is a box with echo on it, whose services said nothing.
func talking(t *testing.T) (*box, *enginetest.Fake) {
	t.Helper()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	return b, fake
}

func (b *box) read(t *testing.T, req appliance.AppLogs) string {
	t.Helper()
	req.Name = "echo"
	var out bytes.Buffer
	if err := b.Logs(t.Context(), req, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestLogs_leaveOutTheBoxsOwnChecks, also those that an answer of is logged on a
// line of its own, and nothing that a visitor calls a check.
func TestLogs_leaveOutTheBoxsOwnChecks(t *testing.T) {
	t.Parallel()
	b, fake := talking(t)
	word := b.word()
	if len(word) < 30 {
		t.Fatalf("the word is %q: a visitor could guess it", word)
	}
	fake.Say("echo", "app", noon,
		`10.0.0.1 - - [x] "GET / HTTP/1.1" 200 5 "-" "`+word+`"`,
		`10.0.0.2 - - [x] "GET /shop HTTP/1.1" 200 5 "-" "coopkit-health"`,
		`[INFO] GET request for '/.web/' received from 192.0.2.1 using '`+word+`'`,
		`[INFO] GET request for '/.web/' received from 10.0.0.2 using 'Firefox'`,
		`[INFO] GET response status for '/.web/' in 0.001 seconds: 200 OK`,
		`[INFO] GET response status for '/.web/' in 0.001 seconds: 304 Not Modified`,
		`ready`)
	want := `app | 10.0.0.2 - - [x] "GET /shop HTTP/1.1" 200 5 "-" "coopkit-health"
app | [INFO] GET request for '/.web/' received from 10.0.0.2 using 'Firefox'
app | [INFO] GET response status for '/.web/' in 0.001 seconds: 304 Not Modified
app | ready
`
	for name, req := range map[string]appliance.AppLogs{"all": {}, "the last": {Tail: 50}} {
		if d := cmp.Diff(want, b.read(t, req)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	if got := b.read(t, appliance.AppLogs{Checks: true}); strings.Count(got, word) != 2 || strings.Count(got, "\n") != 7 {
		t.Errorf("with checks:\n%s", got)
	}
	// Logs live longer than the process: the next one knows the word.
	if again := (&Apps{Deps: b.Deps}).checkWord(); again != word {
		t.Errorf("after a restart the word is %q", again)
	}
}

func TestLogs_areSearchedByTextTimeAndLevel(t *testing.T) {
	t.Parallel()
	b, fake := talking(t)
	fake.Say("echo", "app", noon, "[info] Ñandú one")
	fake.Say("echo", "helper", noon.Add(time.Minute), "[error] two")
	fake.Say("echo", "app", noon.Add(2*time.Minute), "[warn] THREE ñandú", "four")
	at := func(minutes float64) string {
		return noon.Add(time.Duration(minutes * float64(time.Minute))).Format(time.RFC3339Nano)
	}
	for name, c := range map[string]struct {
		req  appliance.AppLogs
		want string
	}{
		"in the order of time": {appliance.AppLogs{Tail: 9}, "app | [info] Ñandú one\nhelper | [error] two\napp | [warn] THREE ñandú\napp | four\n"},
		"the last of all":      {appliance.AppLogs{Tail: 1}, "app | four\n"},
		"one service":          {appliance.AppLogs{Service: "helper", Tail: 9}, "helper | [error] two\n"},
		"search":               {appliance.AppLogs{Search: "ÑANDÚ"}, "app | [info] Ñandú one\napp | [warn] THREE ñandú\n"},
		"the last that match":  {appliance.AppLogs{Search: "ñandú", Tail: 1}, "app | [warn] THREE ñandú\n"},
		"since":                {appliance.AppLogs{Since: at(1)}, "app | [warn] THREE ñandú\napp | four\nhelper | [error] two\n"},
		"until":                {appliance.AppLogs{Until: at(1), Tail: 9}, "app | [info] Ñandú one\n"},
		"between":              {appliance.AppLogs{Since: at(0.5), Until: at(1.5)}, "helper | [error] two\n"},
		"errors":               {appliance.AppLogs{Level: "error"}, "helper | [error] two\n"},
		"warnings and errors":  {appliance.AppLogs{Level: "warning", Tail: 9}, "helper | [error] two\napp | [warn] THREE ñandú\n"},
		"with times":           {appliance.AppLogs{Service: "helper", Times: true}, logline.Line{At: noon.Add(time.Minute), Service: "helper", Text: "[error] two"}.Stamped() + "\n"},
	} {
		if d := cmp.Diff(c.want, b.read(t, c.req)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	for name, req := range map[string]appliance.AppLogs{
		"since": {Since: "yesterday"}, "until": {Until: "12:00"}, "level": {Level: "bad"}, "end": {Follow: true, Until: at(1)},
	} {
		req.Name = "echo"
		if err := b.Logs(t.Context(), req, &bytes.Buffer{}); !errors.Is(err, &problem.Problem{Code: "logs-invalid"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Logs(t.Context(), appliance.AppLogs{Name: "echo", Service: "none"}, &bytes.Buffer{}); !errors.Is(err, &problem.Problem{Code: "service-unknown"}) {
		t.Error(err)
	}
}

func TestLogs_hideSecretsOfTheApp(t *testing.T) {
	t.Parallel()
	b, fake := talking(t)
	secrets, err := b.store.Secrets(t.Context(), "echo")
	if err != nil || len(secrets["token"]) < shortestSecret {
		t.Fatal(secrets, err)
	}
	fake.Say("echo", "app", noon, "TOKEN="+secrets["token"]+" and "+secrets["token"])
	if got := b.read(t, appliance.AppLogs{}); got != "app | TOKEN=•••••••• and ••••••••\n" {
		t.Error(strings.ReplaceAll(got, secrets["token"], "(the secret)"))
	}
	if got := b.read(t, appliance.AppLogs{Search: secrets["token"]}); got != "" {
		t.Error("a secret can be searched for")
	}
	if got := masking(map[string]string{"short": "password"[:7], "long": "password"}).Replace("passwor password"); got != "passwor ••••••••" {
		t.Error(got)
	}
}

// TestLogs_holdLittleOfALongLog: of a log of many lines only its end is read, and
// of lines of any length so many are held as fit.
func TestLogs_holdLittleOfALongLog(t *testing.T) {
	t.Parallel()
	b, fake := talking(t)
	word := b.word()
	lines := make([]string, 50000)
	for i := range lines {
		lines[i] = "check " + word
	}
	lines[10], lines[40000] = "early", "late"
	fake.Say("echo", "app", noon, lines...)
	if got := b.read(t, appliance.AppLogs{Tail: 1}); got != "app | late\n" {
		t.Errorf("the last: %q", got)
	}
	if got := b.read(t, appliance.AppLogs{Tail: 3}); got != "app | early\napp | late\n" {
		t.Errorf("all that there are: %q", got)
	}
	held := lastOf{most: 1000}
	for i := range 1000 {
		held.add(logline.Line{Text: fmt.Sprintf("%d %s", i, strings.Repeat("x", 64<<10))})
	}
	if held.bytes > maxHeld || len(held.lines) > maxHeld>>16 || !strings.HasPrefix(held.lines[len(held.lines)-1].Text, "999 ") {
		t.Errorf("%d lines of %d bytes are held", len(held.lines), held.bytes)
	}
}

// TestLogs_followGoesOnAfterTheLast without a line twice or lost in between.
func TestLogs_followGoesOnAfterTheLast(t *testing.T) {
	t.Parallel()
	b, fake := talking(t)
	fake.Say("echo", "app", noon, "before")
	fake.Say("echo", "app", time.Now().Add(time.Hour), "after")
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	var out bytes.Buffer
	if err := b.Logs(ctx, appliance.AppLogs{Name: "echo", Tail: 5, Follow: true}, &out); err != nil || out.String() != "app | before\napp | after\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
