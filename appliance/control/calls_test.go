// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/control"
	"coopkit/appliance/engine/enginetest"
	"coopkit/desk/desktest"
	"coopkit/internal/problem"
)

// call is one call with what the agent says to it; an answer that is empty is
// an error.
type call struct {
	name string
	do   func(ctx context.Context, a control.Agent) error
}

func says[T any](v T, err error) error {
	if err == nil && reflect.ValueOf(&v).Elem().IsZero() {
		return errors.New("the answer is empty")
	}
	return err
}

// appCalls and the others make every call in an order in which each succeeds on
// a new box.
var appCalls = []call{
	{"Recipes.List", func(ctx context.Context, a control.Agent) error { return says(a.Recipes.List(ctx)) }},
	{"Recipes.Show", func(ctx context.Context, a control.Agent) error { return says(a.Recipes.Show(ctx, "wordpress")) }},
	{"Recipes.Test", func(ctx context.Context, a control.Agent) error {
		return says(a.Recipes.Test(ctx, appliance.TestRecipe{Name: "radicale", Images: appliance.FromDebian}))
	}},
	{"Recipes.RefreshImages", func(ctx context.Context, a control.Agent) error { return says(a.Recipes.RefreshImages(ctx)) }},
	{"Apps.PlanAdd", func(ctx context.Context, a control.Agent) error { return says(a.Apps.PlanAdd(ctx, blog)) }},
	{"Apps.Add", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Add(ctx, blog)) }},
	{"Apps.List", func(ctx context.Context, a control.Agent) error { return says(a.Apps.List(ctx)) }},
	{"Apps.Show", func(ctx context.Context, a control.Agent) error {
		app, err := a.Apps.Show(ctx, "blog")
		if err == nil && app.Settings["title"] != blog.Settings["title"] {
			err = fmt.Errorf("the title is %q", app.Settings["title"])
		}
		return err
	}},
	{"Box.Reach", func(ctx context.Context, a control.Agent) error {
		return says(a.Box.Reach(ctx, appliance.AskReach{Fresh: true}))
	}},
	{"Apps.Stop", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Stop(ctx, "blog")) }},
	{"Apps.Start", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Start(ctx, "blog")) }},
	{"Apps.Retitle", func(ctx context.Context, a control.Agent) error {
		return says(a.Apps.Retitle(ctx, appliance.RetitleApp{Name: "blog", Title: "Our blog"}))
	}},
	{"Apps.Restart", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Restart(ctx, "blog")) }},
	{"Apps.Logs", func(ctx context.Context, a control.Agent) error {
		var w strings.Builder
		err := a.Apps.Logs(ctx, appliance.AppLogs{Name: "blog", Service: "app", Tail: 2}, &w)
		if err == nil && w.String() != "app | two\napp | three\n" {
			err = fmt.Errorf("it said %q", w.String())
		}
		return err
	}},
	{"Apps.Signin", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Signin(ctx, "blog")) }},
	{"Apps.ShowSignin", func(ctx context.Context, a control.Agent) error { return says(a.Apps.ShowSignin(ctx, "blog")) }},
	{"Apps.MarkSigninShown", func(ctx context.Context, a control.Agent) error { return a.Apps.MarkSigninShown(ctx, "blog") }},
	{"Apps.PlanExport", func(ctx context.Context, a control.Agent) error {
		return says(a.Apps.PlanExport(ctx, appliance.ExportApp{Name: "blog"}))
	}},
	{"Apps.Export", func(ctx context.Context, a control.Agent) error {
		return says(a.Apps.Export(ctx, appliance.ExportApp{Name: "blog"}))
	}},
	{"Apps.Copies", func(ctx context.Context, a control.Agent) error { return says(a.Apps.Copies(ctx)) }},
	{"Apps.Copy", func(ctx context.Context, a control.Agent) error { return a.Apps.Copy(ctx, "blog", io.Discard) }},
	{"Apps.PlanRemove", func(ctx context.Context, a control.Agent) error {
		return says(a.Apps.PlanRemove(ctx, appliance.RemoveApp{Name: "blog"}))
	}},
	{"Apps.Remove", func(ctx context.Context, a control.Agent) error {
		return says(a.Apps.Remove(ctx, appliance.RemoveApp{Name: "blog", NoExport: true}))
	}},
}

