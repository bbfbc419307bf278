// SPDX-License-Identifier: AGPL-3.0-or-later

package controltest

import (
	"context"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// Invitation is a code that the fake's desk takes; it takes no other.
const Invitation = "https://desk.example/join#ck1.demo"

// Token is what the fake's console lets people in with.
const Token = "7c3d-9f21-4be8" //nolint:gosec // not a secret

// SetDesk makes the link to the desk so.
func (f *Fake) SetDesk(l appliance.DeskLink) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.desk = l
}

// Host implements control.Backend.
func (f fakeBox) Host(ctx context.Context) (appliance.Host, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Host"); err != nil {
		return appliance.Host{}, err
	}
	return appliance.Host{
		Name: "box", System: "Debian 12", Kernel: "6.1.0-41-amd64", Arch: "amd64", CPUs: 2,
		UptimeS: 12 * 24 * 3600, Load: 0.21, MemoryBytes: 4 << 30, MemoryUsed: 1 << 30, DiskBytes: 80 << 30, DiskUsed: 23 << 30,
	}, nil
}

// Settings implements control.Backend.
func (f fakeBox) Settings(ctx context.Context) (appliance.Settings, error) {
	defer f.mu.Unlock()
	return f.settings, f.enter(ctx, "Settings")
}

// SaveSettings implements control.Backend.
func (f fakeBox) SaveSettings(ctx context.Context, s appliance.Settings) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "SaveSettings"); err != nil {
		return err
	}
	if !slices.Contains([]string{"en", "es", "fr"}, s.Language) {
		return fault("settings-invalid", problem.Invalid, "the box does not speak that language", "choose en, es or fr")
	}
	f.settings = s
	return nil
}

// Desk implements control.Backend.
func (f fakeDesk) Status(ctx context.Context) (appliance.DeskLink, error) {
	defer f.mu.Unlock()
	return f.desk, f.enter(ctx, "Desk")
}

// PlanJoinDesk implements control.Backend.
func (f fakeDesk) PlanJoin(ctx context.Context, req appliance.JoinDesk) (appliance.Plan, error) {
	code := req.Code
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanJoinDesk"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planJoin(code)
}

func (f *Fake) planJoin(code string) (appliance.Plan, error) {
	if f.desk.State != appliance.DeskNone {
		return appliance.Plan{}, fault("desk-joined-already", problem.Conflict, "this box has joined the support desk at https://desk.example already", "coopkit support status")
	}
	if strings.TrimSpace(code) != Invitation {
		return appliance.Plan{}, fault("invitation-unreadable", problem.Invalid, "this is not an invitation that can be read", "copy the whole code")
	}
	return appliance.Plan{
		Kind: appliance.ChangeJoin, Subject: "desk:https://desk.example",
		Lines: []appliance.Line{
			{Verb: appliance.VerbCreate, Kind: appliance.KindLink, Name: "https://desk.example"},
			{Verb: appliance.VerbSend, Kind: appliance.KindNames},
			{Verb: appliance.VerbSend, Kind: appliance.KindApps},
			{Verb: appliance.VerbSend, Kind: appliance.KindSites},
			{Verb: appliance.VerbSend, Kind: appliance.KindCertificates},
			{Verb: appliance.VerbSend, Kind: appliance.KindFindings},
		},
		Notes:   []appliance.Note{{Code: appliance.NoteDeskListens}},
		WayBack: appliance.Note{Code: appliance.BackLeave, Command: "coopkit support leave"},
	}.Seal(), nil
}

// JoinDesk implements control.Backend.
func (f fakeDesk) Join(ctx context.Context, req appliance.JoinDesk) (appliance.DeskLink, error) {
	code, planHash := req.Code, req.PlanHash
	defer f.mu.Unlock()
	if err := f.enter(ctx, "JoinDesk"); err != nil {
		return appliance.DeskLink{}, err
	}
	p, err := f.planJoin(code)
	if err != nil {
		return appliance.DeskLink{}, err
	}
	if err := p.Agreed(planHash); err != nil {
		return appliance.DeskLink{}, err
	}
	f.desk = appliance.DeskLink{
		State: appliance.DeskPending, URL: "https://desk.example", Name: "Demo desk", Coop: "Demo Co-op", Box: "k7m2p9x4q1w8",
		KeyFingerprint: "4f1c 9a02 77de 13b5", Words: [4]string{"maple", "lantern", "otter", "harvest"},
		Joined: f.now, LastTried: f.now, NextTry: f.now.Add(time.Minute), Waiting: 2,
	}
	return f.desk, nil
}

// LeaveDesk implements control.Backend.
func (f fakeDesk) Leave(ctx context.Context) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "LeaveDesk"); err != nil {
		return err
	}
	if f.desk.State == appliance.DeskNone {
		return notJoined()
	}
	f.desk = appliance.DeskLink{State: appliance.DeskNone}
	return nil
}

func notJoined() error {
	return fault("desk-not-joined", problem.Conflict, "this box has not joined a support desk", "coopkit support join <code>")
}

// DeskPreview implements control.Backend.
func (f fakeDesk) Preview(ctx context.Context) (string, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "DeskPreview"); err != nil {
		return "", err
	}
	if f.desk.State == appliance.DeskNone {
		return "", notJoined()
	}
	return "{\n  \"v\": 1,\n  \"box\": \"k7m2p9x4q1w8\",\n  \"entries\": []\n}\n", nil
}

// ConsoleAccess implements control.Backend.
func (f fakeBox) ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "ConsoleAccess"); err != nil {
		return appliance.ConsoleAccess{}, err
	}
	return appliance.ConsoleAccess{URL: "https://box.example:8420/", Token: Token, Expires: f.now.Add(15 * time.Minute)}, nil
}
