// SPDX-License-Identifier: AGPL-3.0-or-later

package server_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/desktest"
	"coopkit/desk/store"
	"coopkit/desk/wire"
)

func refused(t *testing.T, a desktest.Answer, err error, status int, code string) {
	t.Helper()
	if err != nil || a.Status != status || a.Code != code {
		t.Errorf("got %d %s %s, %v; want %d %s", a.Status, a.Code, a.Body, err, status, code)
	}
	if a.Header.Get("Content-Type") != "application/problem+json" || !bytes.Contains(a.Body, []byte(`"next":["`)) {
		t.Errorf("the refusal is not a problem: %s", a.Body)
	}
}

func TestEnrol_thenReportThenLeave(t *testing.T) {
	d := desktest.New(t)
	b := d.Join(d.Invite(false))
	_, a, err := b.Send(t.Context(), desktest.Sample(1))
	refused(t, a, err, http.StatusForbidden, "box-pending")
	if a.Header.Get("Retry-After") != "10" {
		t.Errorf("the box should wait %q", a.Header.Get("Retry-After"))
	}
	if box := d.Box(b.ID); box.Words != b.Words || box.State != desk.BoxPending || box.Coop != desktest.Coop || box.Caretaker != desktest.Caretaker || box.Name != "mill" {
		t.Errorf("the desk has %+v, the box the words %v", box, b.Words)
	}
	d.Confirm(b.ID)
	ack, _, err := b.Send(t.Context(), desktest.Sample(1), desktest.Sample(2))
	if err != nil || ack.Ack != 2 || !ack.Full || ack.NextS != 1 {
		t.Errorf("acknowledged %+v, %v", ack, err)
	}
	ack, _, err = b.Send(t.Context(), wire.Entry{Open: &[]wire.Finding{}})
	if err != nil || ack.Ack != 3 || ack.Full || ack.NextS != 60 {
		t.Errorf("acknowledged %+v, %v", ack, err)
	}
	if box := d.Box(b.ID); box.State != desk.BoxUp || box.Sample.Load != 2 || box.Entries != 3 {
		t.Errorf("the desk has %+v", box)
	}
	if a, err := b.Leave(t.Context()); err != nil || a.Status != http.StatusNoContent {
		t.Errorf("leave: %d %s, %v", a.Status, a.Body, err)
	}
	_, a, err = b.Send(t.Context(), desktest.Sample(1))
	refused(t, a, err, http.StatusGone, "box-gone")
	if box := d.Box(b.ID); box.State != desk.BoxLeft {
		t.Errorf("the desk has %+v", box)
	}
}

