// SPDX-License-Identifier: AGPL-3.0-or-later

package notify_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/appliance/notify/letter"
	"coopkit/appliance/store"
)

// world is a box and one person, ana, who has a webhook. Everything but the
// findings and jobs is real; the receiver is at the other end of a pipe.
type world struct {
	t      *testing.T
	notify *notify.Notify
	store  *store.Store

	mu       sync.Mutex
	report   appliance.Report
	jobs     []appliance.Job
	received []string // "subject | link" of each message that arrived
	ids      []string
	down     bool
}

// zone is that of the box; its clock differs from that of the test.
var zone = time.FixedZone("CET", 3600)

// inBubble runs a test with a world of its own, at nine in the morning of a
// Monday by the clock of the box.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, store: s}
		w.find()
		w.notify = notify.New(notify.Deps{
			Store: s, Writer: &letter.Writer{}, Log: slog.New(slog.DiscardHandler), Zone: func() *time.Location { return zone }, Reach: w.dial,
			People: func(context.Context) ([]notify.Person, error) {
				return []notify.Person{{ID: "p1", Name: "ana", Display: "Ana", Language: "en"}}, nil
			},
			Report: func(context.Context) (appliance.Report, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.report, nil
			},
			Jobs: func(context.Context) ([]appliance.Job, error) { w.mu.Lock(); defer w.mu.Unlock(); return w.jobs, nil },
			Box: func(context.Context) (notify.Box, error) {
				return notify.Box{Coop: "Bakery", Name: "pantry", Language: "en", Console: "https://box.example:8420"}, nil
			},
		})
		monday := time.Date(2000, 1, 3, 9, 0, 0, 0, zone) // a bubble begins on 1 January 2000, a Saturday
		w.pass(time.Until(monday))
		if c, err := w.notify.SetChannel(t.Context(), appliance.ChannelChange{Person: "ana", Kind: appliance.ByWebhook, To: "http://receiver.example/"}); err != nil || c.Proven.IsZero() {
			t.Fatalf("%+v, %v", c, err)
		}
		w.received, w.ids = nil, nil
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.notify.Run(ctx) }()
		test(w)
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	select {
	case <-time.After(d):
	case <-w.t.Context().Done():
	}
	synctest.Wait()
}

// at lets time go by until that time of the day.
func (w *world) at(hour, minute int) {
	w.t.Helper()
	now := time.Now().In(zone)
	then := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, zone)
	if !then.After(now) {
		then = then.AddDate(0, 0, 1)
	}
	w.pass(time.Until(then))
}

// find makes the checks find exactly these now.
func (w *world) find(found ...appliance.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report = appliance.Report{At: time.Now(), Checks: 12, Findings: found}
	if w.notify != nil {
		w.notify.Changed()
	}
}

func finding(code, subject string, s appliance.Severity, hides ...string) appliance.Finding {
	return appliance.Finding{
		Code: code, Subject: subject, Severity: s, What: code + " " + subject, Why: "Because.", Next: []string{"Do something"}, Who: appliance.You,
		Since: time.Now(), Hides: hides,
	}
}

// dial connects to the receiver, who notes what arrives.
func (w *world) dial(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
	}
	here, there := net.Pipe()
	go w.receive(there)
	return here, nil
}

// want compares what arrived since the last time.
func (w *world) want(subjects ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.received, subjects) {
		w.t.Errorf("at %s: received\n %s\nwant\n %s", time.Now().In(zone).Format("Mon 15:04"), strings.Join(w.received, "\n "), strings.Join(subjects, "\n "))
	}
	w.received = nil
}

// receive is the receiver's side of a connection.
func (w *world) receive(c net.Conn) {
	defer func() { _ = c.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var p struct {
		Data struct {
			Subject string `json:"subject"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &p)
	w.mu.Lock()
	w.received = append(w.received, p.Data.Subject)
	w.ids = append(w.ids, r.Header.Get("webhook-id"))
	w.mu.Unlock()
	_, _ = fmt.Fprint(c, "HTTP/1.1 204 No Content\r\n\r\n")
}