// blog has a title that is no ASCII.
var blog = appliance.AddApp{
	Recipe: "wordpress", Name: "blog", Host: "www.demo.coop", Settings: map[string]string{"title": "Café «Común»", "email": "a@demo.coop"},
}

var jobCalls = []call{
	{"Jobs.List", func(ctx context.Context, a control.Agent) error {
		all, err := a.Jobs.List(ctx, 0)
		if err == nil && len(all) < 3 {
			err = fmt.Errorf("%d jobs", len(all))
		}
		two, err2 := a.Jobs.List(ctx, 2)
		if err2 == nil && len(two) != 2 {
			err2 = fmt.Errorf("%d jobs, asked for 2", len(two))
		}
		return errors.Join(err, err2)
	}},
	{"Jobs.Job", func(ctx context.Context, a control.Agent) error { return says(a.Jobs.Job(ctx, 3)) }},
	{"Jobs.Stop", func(ctx context.Context, a control.Agent) error {
		return refused(a.Jobs.Stop(ctx, 3), "job-over")
	}},
	{"Jobs.Finish", func(ctx context.Context, a control.Agent) error {
		return refused(a.Jobs.Finish(ctx, 3), "job-over")
	}},
	{"Jobs.Follow", func(ctx context.Context, a control.Agent) error {
		first := int64(0)
		err := a.Jobs.Follow(ctx, 3, 4, func(e appliance.JobEvent) error { first = cmp.Or(first, e.Seq); return nil })
		if err == nil && first != 5 {
			err = fmt.Errorf("the first event is %d", first)
		}
		return err
	}},
}

// refused is nil if err is the Problem with that code.
func refused(err error, code string) error {
	if errors.Is(err, &problem.Problem{Code: code}) {
		return nil
	}
	return fmt.Errorf("want %s: %w", code, cmp.Or(err, errors.New("it worked")))
}

var nameCalls = []call{
	{"Names.PlanAddZone", func(ctx context.Context, a control.Agent) error { return says(a.Names.PlanAddZone(ctx, cafe)) }},
	{"Names.AddZone", func(ctx context.Context, a control.Agent) error { return says(a.Names.AddZone(ctx, cafe)) }},
	{"Names.Zones", func(ctx context.Context, a control.Agent) error { return says(a.Names.Zones(ctx)) }},
	{"Names.Check", func(ctx context.Context, a control.Agent) error { return says(a.Names.Check(ctx, "www.cafe.example")) }},
	{"Names.CheckZone", func(ctx context.Context, a control.Agent) error { return says(a.Names.CheckZone(ctx, "cafe.example")) }},
	{"Names.PlanRemoveZone", func(ctx context.Context, a control.Agent) error { return says(a.Names.PlanRemoveZone(ctx, cafe)) }},
	{"Names.RemoveZone", func(ctx context.Context, a control.Agent) error {
		old := cafe
		old.PlanHash = "0000"
		if _, err := a.Names.RemoveZone(ctx, old); refused(err, "plan-changed") != nil {
			return err
		}
		return says(a.Names.RemoveZone(ctx, cafe))
	}},
	{"Names.Export", func(ctx context.Context, a control.Agent) error { return a.Names.Export(ctx, "demo.coop", io.Discard) }},
	{"Redirects.Add", func(ctx context.Context, a control.Agent) error {
		return says(a.Redirects.Add(ctx, appliance.Redirect{Host: "old.demo.coop", Target: "https://www.demo.coop/"}))
	}},
	{"Redirects.List", func(ctx context.Context, a control.Agent) error { return says(a.Redirects.List(ctx)) }},
	{"Redirects.Remove", func(ctx context.Context, a control.Agent) error {
		return says(a.Redirects.Remove(ctx, "old.demo.coop"))
	}},
}

var cafe = appliance.ZoneChange{Zone: "cafe.example"}

