// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/jobs"
	"coopkit/appliance/names"
	"coopkit/appliance/notify"
	"coopkit/appliance/sites"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/deliver"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/testkit"
	"coopkit/recipes"
)

// The records of a box as each released program left them are test data of
// every later one: appliance/store/testdata/dumps has the databases, and beside
// each what its containers are. "A release" in docs/contributing/checklists.md
// says when to write the next one.
var (
	dumpName   = flag.String("dump", "", "write the records of this program as test data under this name")
	dumpUpdate = flag.Bool("update", false, "write the containers of the dumps anew")
)

const dumps = "../store/testdata/dumps"

// dumpTime is when everything in a dump happened.
var dumpTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// distinct gives every service an image of its own.
type distinct struct{ fake *enginetest.Fake }

func (d distinct) Ensure(_ context.Context, r *recipes.Recipe, service, ref string, _ appliance.ImageSource, _ appliance.Progress) (appliance.Image, error) {
	id := "sha256:" + r.Name + "-" + service
	d.fake.AddImage(engine.ImageInfo{ID: id, Tags: []string{"coopkit/" + r.Name + "-" + service + ":" + r.Version}})
	_, digest, _ := strings.Cut(ref, "@")
	return appliance.Image{Ref: cmp.Or(ref, "coopkit/"+r.Name+"-"+service), ID: id, Digest: digest, Source: appliance.FromRegistry}, nil
}

