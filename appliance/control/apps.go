// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"io"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Apps are the installs on this box.
type Apps interface {
	List(ctx context.Context) ([]appliance.App, error)
	PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error)
	Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error)
	Show(ctx context.Context, name appliance.InstallName) (appliance.App, error)
	PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error)
	Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error)
	PlanExport(ctx context.Context, req appliance.ExportApp) (appliance.Plan, error)
	// Export makes a copy of an app that can be downloaded.
	Export(ctx context.Context, req appliance.ExportApp) (appliance.Job, error)
	// Copies are the newest copy of each app that has one.
	Copies(ctx context.Context) ([]appliance.AppCopy, error)
	// Copy writes the newest copy of an app as a zip.
	Copy(ctx context.Context, name appliance.InstallName, w io.Writer) error
	Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error)
	// Retitle calls an app by another everyday name; empty: its program's.
	Retitle(ctx context.Context, req appliance.RetitleApp) (appliance.Job, error)
	Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error
	Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error)
	// ShowSignin is Signin for a person, and leaves a job behind that says so.
	ShowSignin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error)
	// MarkSigninShown notes that the console has shown the first sign-in of an app.
	// The error is a Problem "signin-shown" when that was noted before.
	MarkSigninShown(ctx context.Context, name appliance.InstallName) error
}

var appsArea = localrpc.Area[Agent, Apps]{Part: func(a Agent) Apps { return a.Apps }}

var (
	listApps        = localrpc.Get(&appsArea, "/v1/apps", "The apps on this box.", localrpc.Bare(Apps.List))
	planAddApp      = localrpc.Post(&appsArea, "/v1/plans/add-app", "What adding an app would do.", Apps.PlanAdd)
	addApp          = localrpc.Post(&appsArea, "/v1/apps", "Adds an app.", Apps.Add)
	showApp         = localrpc.Get(&appsArea, "/v1/apps/{name}", "One app.", Apps.Show)
	planRemoveApp   = localrpc.Post(&appsArea, "/v1/plans/remove-app", "What removing an app would do.", Apps.PlanRemove)
	removeApp       = localrpc.Delete(&appsArea, "/v1/apps/{name}", "Removes an app.", Apps.Remove)
	planExportApp   = localrpc.Post(&appsArea, "/v1/plans/export-app", "What making a copy of an app would do.", Apps.PlanExport)
	exportApp       = localrpc.Post(&appsArea, "/v1/apps/{name}/export", "Makes a copy of it with its data, which stays for a week.", Apps.Export)
	copiesOfApps    = localrpc.Get(&appsArea, "/v1/copies", "The newest copy of each app that has one.", localrpc.Bare(Apps.Copies))
	copyOfApp       = localrpc.Download(&appsArea, "/v1/copies/{name}", "The newest copy of an app, as a zip.", Apps.Copy)
	startApp        = localrpc.Post(&appsArea, "/v1/apps/{name}/start", "Starts it.", Apps.Start)
	stopApp         = localrpc.Post(&appsArea, "/v1/apps/{name}/stop", "Stops it.", Apps.Stop)
	restartApp      = localrpc.Post(&appsArea, "/v1/apps/{name}/restart", "Stops and starts it.", Apps.Restart)
	retitleApp      = localrpc.Post(&appsArea, "/v1/apps/{name}/title", "Calls it by another everyday name.", Apps.Retitle)
	logsOfApp       = localrpc.Text(&appsArea, "/v1/apps/{name}/logs", "Log lines as a stream of text.", Apps.Logs)
	signinOfApp     = localrpc.Get(&appsArea, "/v1/apps/{name}/signin", "The first account of an app, with its password.", Apps.Signin)
	showSignin      = localrpc.Post(&appsArea, "/v1/apps/{name}/signin", "The same, with a job that says that it was shown again.", Apps.ShowSignin)
	markSigninShown = localrpc.Post(&appsArea, "/v1/apps/{name}/signin/shown",
		"Notes that its sign-in was shown, which the console does once.", localrpc.Silent(Apps.MarkSigninShown))
)

type appsClient struct{ *localrpc.Client }

func (c appsClient) List(ctx context.Context) ([]appliance.App, error) {
	return listApps.Do(ctx, c.Client, localrpc.None{})
}

func (c appsClient) PlanAdd(ctx context.Context, req appliance.AddApp) (appliance.Plan, error) {
	return planAddApp.Do(ctx, c.Client, req)
}

func (c appsClient) Add(ctx context.Context, req appliance.AddApp) (appliance.Job, error) {
	return addApp.Do(ctx, c.Client, req)
}

func (c appsClient) Show(ctx context.Context, name appliance.InstallName) (appliance.App, error) {
	return showApp.Do(ctx, c.Client, name)
}

func (c appsClient) PlanRemove(ctx context.Context, req appliance.RemoveApp) (appliance.Plan, error) {
	return planRemoveApp.Do(ctx, c.Client, req)
}

func (c appsClient) Remove(ctx context.Context, req appliance.RemoveApp) (appliance.Job, error) {
	return removeApp.Do(ctx, c.Client, req)
}

func (c appsClient) PlanExport(ctx context.Context, req appliance.ExportApp) (appliance.Plan, error) {
	return planExportApp.Do(ctx, c.Client, req)
}

func (c appsClient) Export(ctx context.Context, req appliance.ExportApp) (appliance.Job, error) {
	return exportApp.Do(ctx, c.Client, req)
}

func (c appsClient) Copies(ctx context.Context) ([]appliance.AppCopy, error) {
	return copiesOfApps.Do(ctx, c.Client, localrpc.None{})
}

func (c appsClient) Copy(ctx context.Context, name appliance.InstallName, w io.Writer) error {
	return copyOfApp.Do(ctx, c.Client, name, w)
}

func (c appsClient) Start(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return startApp.Do(ctx, c.Client, name)
}

func (c appsClient) Stop(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return stopApp.Do(ctx, c.Client, name)
}

func (c appsClient) Restart(ctx context.Context, name appliance.InstallName) (appliance.Job, error) {
	return restartApp.Do(ctx, c.Client, name)
}

func (c appsClient) Retitle(ctx context.Context, req appliance.RetitleApp) (appliance.Job, error) {
	return retitleApp.Do(ctx, c.Client, req)
}

func (c appsClient) Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error {
	return logsOfApp.Do(ctx, c.Client, req, w)
}

func (c appsClient) Signin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	return signinOfApp.Do(ctx, c.Client, name)
}

func (c appsClient) ShowSignin(ctx context.Context, name appliance.InstallName) (appliance.Signin, error) {
	return showSignin.Do(ctx, c.Client, name)
}

func (c appsClient) MarkSigninShown(ctx context.Context, name appliance.InstallName) error {
	_, err := markSigninShown.Do(ctx, c.Client, name)
	return err
}
