// SPDX-License-Identifier: AGPL-3.0-or-later

// Package control is the local HTTP API over the agent's unix socket, and its
// client; the CLI and the tests use the same client. It declares what it needs
// of the agent as the Backend interface and knows nothing of how that is done.
// Its tests run every call against a fake Backend over a real socket.
package control

import (
	"context"
	"io"

	"coopkit/appliance"
	"coopkit/recipes"
)

// Backend is what the agent does for the CLI, the console and the tests. Every
// error that a person can act on is a *problem.Problem. Calls that start a
// change return its job at once; the change goes on when the caller leaves.
type Backend interface {
	Status(ctx context.Context) (appliance.Status, error)
	// Doctor looks at everything now, which takes as long as it takes.
	Doctor(ctx context.Context) (appliance.Report, error)
	// Week returns the last seven days, today last.
	Week(ctx context.Context) ([]appliance.Day, error)
	// Findings returns at once what the checks found that run all the time; At
	// is when the newest of them looked, the zero time before the first.
	Findings(ctx context.Context) (appliance.Report, error)

	Recipes(ctx context.Context) ([]*recipes.Recipe, error)
	Recipe(ctx context.Context, name string) (*recipes.Recipe, error)
	TestRecipe(ctx context.Context, name string, images appliance.ImageSource) (appliance.Job, error)
	RefreshImages(ctx context.Context) (appliance.Job, error)

	Apps(ctx context.Context) ([]appliance.App, error)
	App(ctx context.Context, name string) (appliance.App, error)
	PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error)
	Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error)
	PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error)
	Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error)
	Start(ctx context.Context, name string) (appliance.Job, error)
	Stop(ctx context.Context, name string) (appliance.Job, error)
	Restart(ctx context.Context, name string) (appliance.Job, error)
	Logs(ctx context.Context, name, service string, tail int, follow bool, w io.Writer) error
	Signin(ctx context.Context, name string) (appliance.Signin, error)
	// MarkSigninShown keeps that the console has shown the first sign-in of an
	// app. The error is a Problem "signin-shown" when it was marked before.
	MarkSigninShown(ctx context.Context, name string) error

	Jobs(ctx context.Context, limit int) ([]appliance.Job, error)
	Job(ctx context.Context, id appliance.JobID) (appliance.Job, error)
	// StopJob asks a job that runs to go back; it returns before that has happened.
	StopJob(ctx context.Context, id appliance.JobID) error
	// JobEvents calls each for every event after the given one, in order, until
	// the job has ended or ctx is done.
	JobEvents(ctx context.Context, id appliance.JobID, after int64, each func(appliance.JobEvent) error) error

	Names(ctx context.Context) ([]appliance.Zone, error)
	PlanAddName(ctx context.Context, zone string) (appliance.Plan, error)
	AddName(ctx context.Context, zone, planHash string) (appliance.Job, error)
	PlanRemoveName(ctx context.Context, zone string) (appliance.Plan, error)
	RemoveName(ctx context.Context, zone, planHash string) (appliance.Job, error)
	CheckName(ctx context.Context, host string) (appliance.NameCheck, error)
	// CheckZone looks up, as anybody would, who answers for a zone of this box.
	CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error)

	Sites(ctx context.Context) ([]appliance.Site, error)
	// PlanPush says what publishing files files with bytes bytes at host would do.
	PlanPush(ctx context.Context, host string, files int, bytes int64) (appliance.Plan, error)
	// Push publishes a tar stream as the next version of the site. It reads the
	// stream before it returns.
	Push(ctx context.Context, host string, tar io.Reader) (appliance.Job, error)
	SiteVersions(ctx context.Context, host string) ([]appliance.Site, error)
	RollbackSite(ctx context.Context, host string, version int) (appliance.Job, error)
	PlanRemoveSite(ctx context.Context, host string) (appliance.Plan, error)
	RemoveSite(ctx context.Context, host, planHash string) (appliance.Job, error)

	Redirects(ctx context.Context) ([]appliance.Address, error)
	AddRedirect(ctx context.Context, host, target string) (appliance.Job, error)
	RemoveRedirect(ctx context.Context, host string) (appliance.Job, error)

	Certificates(ctx context.Context) ([]appliance.Certificate, error)

	Host(ctx context.Context) (appliance.Host, error)
	Settings(ctx context.Context) (appliance.Settings, error)
	// SaveSettings keeps all of them. The error is a Problem "settings-invalid".
	SaveSettings(ctx context.Context, s appliance.Settings) error

	// Desk says how the link to the support desk is.
	Desk(ctx context.Context) (appliance.DeskLink, error)
	// PlanJoinDesk says which desk the code is of, and what would be sent to it.
	PlanJoinDesk(ctx context.Context, code string) (appliance.Plan, error)
	// JoinDesk uses the invitation and returns the link with its four words.
	JoinDesk(ctx context.Context, code, planHash string) (appliance.DeskLink, error)
	// LeaveDesk ends the link; it works without the desk.
	LeaveDesk(ctx context.Context) error
	// DeskPreview is the last report, or before the first the next one, as the
	// desk gets it, with line breaks for people.
	DeskPreview(ctx context.Context) (string, error)

	// ConsoleAccess lets a person into the console once. The error is a Problem
	// "console-off" where the agent serves none.
	ConsoleAccess(ctx context.Context) (appliance.ConsoleAccess, error)
}
