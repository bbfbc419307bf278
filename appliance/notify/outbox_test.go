// SPDX-License-Identifier: AGPL-3.0-or-later

package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/appliance/notify/letter"
	"coopkit/appliance/store"
	"coopkit/internal/deliver"
	"coopkit/internal/deliver/delivertest"
	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
	"coopkit/internal/testkit"
)

func TestOutbox_triesAgainWithTheSameID(t *testing.T) {
	inBubble(t, func(w *world) {
		w.isDown(true)
		w.find(soon)
		w.pass(40 * time.Minute)
		w.want()
		w.isDown(false)
		w.pass(time.Hour)
		w.want("DISK-FILLING disk:/ - Bakery")
		all, err := w.notify.Outgoing(w.t.Context())
		if err != nil || len(all) != 1 || all[0].Tries < 4 || all[0].ID != w.ids[0] || all[0].Sent.IsZero() || all[0].Person != "ana" {
			w.t.Errorf("%+v, %v", all, err)
		}
	})
}

// What could not be delivered for two days is given up; what is still so then is
// told anew, with a word about what was lost.
func TestOutbox_aMessageOfTwoDaysIsGivenUpAndToldAnew(t *testing.T) {
	inBubble(t, func(w *world) {
		w.isDown(true)
		w.find(soon)
		w.pass(time.Hour)
		w.find()
		w.pass(time.Hour)
		w.find(soon, finding("CLOCK", "", appliance.Warning))
		w.pass(72 * time.Hour)
		w.isDown(false)
		w.pass(3 * time.Hour)
		w.mu.Lock()
		received, ids := w.received, w.ids
		w.mu.Unlock()
		slices.Sort(received)
		if want := []string{"CLOCK - Bakery", "DISK-FILLING disk:/ - Bakery"}; !slices.Equal(received, want) {
			w.t.Errorf("received %q, want each once: %q", received, want)
		}
		slices.Sort(ids)
		if len(slices.Compact(slices.Clone(ids))) != len(ids) {
			w.t.Errorf("a message arrived twice: %v", ids)
		}
		all, err := w.store.Posts(w.t.Context(), 50)
		if err != nil {
			w.t.Fatal(err)
		}
		lost := 0
		for _, p := range all {
			if !p.Dropped.IsZero() {
				lost++
			}
		}
		if lost == 0 {
			w.t.Error("nothing was given up after three days")
		}
		said := slices.ContainsFunc(all, func(p notify.Post) bool {
			return strings.Contains(p.Message.Text, "could not be delivered within two days")
		})
		if !said {
			w.t.Error("no message says that others were lost")
		}
	})
}