var siteCalls = []call{
	{"Sites.PlanPush", func(ctx context.Context, a control.Agent) error {
		return says(a.Sites.PlanPush(ctx, appliance.PushSite{Host: "demo.coop"}))
	}},
	{"Sites.Receive", func(ctx context.Context, a control.Agent) error {
		return says(a.Sites.Receive(ctx, "1/amara", siteTar("hello")))
	}},
	{"Sites.Draft", func(ctx context.Context, a control.Agent) error {
		d, err := a.Sites.Receive(ctx, "1/amara", siteTar("hello"))
		return errors.Join(err, says(a.Sites.Draft(ctx, d.ID)))
	}},
	{"Sites.DropDraft", func(ctx context.Context, a control.Agent) error { return a.Sites.DropDraft(ctx, "gone") }},
	{"Sites.Push", func(ctx context.Context, a control.Agent) error {
		_, err := agenttest.PushSite(ctx, a.Sites, "demo.coop", siteTar("hello"))
		return errors.Join(err, says(agenttest.PushSite(ctx, a.Sites, "demo.coop", siteTar("hello again"))))
	}},
	{"Sites.Export", func(ctx context.Context, a control.Agent) error { return a.Sites.Export(ctx, "demo.coop", io.Discard) }},
	{"Sites.List", func(ctx context.Context, a control.Agent) error { return says(a.Sites.List(ctx)) }},
	{"Sites.Versions", func(ctx context.Context, a control.Agent) error { return says(a.Sites.Versions(ctx, "demo.coop")) }},
	{"Sites.Rollback", func(ctx context.Context, a control.Agent) error {
		return says(a.Sites.Rollback(ctx, appliance.RollbackSite{Host: "demo.coop", Version: 1}))
	}},
	{"Sites.PlanRemove", func(ctx context.Context, a control.Agent) error {
		return says(a.Sites.PlanRemove(ctx, appliance.RemoveSite{Host: "demo.coop"}))
	}},
	{"Sites.Remove", func(ctx context.Context, a control.Agent) error {
		return says(a.Sites.Remove(ctx, appliance.RemoveSite{Host: "demo.coop"}))
	}},
}

var boxCalls = []call{
	{"Box.Status", func(ctx context.Context, a control.Agent) error { return says(a.Box.Status(ctx)) }},
	{"Box.Certificates", func(ctx context.Context, a control.Agent) error { return says(a.Box.Certificates(ctx)) }},
	{"Box.Host", func(ctx context.Context, a control.Agent) error { return says(a.Box.Host(ctx)) }},
	{"Box.SaveSettings", func(ctx context.Context, a control.Agent) error {
		return a.Box.SaveSettings(ctx, appliance.Settings{Coop: "Café «Común»", Box: "shop", Language: "es"})
	}},
	{"Box.Settings", func(ctx context.Context, a control.Agent) error { return says(a.Box.Settings(ctx)) }},
	{"Box.ConsoleAccess", func(ctx context.Context, a control.Agent) error {
		_, err := a.Box.ConsoleAccess(ctx)
		return refused(err, "console-off")
	}},
	{"Metrics.Access", func(ctx context.Context, a control.Agent) error {
		got, err := a.Metrics.Access(ctx)
		if err == nil && got.Allowed {
			err = errors.New("nobody allowed it")
		}
		return err
	}},
	{"Metrics.Allow", func(ctx context.Context, a control.Agent) error {
		_, err := a.Metrics.Allow(ctx)
		return refused(err, "console-off")
	}},
	{"Metrics.Revoke", func(ctx context.Context, a control.Agent) error { return a.Metrics.Revoke(ctx) }},
	{"Metrics.Write", func(ctx context.Context, a control.Agent) error {
		var b strings.Builder
		err := a.Metrics.Write(ctx, &b)
		if err == nil && !strings.Contains(b.String(), "coopkit_build_info") {
			err = errors.New("it has no metrics")
		}
		return err
	}},
	{"Usage.Usage", func(ctx context.Context, a control.Agent) error {
		if _, err := a.Usage.Usage(ctx, appliance.AskUsage{Span: "year"}); refused(err, "usage-span-unknown") != nil {
			return err
		}
		return says(a.Usage.Usage(ctx, appliance.AskUsage{Span: appliance.LastHour}))
	}},
	{"Health.Now", func(ctx context.Context, a control.Agent) error { return says(a.Health.Now(ctx)) }},
	{"Health.Shown", func(ctx context.Context, a control.Agent) error { return says(a.Health.Shown(ctx)) }},
	{"Health.Week", func(ctx context.Context, a control.Agent) error { return says(a.Health.Week(ctx)) }},
}

