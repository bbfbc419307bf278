// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
)

// Apps are the installs on this box.
type Apps interface {
	List(ctx context.Context) ([]appliance.App, error)
	PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error)
	Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error)
	Show(ctx context.Context, name appliance.InstallName) (appliance.App, error)
	PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error)
	Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error)
	Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error
	Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error)
	// MarkSigninShown notes that the console has shown the first sign-in of an app.
	// The error is a Problem "signin-shown" when that was noted before.
	MarkSigninShown(ctx context.Context, name appliance.InstallName) error
}

var appsArea = area[Apps]{part: func(a Agent) Apps { return a.Apps }}

var (
	listApps        = get(&appsArea, "/v1/apps", "The apps on this box.", bare(Apps.List))
	planAddApp      = post(&appsArea, "/v1/plans/add-app", "What adding an app would do.", Apps.PlanAdd)
	addApp          = post(&appsArea, "/v1/apps", "Adds an app.", Apps.Add)
	showApp         = get(&appsArea, "/v1/apps/{name}", "One app.", Apps.Show)
	planRemoveApp   = post(&appsArea, "/v1/plans/remove-app", "What removing an app would do.", Apps.PlanRemove)
	removeApp       = del(&appsArea, "/v1/apps/{name}", "Removes an app.", Apps.Remove)
	startApp        = post(&appsArea, "/v1/apps/{name}/start", "Starts it.", Apps.Start)
	stopApp         = post(&appsArea, "/v1/apps/{name}/stop", "Stops it.", Apps.Stop)
	restartApp      = post(&appsArea, "/v1/apps/{name}/restart", "Stops and starts it.", Apps.Restart)
	logsOfApp       = text(&appsArea, "/v1/apps/{name}/logs", "Log lines as a stream of text.", Apps.Logs)
	signinOfApp     = get(&appsArea, "/v1/apps/{name}/signin", "The first account of an app, with its password.", Apps.Signin)
	markSigninShown = post(&appsArea, "/v1/apps/{name}/signin/shown",
		"Notes that its sign-in was shown, which the console does once.", silent(Apps.MarkSigninShown))
)

type appsClient struct{ *client }

func (c appsClient) List(ctx context.Context) ([]appliance.App, error) {
	return listApps.do(ctx, c.client, none{})
}

func (c appsClient) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	return planAddApp.do(ctx, c.client, req)
}

func (c appsClient) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	return addApp.do(ctx, c.client, req)
}

func (c appsClient) Show(ctx context.Context, name appliance.InstallName) (appliance.App, error) {
	return showApp.do(ctx, c.client, name)
}

func (c appsClient) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	return planRemoveApp.do(ctx, c.client, req)
}

func (c appsClient) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	return removeApp.do(ctx, c.client, req)
}

func (c appsClient) Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return startApp.do(ctx, c.client, name)
}

func (c appsClient) Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return stopApp.do(ctx, c.client, name)
}

func (c appsClient) Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return restartApp.do(ctx, c.client, name)
}

func (c appsClient) Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error {
	return logsOfApp.do(ctx, c.client, req, w)
}

func (c appsClient) Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	return signinOfApp.do(ctx, c.client, name)
}

func (c appsClient) MarkSigninShown(ctx context.Context, name appliance.InstallName) error {
	_, err := markSigninShown.do(ctx, c.client, name)
	return err
}
