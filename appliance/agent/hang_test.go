// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// silent is an engine that takes every question and answers none.
func silent(t *testing.T) (address string) {
	t.Helper()
	path := t.TempDir() + "/engine.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		var held []net.Conn // until the end of the test, so that nobody hangs up
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, c)
		}
	}()
	return "unix://" + path
}

// TestAgent_anEngineThatHangsHoldsNoPage: whatever a person looks at comes in
// time, and says that the engine does not answer.
func TestAgent_anEngineThatHangsHoldsNoPage(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Engine = silent(t)
	r := run(t, cfg)
	for i, name := range []string{"one", "two"} {
		seedApp(t, r.agent.backend.store, name, 10+i)
	}
	in := func(limit time.Duration, what string, do func() error) {
		t.Run(what, func(t *testing.T) {
			t.Parallel() // beside each other, as the reconciler and people are
			began := time.Now()
			if err := do(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > limit {
				t.Errorf("it took %s", took)
			}
		})
	}
	ctx := t.Context()
	page, plan := engine.Glance+time.Second, engine.Answer+time.Second
	in(page, "status", func() error {
		s, err := r.Box.Status(ctx)
		if err == nil && s.Engine != "does not answer" {
			return errors.New(s.Engine)
		}
		return err
	})
	in(page, "list", func() error {
		apps, err := r.Apps.List(ctx)
		if err == nil && (len(apps) != 2 || apps[0].State != "unknown" || apps[1].State != "unknown") {
			return errors.New("the states are known")
		}
		return err
	})
	in(page, "show", func() error { _, err := r.Apps.Show(ctx, "one"); return err })
	in(page, "host", func() error { _, err := r.Box.Host(ctx); return err })
	unreachable := func(err error) error {
		if !errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) {
			return errors.Join(errors.New("not engine-unreachable"), err)
		}
		return nil
	}
	in(plan, "plan of a removal", func() error {
		_, err := r.Apps.PlanRemove(ctx, appliance.RemoveApp{Name: "one"})
		return unreachable(err)
	})
	in(plan, "plan of an add", func() error {
		_, err := r.Apps.PlanAdd(ctx, appliance.AddApp{Recipe: "dokuwiki", Name: "three", Host: "three.demo.coop", Settings: map[string]string{"email": "amara@demo.coop"}})
		return unreachable(err)
	})
	in(plan, "logs", func() error {
		return unreachable(r.agent.backend.apps.Logs(ctx, appliance.AppLogs{Name: "one", Tail: 1}, new(strings.Builder)))
	})
	in(plan+10*time.Second, "doctor", func() error {
		report, err := r.Health.Now(ctx)
		if err == nil && !slices.ContainsFunc(report.Findings, func(f appliance.Finding) bool { return f.Code == "ENGINE-UNREACHABLE" }) {
			return errors.New("the doctor does not say that the engine hangs")
		}
		return err
	})
}