func TestEnrol_oneInvitationOneBox(t *testing.T) {
	d := desktest.New(t)
	code := d.Invite(true)
	var wg sync.WaitGroup
	answers := make([]desktest.Answer, 8)
	for i := range answers { // they race
		b, err := desktest.NewBox(code, d.Clock)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer b.Client.CloseIdleConnections()
			a, err := b.Enrol(t.Context())
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	wg.Wait()
	joined := 0
	for _, a := range answers {
		if a.Status == http.StatusOK {
			joined++
		} else {
			refused(t, a, nil, http.StatusConflict, "invitation-used")
		}
	}
	if joined != 1 || len(d.Boxes()) != 1 {
		t.Errorf("%d joined, the desk has %d", joined, len(d.Boxes()))
	}
}

func TestEnrol_aRetryGetsTheSameAnswer(t *testing.T) {
	d := desktest.New(t)
	code := d.Invite(true)
	b, err := desktest.NewBox(code, d.Clock)
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := b.Enrolment()
	if err != nil {
		t.Fatal(err)
	}
	body, err := wire.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	signature := wire.SignEnrolment(b.Key, code.Key, body)
	first, err := b.Post(t.Context(), wire.PathEnrol, body, signature)
	if err != nil || first.Status != http.StatusOK {
		t.Fatalf("%d %s, %v", first.Status, first.Body, err)
	}
	d.Stop()
	d.Start()
	again, err := b.Post(t.Context(), wire.PathEnrol, body, signature)
	if err != nil || !bytes.Equal(again.Body, first.Body) || again.Header.Get(wire.HeaderSignature) != first.Header.Get(wire.HeaderSignature) {
		t.Errorf("the second answer is %d %s, %v", again.Status, again.Body, err)
	}
}

func TestEnrol_saysWhatIsWrong(t *testing.T) {
	d := desktest.New(t)
	try := func(code wire.Invitation, change func(e *wire.Enrolment), signed wire.Invitation) (desktest.Answer, error) {
		b, err := desktest.NewBox(code, d.Clock)
		if err != nil {
			return desktest.Answer{}, err
		}
		defer b.Client.CloseIdleConnections()
		e, _, err := b.Enrolment()
		if err != nil {
			return desktest.Answer{}, err
		}
		change(&e)
		body, err := wire.Encode(e)
		if err != nil {
			return desktest.Answer{}, err
		}
		return b.Post(t.Context(), wire.PathEnrol, body, wire.SignEnrolment(b.Key, signed.Key, body))
	}
	nothing := func(*wire.Enrolment) {}
	good := d.Invite(true)
	strange := good
	strange.Secret[0]++
	other := good
	other.Key = make([]byte, 32)
	for name, tt := range map[string]struct {
		code   wire.Invitation
		change func(e *wire.Enrolment)
		signed wire.Invitation
		status int
		want   string
	}{
		"a wrong secret":            {strange, nothing, strange, 403, "invitation-unknown"},
		"only the id of the secret": {strange, func(e *wire.Enrolment) { e.Invitation = good.ID() }, strange, 403, "invitation-unknown"},
		"made for another desk":     {other, nothing, other, 403, "invitation-unknown"},
		"signed by another key":     {good, nothing, other, 403, "signature-wrong"},
		"another box's key":         {good, func(e *wire.Enrolment) { e.Key = other.Key }, good, 403, "invitation-unknown"},
		"newer protocol":            {good, func(e *wire.Enrolment) { e.Version = 2 }, good, 400, "protocol-version"},
		"a short nonce":             {good, func(e *wire.Enrolment) { e.Nonce = e.Nonce[:5] }, good, 400, "message-malformed"},
		"no protocol":               {good, func(e *wire.Enrolment) { e.Version = 0 }, good, 400, "message-malformed"},
	} {
		a, err := try(tt.code, tt.change, tt.signed)
		if err != nil || a.Status != tt.status || a.Code != tt.want {
			t.Errorf("%s: %d %s %s, %v; want %d %s", name, a.Status, a.Code, a.Body, err, tt.status, tt.want)
		}
	}
	d.Clock.Pass(2 * time.Hour) // which also ends the penalty for guessing
	a, err := try(good, nothing, good)
	refused(t, a, err, http.StatusConflict, "invitation-expired")
	for range 20 {
		a, err = try(strange, nothing, strange)
	}
	refused(t, a, err, http.StatusTooManyRequests, "too-often")
	if len(d.Boxes()) != 0 {
		t.Errorf("the desk has %d boxes", len(d.Boxes()))
	}
}

// TestReport_ofANewerBox: it joins, and its reports are taken, with what this
// desk does not know kept as it came.
func TestReport_ofANewerBox(t *testing.T) {
	d := desktest.New(t)
	b, err := desktest.NewBox(d.Invite(true), d.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Client.CloseIdleConnections)
	b.Newest, b.More = 7, `"locale":{"es":1},`
	if a, err := b.Enrol(t.Context()); err != nil || a.Status != http.StatusOK || bytes.Contains(a.Body, []byte(`"v"`)) {
		t.Fatalf("enrol: %d %s, %v", a.Status, a.Body, err)
	}
	urgent := wire.Entry{Finding: &wire.Finding{FindingName: wire.FindingName{Code: "FLOOD"}, Severity: "urgent", What: "a\u202eb"}}
	ack, a, err := b.Send(t.Context(), desktest.Sample(1), wire.Entry{}, urgent, wire.Entry{Open: &[]wire.Finding{*urgent.Finding}})
	if err != nil || ack.Ack != 4 {
		t.Fatalf("report: %+v, %d %s, %v", ack, a.Status, a.Body, err)
	}
	box := d.Box(b.ID)
	if box.Entries != 4 || len(box.Findings) != 1 || box.Findings[0].Severity != "warning" || box.Findings[0].What != "a b" || box.State != desk.BoxUp {
		t.Errorf("the desk has %+v", box)
	}
	d.Stop()
	for body := range readJournal(t, d.Path) {
		if !strings.HasPrefix(body, `{"locale":{"es":1},`) || !strings.Contains(body, `"urgent"`) {
			t.Errorf("the report is kept as %s", body)
		}
	}
	d.Start()
	if ack, a, err := b.Send(t.Context(), desktest.Sample(2)); err != nil || ack.Ack != 5 {
		t.Errorf("the next report: %+v, %d %s, %v", ack, a.Status, a.Body, err)
	}
}

func TestReport_takesNothingThatIsWrong(t *testing.T) {
	d := desktest.New(t)
	b, other := d.Join(d.Invite(true)), d.Join(d.Invite(true))
	if _, _, err := b.Send(t.Context(), desktest.Sample(1)); err != nil {
		t.Fatal(err)
	}
	body, err := b.Report(desktest.Sample(2))
	if err != nil {
		t.Fatal(err)
	}
	signature := wire.SignReport(b.Key, body)
	replace := func(old, with string) []byte { return bytes.Replace(body, []byte(old), []byte(with), 1) }
	for name, tt := range map[string]struct {
		body      []byte
		signature string
		status    int
		want      string
	}{
		"forged":              {replace(`"load":2`, `"load":9`), signature, 403, "signature-wrong"},
		"not signed":          {body, "", 403, "signature-wrong"},
		"signed by another":   {body, wire.SignReport(other.Key, body), 403, "signature-wrong"},
		"signed as a leave":   {body, wire.SignLeave(b.Key, body), 403, "signature-wrong"},
		"cut":                 {body[:len(body)/2], signature, 400, "message-malformed"},
		"empty":               {nil, signature, 400, "message-malformed"},
		"not JSON":            {[]byte("hello"), signature, 400, "message-malformed"},
		"something behind it": {append(bytes.Clone(body), " {}"...), signature, 400, "message-malformed"},
		"a member added":      {replace(`"v":1`, `"v":1,"x":1`), signature, 403, "signature-wrong"},
		"a member twice":      {replace(`"v":1`, `"v":1,"v":1`), signature, 400, "message-malformed"},
		"a member in capital": {replace(`"v":1`, `"V":1`), signature, 400, "message-malformed"},
		"newer":               {replace(`"v":1`, `"v":2`), signature, 400, "protocol-version"},
		"not UTF-8":           {replace(`"up_s":864000`, "\"up_s\":864000,\"\xff\":1"), signature, 400, "message-malformed"},
		"an unknown box":      {replace(string(b.ID), "aaaaaaaaaaaa"), signature, 410, "box-gone"},
		"far too large":       {append(bytes.Clone(body), bytes.Repeat([]byte(" "), wire.MaxReportBytes)...), signature, 413, "message-too-large"},
	} {
		a, err := b.Post(t.Context(), wire.PathReports, tt.body, tt.signature)
		if err != nil || a.Status != tt.status || a.Code != tt.want {
			t.Errorf("%s: %d %s %s, %v; want %d %s", name, a.Status, a.Code, a.Body, err, tt.status, tt.want)
		}
	}
	a, err := b.Post(t.Context(), "/v1/nothing", body, signature)
	refused(t, a, err, http.StatusNotFound, "path-unknown")
	if box := d.Box(b.ID); box.Entries != 1 || box.Sample.Load != 1 {
		t.Errorf("the desk has %+v", box)
	}
}

func TestReport_aLongBodyWithoutLengthIsCutOff(t *testing.T) {
	d := desktest.New(t)
	b := d.Join(d.Invite(true))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL()+wire.PathReports, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 10*wire.MaxReportBytes))})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	answer, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s", answer.Status)
	}
}