// messageCalls send nothing: nobody has an account on this box.
var messageCalls = []call{
	{"Messages.TestRelay", func(ctx context.Context, a control.Agent) error {
		return refused(a.Messages.TestRelay(ctx, appliance.TestMail{To: "ana@example.org"}), "relay-none")
	}},
	{"Messages.SetRelay", func(ctx context.Context, a control.Agent) error {
		return a.Messages.SetRelay(ctx, appliance.Relay{Host: "mail.example.org", Security: "tls", User: "box", Password: "secret", From: "box@example.org"})
	}},
	{"Messages.Relay", func(ctx context.Context, a control.Agent) error {
		r, err := a.Messages.Relay(ctx)
		if r.Password != "" || !r.HasPassword || r.Port != 465 {
			err = errors.Join(err, fmt.Errorf("the setting is %+v", r))
		}
		return err
	}},
	{"Messages.RemoveRelay", func(ctx context.Context, a control.Agent) error { return a.Messages.RemoveRelay(ctx) }},
	{"Messages.UndoRelay", func(ctx context.Context, a control.Agent) error { return a.Messages.UndoRelay(ctx) }},
	{"Messages.Receivers", func(ctx context.Context, a control.Agent) error {
		all, err := a.Messages.Receivers(ctx)
		if len(all) != 0 {
			err = errors.Join(err, fmt.Errorf("there is %+v", all))
		}
		return err
	}},
	{"Messages.SetWishes", func(ctx context.Context, a control.Agent) error {
		return refused(a.Messages.SetWishes(ctx, appliance.Wishes{Person: "ana", Least: appliance.Critical}), "receiver-unknown")
	}},
	{"Messages.SetChannel", func(ctx context.Context, a control.Agent) error {
		_, err := a.Messages.SetChannel(ctx, appliance.ChannelChange{Person: "ana", Kind: appliance.ByMail, To: "ana@example.org"})
		return refused(err, "receiver-unknown")
	}},
	{"Messages.TestChannel", func(ctx context.Context, a control.Agent) error {
		_, err := a.Messages.TestChannel(ctx, appliance.ChannelCode{Person: "ana", Kind: appliance.ByMail})
		return refused(err, "receiver-unknown")
	}},
	{"Messages.ProveChannel", func(ctx context.Context, a control.Agent) error {
		return refused(a.Messages.ProveChannel(ctx, appliance.ChannelCode{Person: "ana", Kind: appliance.ByMail, Code: "123456"}), "receiver-unknown")
	}},
	{"Messages.Outgoing", func(ctx context.Context, a control.Agent) error {
		all, err := a.Messages.Outgoing(ctx)
		if len(all) != 0 {
			err = errors.Join(err, fmt.Errorf("there is %+v", all))
		}
		return err
	}},
}

func deskCalls(code string) []call {
	return []call{
		{"Desk.PlanJoin", func(ctx context.Context, a control.Agent) error {
			return says(a.Desk.PlanJoin(ctx, appliance.JoinDesk{Code: code}))
		}},
		{"Desk.Join", func(ctx context.Context, a control.Agent) error {
			return says(a.Desk.Join(ctx, appliance.JoinDesk{Code: code}))
		}},
		{"Desk.Status", func(ctx context.Context, a control.Agent) error { return says(a.Desk.Status(ctx)) }},
		{"Desk.Preview", func(ctx context.Context, a control.Agent) error { return says(a.Desk.Preview(ctx)) }},
		{"Desk.Leave", func(ctx context.Context, a control.Agent) error { return a.Desk.Leave(ctx) }},
	}
}

// TestClient_everyCall makes every call through the socket of a whole agent.
func TestClient_everyCall(t *testing.T) {
	box := agenttest.New(t)
	box.Engine.Behave("app", enginetest.Behaviour{Logs: []string{"one", "two", "three"}})
	made := map[string]bool{}
	for _, c := range slices.Concat(appCalls, jobCalls, nameCalls, siteCalls, boxCalls, messageCalls, deskCalls(desktest.New(t).Invite(true).String())) {
		made[c.name] = true
		if err := c.do(t.Context(), box.Agent()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for area := range reflect.TypeFor[control.Agent]().Fields() {
		for m := range area.Type.Methods() {
			if !made[area.Name+"."+m.Name] {
				t.Errorf("no call of %s.%s", area.Name, m.Name)
			}
		}
	}
}