// TestDump_opens: an app that an earlier program added is read, and wants the
// containers that it has, although the catalogue lost all its recipes. A
// container that is made from something else now would be made anew when the box
// takes this program.
func TestDump_opens(t *testing.T) {
	testkit.Dumps(t, dumps, func(t *testing.T, name, path string) { //nolint:thelper // it is the test
		dir := t.TempDir()
		if err := os.Rename(path, filepath.Join(dir, "db")); err != nil {
			t.Fatal(err)
		}
		b, err := openBox(t.Context(), setup{dir: dir, engine: enginetest.NewFake(), recipes: &recipes.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.end)
		all, err := b.store.Jobs(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range all {
			if j = b.follow(t, j, nil); j.Subject == "app:interrupted" && (j.State != appliance.JobUndone || j.Problem == nil) {
				t.Errorf("what an earlier program had begun is %s: %v", j.State, j.Problem)
			}
		}
		got := strings.Join(b.containers(t), "\n") + "\n"
		golden := filepath.Join(dumps, name+".containers")
		if *dumpUpdate {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(want), got); diff != "" {
			t.Errorf("the containers of this box are others now, so each of them would be made anew (-were +are):\n%s", diff)
		}
	})
}

// containers are what the store wants the engine to have, one line each.
func (b *box) containers(t *testing.T) []string {
	t.Helper()
	installs, err := b.store.Installs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, in := range installs {
		if in.Release == 0 {
			continue
		}
		r, err := b.active(t.Context(), in.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		spec := r.spec
		lines = append(lines, fmt.Sprintf("%s release %d %s volumes %s stopped %t", in.Name, spec.Release, spec.Subnet, spec.Volumes, spec.Stopped))
		for _, s := range spec.Services {
			lines = append(lines, fmt.Sprintf("  %s %s %s %s", s.Name, s.Address, s.Resolved.ID, engine.ConfigHash(s)))
		}
	}
	return lines
}

// TestDump_write makes the dump of this program.
func TestDump_write(t *testing.T) {
	if *dumpName == "" {
		t.Skip("go test ./appliance/apps -run TestDump_write -dump VERSION")
	}
	b, fake := fakeBox(t, fine)
	b.Images = distinct{fake}
	b.Now = func() time.Time { return dumpTime }
	b.addAll(t, fake)
	b.fillRest(t)
	b.fillSupport(t)
	b.fillMessages(t)
	b.fillAccounts(t)
	lines := strings.Join(b.containers(t), "\n") + "\n"
	b.interrupt(t)
	b.end()
	testkit.WriteDump(t, dumps, *dumpName, filepath.Join(filepath.Dir(b.Exports), "db"))
	if err := os.WriteFile(filepath.Join(dumps, *dumpName+".containers"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
}

// addAll adds an app with all its jobs, and every recipe of the catalogue as
// far as the store sees of it.
func (b *box) addAll(t *testing.T, fake *enginetest.Fake) {
	t.Helper()
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	job, err = b.Restart(t.Context(), "echo")
	b.follow(t, job, err)
	job, err = b.Stop(t.Context(), "echo")
	b.follow(t, job, err)
	fake.FailNext("CreateVolume", errors.New("no luck"))
	job, err = b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Name: "unlucky", Host: "unlucky.demo.coop"})
	b.follow(t, job, err)
	b.Catalogue = recipes.Embedded()
	for _, r := range b.Catalogue.All() {
		in, _, err := b.prepare(t.Context(), appliance.AddApp{Recipe: r.Name, Host: r.Name + ".demo.coop", Settings: b.testAnswers(r.Name)})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(b.record(t.Context(), in), b.fetch(t.Context(), in, appliance.Quiet{}), b.activateNewest(t.Context(), in.Install.Name),
			b.store.SetOwner(t.Context(), in.Install.Name, true), b.store.MarkSigninShown(t.Context(), in.Install.Name))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// interrupt leaves an app that a killed agent was adding.
func (b *box) interrupt(t *testing.T) {
	t.Helper()
	in, _, err := b.prepare(t.Context(), appliance.AddApp{Recipe: "radicale", Name: "interrupted", Host: "late.demo.coop", Settings: b.testAnswers("radicale")})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := b.addSteps(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	rec := jobs.Record{Input: input, Job: appliance.Job{Kind: "add", Subject: "app:interrupted", State: appliance.JobRunning, Created: dumpTime}}
	for _, s := range steps {
		rec.Steps = append(rec.Steps, appliance.JobStep{Name: cmp.Or(s.Name, string(s.Code)), Code: s.Code, Args: s.Args, State: appliance.StepTodo})
	}
	if rec.ID, err = b.store.CreateJob(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	rec.Steps[0].State, rec.Steps[0].Started, rec.Steps[0].Finished = appliance.StepDone, dumpTime, dumpTime
	rec.Steps[1].State, rec.Steps[1].Started = appliance.StepRunning, dumpTime
	err = errors.Join(b.record(t.Context(), in), b.store.Save(t.Context(), rec, 0), b.store.Save(t.Context(), rec, 1))
	if err != nil {
		t.Fatal(err)
	}
}

// fillRest records names, sites, findings and settings.
func (b *box) fillRest(t *testing.T) {
	t.Helper()
	ctx, s := t.Context(), b.store
	err := errors.Join(
		s.ReplaceZone(ctx, names.StoredZone{
			Name: "demo.coop", Serial: 2026112301, TTL: 3600, NS: []string{"ns1.demo.coop."}, Primary: "ns1.demo.coop.", Mailbox: "hostmaster.demo.coop.",
			Refresh: 3600, Retry: 600, Expire: 1209600, Minimum: 300,
			Records: []appliance.Record{
				{Name: "ns1.demo.coop.", Type: "A", TTL: 3600, Data: "192.0.2.7", Owner: "zone"},
				{Name: "echo.demo.coop.", Type: "A", TTL: 3600, Data: "192.0.2.7", Owner: "app:echo"},
				{Name: "demo.coop.", Type: "TXT", TTL: 300, Data: `"v=spf1 -all"`, Owner: "you"},
			},
		}),
		s.PutSite(ctx, sites.StoredSite{
			Host: "www.demo.coop", Published: 2, Last: 3,
			Versions: []sites.Version{{Number: 2, Files: 3, Bytes: 4096, Created: dumpTime}, {Number: 3, Files: 3, Bytes: 4097, Created: dumpTime, Warnings: []string{"index.html has no title"}}},
		}),
		s.AddAddress(ctx, appliance.Address{Host: "www.demo.coop", Kind: appliance.ToSite}),
		s.AddAddress(ctx, appliance.Address{Host: "old.demo.coop", Kind: appliance.ToRedirect, Target: "https://www.demo.coop"}),
		s.SaveFindings(ctx, []appliance.Finding{{
			Code: "DISK-NEARLY-FULL", Subject: "disk:/var/lib/coopkit", Severity: appliance.Warning, What: "the disk is nearly full", Why: "5% are free",
			Next: []string{"df -h"}, Who: appliance.You, Since: dumpTime, Hides: []string{"APP-DOWN app:echo"}, Args: map[string]string{"free_bytes": "1048576"},
		}}),
		s.KeepDay(ctx, appliance.Day{Date: "2026-11-23", Looked: true, Worst: map[string]appliance.Severity{"app:echo": appliance.Critical}}),
		s.SaveUsage(ctx, []appliance.UsageSlot{{Span: appliance.LastDay, Begins: dumpTime, Of: map[appliance.InstallName][appliance.Measures]appliance.UsageRange{
			"": {{Mean: 2e9, Min: 1e9, Max: 3e9}, {Mean: 0.2, Min: 0.1, Max: 0.3}, appliance.Unmeasured}, "echo": {{Mean: 2e7, Min: 1e7, Max: 3e7}, appliance.Unmeasured, appliance.Unmeasured},
		}}}),
		s.SaveSettings(ctx, map[string]string{"coop": "Café «Común»", "box": "office", "language": "es"}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// fillMessages records the mail server, one of before, and a person with a
// message that was sent and one that waits.
func (b *box) fillMessages(t *testing.T) {
	t.Helper()
	ctx, s := t.Context(), b.store
	relay := appliance.Relay{Host: "mail.demo.coop", Port: 465, Security: "tls", User: "box@demo.coop", Password: "made-up-password", From: "box@demo.coop"}
	before := relay
	before.Host = "old.demo.coop"
	ana := notify.Recipient{Person: "p1", Least: appliance.Warning, Quiet: appliance.Hours{On: true, From: 1260, Until: 420}, Added: dumpTime, WeeklyAt: dumpTime}
	wrong := &problem.Problem{Code: "delivery-later", Kind: problem.Unavailable, What: "not yet", Next: []string{"wait"}}
	post := notify.Post{
		Person: "p1", Kind: appliance.ByMail, Causes: []string{"DISK-NEARLY-FULL disk:/"}, Due: dumpTime,
		Message: deliver.Message{ID: "m-1", At: dumpTime, Subject: "s", Text: "t\n", Data: json.RawMessage(`{}`)},
	}
	sent := post
	sent.Message.ID, sent.Sent, sent.Tries = "m-0", dumpTime, 1
	post.Problem, post.Tries = wrong, 2
	err := errors.Join(
		s.SaveRelays(ctx, &relay, &before), s.SaveWishes(ctx, ana),
		s.SaveChannel(ctx, notify.Channel{Person: "p1", Code: "123456", Channel: appliance.Channel{Kind: appliance.ByMail, To: "ana@demo.coop", Asked: dumpTime, Failing: dumpTime, Problem: wrong}}),
		s.Say(ctx, ana, []notify.Told{{Person: "p1", Cause: post.Causes[0], Severity: appliance.Warning, Open: true, Said: true, At: dumpTime, Thread: "m-0"}}, []notify.Post{sent, post}),
		s.SavePost(ctx, sent), s.SavePost(ctx, post),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// fillSupport records the link to a desk, with an outbox half of which was
// sent.
func (b *box) fillSupport(t *testing.T) {
	t.Helper()
	ctx, s := t.Context(), b.store
	told := support.Told{Facts: "{}", Findings: []wire.Finding{{FindingName: wire.FindingName{Code: "DISK-NEARLY-FULL"}, Severity: "warning", What: "x"}}}
	key := make([]byte, 64)
	err := errors.Join(
		s.SaveDeskLink(ctx, support.Link{
			URL: "https://desk.example", Pin: []byte{1, 2}, DeskKey: key[:32], Box: "box000000001", Key: key, Secret: [32]byte{3},
			Name: "Desk", Coop: "Café «Común»", Words: [4]string{"maple", "lantern", "otter", "harvest"}, Joined: dumpTime,
			State: appliance.DeskLinked, Period: time.Minute, Told: told,
		}),
		s.SetDeskState(ctx, appliance.DeskRefused, &problem.Problem{Code: "desk-refuses", What: "the desk refuses", Next: []string{"ask it"}}),
		s.Tell(ctx, []support.Item{
			{Kind: "facts", At: dumpTime, Body: `{"n":1}`}, {Kind: "finding", At: dumpTime, Body: `{"n":2}`}, {Kind: "sample", At: dumpTime, Body: `{"n":3}`},
		}, told, support.Keep{Samples: 100, Bytes: 1 << 20}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Freeze(ctx, func([]support.Item) int { return 2 }); err != nil {
		t.Fatal(err)
	}
}

// fillAccounts records a person with a session, a token, and one who guessed.
func (b *box) fillAccounts(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	s := signin.New(signin.Deps{Store: b.store.Signin(), Now: b.Now, Log: slog.New(slog.DiscardHandler), Cookie: "coopkit"})
	amara, err := s.AddPerson(ctx, signin.NewPerson{Name: "amara", Display: "Amara", Language: "fr", Password: "maple lantern otter"})
	if err != nil {
		t.Fatal(err)
	}
	from := signin.Client{Addr: netip.MustParseAddr("192.0.2.9"), Browser: "Firefox"}
	_, _, signedIn := s.SignIn(ctx, "amara", "maple lantern otter", from)
	_, tokenErr := s.NewToken(ctx, amara.ID, time.Hour)
	_, _, wrong := s.SignIn(ctx, "bo", "not the password", from)
	if err := errors.Join(signedIn, tokenErr); err != nil || !errors.Is(wrong, &problem.Problem{Code: "signin-wrong"}) {
		t.Fatal(err, wrong)
	}
	if people, err := s.People(ctx); err != nil || !slices.ContainsFunc(people, func(p signin.Person) bool { return p.Name == "amara" }) {
		t.Fatal(people, err)
	}
}