// A delivery that the store could not record is recorded later, not repeated.
func TestOutbox_aFullDiskMakesNoSecondMessage(t *testing.T) {
	inBubble(t, func(w *world) {
		w.find(soon)
		w.pass(time.Minute + 59*time.Second)
		full := false
		w.store.FailWrites(func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if full = full || len(w.received) > 0; full {
				return sqlitedb.DiskFull()
			}
			return nil
		})
		w.pass(3 * time.Hour)
		w.store.FailWrites(nil)
		w.pass(3 * time.Hour)
		w.want("DISK-FILLING disk:/ - Bakery")
		if all, err := w.notify.Outgoing(w.t.Context()); err != nil || len(all) != 1 || all[0].Sent.IsZero() {
			w.t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestOutbox_whoRemovesAChannelGetsNothingMore(t *testing.T) {
	inBubble(t, func(w *world) {
		w.isDown(true)
		w.find(soon)
		w.pass(5 * time.Minute)
		if _, err := w.notify.SetChannel(w.t.Context(), appliance.ChannelChange{Person: "ana", Kind: appliance.ByWebhook}); err != nil {
			w.t.Fatal(err)
		}
		w.isDown(false)
		w.pass(24 * time.Hour)
		w.want()
	})
}

func (w *world) isDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// The rest kills a process that has a message to deliver by a real mail server,
// at each point between deciding and having recorded that it arrived.

// killAt names the environment variable with the point at which the child dies.
const killAt = "COOPKIT_NOTIFY_KILL"

// points are where a child is killed, by the writes to its database: how many are
// let through.
const points = 8

func TestOutbox_survivesKillAtEveryWrite(t *testing.T) {
	if dir := os.Getenv(killAt); dir != "" {
		childDelivers(t, dir)
		return
	}
	testkit.Long(t)
	died := 0
	for point := range points {
		t.Run("before write "+strconv.Itoa(point), func(t *testing.T) {
			if killOnce(t, point) {
				died++
			}
		})
	}
	if died < 3 { // deciding, trying, recording
		t.Errorf("only %d processes died", died)
	}
}

func killOnce(t *testing.T, point int) (killed bool) {
	t.Helper()
	dir := t.TempDir()
	post := delivertest.New(t, deliver.None, false)
	relay := post.Relay()
	prepare(t, dir, appliance.Relay{Host: relay.Host, Port: relay.Port, Security: string(relay.Security), From: relay.From})
	child := func(die int) error {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestOutbox_survivesKillAtEveryWrite$")
		cmd.Env = append(os.Environ(), killAt+"="+dir, "POINT="+strconv.Itoa(die))
		return cmd.Run()
	}
	killed = child(point) != nil
	if err := child(-1); err != nil { // nobody kills this one
		t.Fatal(err)
	}
	letters := post.Letters()
	if len(letters) == 0 {
		t.Fatal("the message was lost")
	}
	for _, l := range letters {
		if l.Header.Get("Message-Id") != letters[0].Header.Get("Message-Id") {
			t.Errorf("it arrived under another name: %s and %s", l.Header.Get("Message-Id"), letters[0].Header.Get("Message-Id"))
		}
	}
	if !killed && len(letters) != 1 || len(letters) > 2 {
		t.Errorf("it arrived %d times, killed: %t", len(letters), killed)
	}
	if err := child(-1); err != nil {
		t.Fatal(err)
	}
	if n := len(post.Letters()); n != len(letters) {
		t.Errorf("a message that was delivered arrived again: %d, then %d", len(letters), n)
	}
	return killed
}

// prepare makes a database with a person who has a proven mailbox.
func prepare(t *testing.T, dir string, relay appliance.Relay) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "box.db"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = errors.Join(
		s.SaveRelays(t.Context(), &relay, nil),
		s.SaveWishes(t.Context(), notify.Recipient{Person: "p1", Least: appliance.Warning, Added: now, WeeklyAt: now}),
		s.SaveChannel(t.Context(), notify.Channel{Person: "p1", Channel: appliance.Channel{Kind: appliance.ByMail, To: "ana@example.net", Proven: now}}),
		s.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// childDelivers runs until the message is recorded as delivered, or dies at its
// point.
func childDelivers(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "box.db"))
	if err != nil {
		t.Fatal(err)
	}
	die, err := strconv.Atoi(os.Getenv("POINT"))
	if err != nil {
		t.Fatal(err)
	}
	s.FailWrites(func() error {
		if die == 0 {
			kill(t)
		}
		die--
		return nil
	})
	began := time.Now()
	n := notify.New(notify.Deps{
		Store: s, Writer: &letter.Writer{}, Log: slog.New(slog.DiscardHandler),
		Clock:  func() time.Time { return began.Add(time.Since(began) * 3000) }, // minutes are over in a moment
		People: func(context.Context) ([]notify.Person, error) { return []notify.Person{{ID: "p1", Name: "ana"}}, nil },
		Report: func(context.Context) (appliance.Report, error) {
			return appliance.Report{At: time.Now(), Findings: []appliance.Finding{closed}}, nil
		},
		Jobs: func(context.Context) ([]appliance.Job, error) { return nil, nil },
		Box:  func(context.Context) (notify.Box, error) { return notify.Box{Name: "pantry"}, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	testkit.Eventually(t, 20*time.Second, "the message was not delivered", func() bool {
		n.Changed()
		n.Due()
		posts, err := s.Posts(t.Context(), 10)
		return err == nil && len(posts) > 0 && !posts[0].Sent.IsZero()
	})
	cancel()
	if err := errors.Join(<-ended, s.Close()); err != nil {
		t.Fatal(err)
	}
}

func kill(t *testing.T) {
	t.Helper()
	me, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = me.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	select {} // until the signal is there
}

// A password never reaches a log.
func TestNotify_logsNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	post := delivertest.New(t, deliver.None, true)
	n := notify.New(notify.Deps{
		Store: s, Writer: &letter.Writer{}, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		People: func(context.Context) ([]notify.Person, error) { return []notify.Person{{ID: "p1", Name: "ana"}}, nil },
		Box:    func(context.Context) (notify.Box, error) { return notify.Box{Name: "pantry"}, nil },
	})
	r := appliance.Relay{Host: post.Relay().Host, Port: post.Relay().Port, Security: "none", User: delivertest.User, Password: "wrong-" + delivertest.Password, From: delivertest.User}
	if err := n.SetRelay(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := n.TestRelay(t.Context(), appliance.TestMail{To: "ana@example.net"}); !errors.Is(err, &problem.Problem{Code: "mail-signin-refused"}) {
		t.Errorf("%v", err)
	}
	r.Password = delivertest.Password
	if err := errors.Join(n.SetRelay(t.Context(), r), n.TestRelay(t.Context(), appliance.TestMail{To: "ana@example.net"})); err != nil {
		t.Fatal(err)
	}
	if c, err := n.SetChannel(t.Context(), appliance.ChannelChange{Person: "ana", Kind: appliance.ByMail, To: "ana@example.net"}); err != nil || c.Asked.IsZero() {
		t.Fatalf("%+v, %v", c, err)
	}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "relay", r, "change", appliance.ChannelChange{Secret: "tk_secret"}, "channel", appliance.Channel{Secret: "tk_secret"})
	code := codeIn(t, post.Await(t, 2)[1].Body)
	for _, secret := range []string{delivertest.Password, "tk_secret", code, "ana@example.net"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, log.String())
		}
	}
	// What comes by mail is the way in, and only that.
	for range 2 {
		if err := n.ProveChannel(t.Context(), appliance.ChannelCode{Person: "ana", Kind: appliance.ByMail, Code: "000 00x"}); !errors.Is(err, &problem.Problem{Code: "channel-code-wrong"}) {
			t.Errorf("a wrong code: %v", err)
		}
	}
	if err := n.ProveChannel(t.Context(), appliance.ChannelCode{Person: "ana", Kind: appliance.ByMail, Code: code[:3] + " " + code[3:]}); err != nil {
		t.Error(err)
	}
	all, err := n.Receivers(t.Context())
	if err != nil || !all[0].Reached() {
		t.Errorf("%+v, %v", all, err)
	}
	set, err := n.Relay(t.Context())
	if err != nil || !set.HasPassword || set.Password != "" {
		t.Errorf("the answer has the password: %+v, %v", set, err)
	}
	// The password does not follow the setting to another server.
	r.Host, r.Password = "127.0.0.2", ""
	if err := n.SetRelay(t.Context(), r); !errors.Is(err, &problem.Problem{Code: "relay-invalid"}) {
		t.Errorf("the password of one server was kept for another: %v", err)
	}
	if err := errors.Join(n.RemoveRelay(t.Context()), n.UndoRelay(t.Context()), n.TestRelay(t.Context(), appliance.TestMail{To: "ana@example.net"})); err != nil {
		t.Errorf("after undo: %v", err)
	}
}

// codeIn is the code in a test message.
func codeIn(t *testing.T, text string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "code: ")
	if !ok || len(rest) < 6 {
		t.Fatalf("no code in %s", text)
	}
	return rest[:6]
}