func TestReport_replayClonesAndRestoredJournals(t *testing.T) {
	d := desktest.New(t, desktest.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)))
	b := d.Join(d.Invite(true))
	send := func(x *desktest.Box, load float64) (wire.Ack, desktest.Answer) {
		t.Helper()
		d.Clock.Pass(time.Minute)
		ack, a, err := x.Send(t.Context(), desktest.Sample(load))
		if err != nil {
			t.Fatal(err)
		}
		return ack, a
	}
	send(b, 1)
	old, err := b.Report(desktest.Sample(2))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the answer got lost
		if ack, a, err := b.SendBody(t.Context(), old); err != nil || ack.Ack != 2 {
			t.Errorf("got %+v %s, %v", ack, a.Body, err)
		}
	}
	clone := *b
	send(b, 3)
	send(b, 4)
	_, a, err := b.SendBody(t.Context(), old) // replayed much later
	refused(t, a, err, http.StatusConflict, "report-late")
	if box := d.Box(b.ID); box.State != desk.BoxUp || box.Entries != 4 {
		t.Errorf("after a replay the desk has %+v", box)
	}
	_, a = send(&clone, 9)
	refused(t, a, nil, http.StatusConflict, "box-suspected")
	if box := d.Box(b.ID); box.State != desk.BoxSuspected || len(box.Findings) != 1 || box.Findings[0].Code != store.CodeSuspected {
		t.Errorf("with a clone the desk has %+v", box)
	}
	if ack, _ := send(b, 5); ack.Ack != 5 {
		t.Errorf("the first box goes on with %+v", ack)
	}
	if err := d.View().Restored(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if ack, a := send(&clone, 9); ack.Ack != 3 || !ack.Full {
		t.Errorf("confirmed as the same box: %+v %s", ack, a.Body)
	}
}

