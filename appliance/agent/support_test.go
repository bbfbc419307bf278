// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/desk"
	"coopkit/desk/desktest"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// TestAgent_reportsToADesk: a whole agent joins a real desk; its site, its
// findings (there is no engine) and its settings are seen there, also after a
// restart, until it leaves.
func TestAgent_reportsToADesk(t *testing.T) {
	t.Parallel()
	d, cfg := desktest.New(t), config(t)
	r := run(t, cfg)
	job, err := push(t.Context(), r.Sites, "demo.coop", page(t, "hello"))
	r.done(t, job, err)
	if err := r.Box.SaveSettings(t.Context(), appliance.Settings{Coop: "Café «Común»", Box: "shop", Language: "es"}); err != nil {
		t.Fatal(err)
	}
	code := d.Invite(true).String()
	plan, err := r.Desk.PlanJoin(t.Context(), appliance.JoinDesk{Code: code})
	if err != nil || !strings.Contains(plan.Subject, d.URL()) {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	link, err := r.Desk.Join(t.Context(), appliance.JoinDesk{Code: code, PlanHash: plan.Hash})
	if err != nil {
		t.Fatal(err)
	}
	id := wire.BoxID(link.Box)
	testkit.Eventually(t, 10*time.Second, "the first report arrives", func() bool { return d.Box(id).Entries > 0 })
	there := d.Box(id)
	if f := there.Facts; f.Coop != "Café «Común»" || f.Name != "shop" || f.Language != "es" || f.Sites[0].Host != "demo.coop" || f.System == "" || f.CPUs == 0 {
		t.Errorf("facts %+v", f)
	}
	if there.Words != link.Words || there.Sample.Memory == 0 || there.Sample.DiskUsed == 0 {
		t.Errorf("the desk knows %+v", there)
	}
	text, err := r.Desk.Preview(t.Context())
	if err != nil || !strings.Contains(text, `"box": "`+link.Box+`"`) {
		t.Errorf("preview %s, %v", text, err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r = run(t, cfg)
	if l, err := r.Desk.Status(t.Context()); err != nil || l.Box != link.Box || l.State != appliance.DeskLinked || l.Words != link.Words || l.LastSent.IsZero() {
		t.Errorf("after a restart %+v, %v", l, err)
	}
	if err := r.Desk.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, err := r.Desk.Status(t.Context()); err != nil || l.State != appliance.DeskNone || d.Box(id).State != desk.BoxLeft {
		t.Errorf("after it left: here %+v, %v; there %s", l, err, d.Box(id).State)
	}
	if _, err := r.Box.ConsoleAccess(t.Context()); !errors.Is(err, &problem.Problem{Code: "console-off"}) {
		t.Errorf("access to a console that is not there: %v", err)
	}
}

func TestUpOf_whatWasStoppedIsNotDown(t *testing.T) {
	app := func(wanted appliance.Wanted, state string) appliance.App {
		return appliance.App{Install: appliance.Install{Wanted: wanted}, State: state}
	}
	should, do := upOf([]appliance.App{app(appliance.WantRunning, "running"), app(appliance.WantRunning, "failing"), app(appliance.WantStopped, "stopped")})
	if should != 2 || do != 1 {
		t.Errorf("%d should run and %d do, want 2 and 1", should, do)
	}
}

func TestWorst_isNotKnownBeforeTheFirstLook(t *testing.T) {
	warning := []appliance.Finding{{Severity: appliance.Warning}}
	if got := worst(appliance.Report{}); got != nil {
		t.Errorf("before the first look: %v", *got)
	}
	if got := worst(appliance.Report{At: time.Now()}); got == nil || *got != appliance.OK {
		t.Errorf("after a look that found nothing: %v", got)
	}
	if got := worst(appliance.Report{Findings: warning}); got == nil || *got != appliance.Warning {
		t.Errorf("before the first look, with what was known before the start: %v", got)
	}
}