func TestReport_aDeskFromABackupAsksForEverything(t *testing.T) {
	d := desktest.New(t)
	b := d.Join(d.Invite(true))
	if _, _, err := b.Send(t.Context(), wire.Entry{Open: &[]wire.Finding{}}); err != nil {
		t.Fatal(err)
	}
	backup := copyDesk(t, d)
	for range 5 {
		if ack, _, err := b.Send(t.Context(), desktest.Sample(1)); err != nil || ack.Full {
			t.Fatalf("%+v, %v", ack, err)
		}
	}
	putBack(t, d, backup)
	ack, _, err := b.Send(t.Context(), desktest.Sample(1))
	if err != nil || ack.Ack != 7 || !ack.Full {
		t.Errorf("got %+v, %v", ack, err)
	}
	if box := d.Box(b.ID); box.Lost != 5 {
		t.Errorf("the desk counts %d lost", box.Lost)
	}
	open := []wire.Finding{{FindingName: wire.FindingName{Code: "DISK-NEARLY-FULL"}, Severity: "warning", What: "The disk is nearly full"}}
	if ack, _, err = b.Send(t.Context(), wire.Entry{Open: &open}); err != nil || ack.Full {
		t.Errorf("got %+v, %v", ack, err)
	}
	if box := d.Box(b.ID); len(box.Findings) != 1 {
		t.Errorf("the desk has %+v", box.Findings)
	}
}

func TestReport_aWrongClockIsFlaggedNotRefused(t *testing.T) {
	d := desktest.New(t)
	b := d.Join(d.Invite(true))
	b.Ahead = 30 * 24 * time.Hour
	if ack, a, err := b.Send(t.Context(), desktest.Sample(1)); err != nil || ack.Ack != 1 || time.Since(ack.Time.Time).Abs() > time.Minute {
		t.Errorf("got %+v %s, %v", ack, a.Body, err)
	}
	if box := d.Box(b.ID); len(box.Findings) != 1 || box.Findings[0].Code != store.CodeClockWrong || box.State != desk.BoxUp {
		t.Errorf("the desk has %+v", box)
	}
}

func TestDesk_isKnownByItsPinOnly(t *testing.T) {
	d := desktest.New(t)
	code := d.Invite(true)
	for name, change := range map[string]func(*wire.Invitation){
		"another pin":  func(i *wire.Invitation) { i.Pin = bytes.Repeat([]byte{1}, 32) },
		"no pin":       func(i *wire.Invitation) { i.Pin = nil },
		"another name": func(i *wire.Invitation) { i.Desk = strings.Replace(i.Desk, "127.0.0.1", "127.0.0.2", 1) },
	} {
		wrong := code
		change(&wrong)
		config, err := wire.TLSConfig(wrong.Desk, wrong.Pin)
		if err != nil {
			t.Fatal(err)
		}
		dialer := tls.Dialer{Config: config}
		c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(d.URL(), "https://"))
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: it was believed", name)
		}
	}
	d.Join(code)
}
