// SPDX-License-Identifier: AGPL-3.0-or-later

// Package control is the local HTTP API over the agent's unix socket, and its
// client; the CLI and the tests use the same client. It declares what it needs
// of the agent as the Backend interface and knows nothing of how that is done.
// Its tests run every call against a fake Backend over a real socket.
package control

import (
	"context"
	"io"
	"time"

	"coopkit/appliance"
	"coopkit/recipes"
)

// AddApp asks for an app. The zero values mean: the recipe's own name, the
// usual order of image sources.
type AddApp struct {
	Recipe   string                `json:"recipe"`
	Name     string                `json:"name,omitempty"`
	Host     string                `json:"host"` // main address
	Settings map[string]string     `json:"settings,omitempty"`
	Images   appliance.ImageSource `json:"images,omitempty"`    // force one source
	PlanHash string                `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}

// RemoveApp asks to remove an app.
type RemoveApp struct {
	Name     string `json:"name"`
	NoExport bool   `json:"no_export,omitempty"` // do not keep a final export of its data
	PlanHash string `json:"plan_hash,omitempty"`
}

// App is an install as people see it.
type App struct {
	appliance.Install
	Title    string                     `json:"title"`
	Version  string                     `json:"version"`
	State    string                     `json:"state"` // running, starting, stopped, failing, adding, changing, unknown
	URL      string                     `json:"url"`
	Services []ServiceState             `json:"services"`
	Images   map[string]appliance.Image `json:"images"`
}

// ServiceState is one service of an App.
type ServiceState struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Health string `json:"health,omitempty"`
}

// Name is a zone or a host name on this box, as people see it.
type Name struct {
	Zone    string   `json:"zone"`
	Serial  uint32   `json:"serial"`
	Records []Record `json:"records"`
}

// Record is one DNS record and who owns it: "app:wordpress", "site:demo.coop",
// "zone" (SOA and NS), "acme", or "you".
type Record struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	TTL   uint32 `json:"ttl"`
	Data  string `json:"data"`
	Owner string `json:"owner"`
}

// NameCheck is the result of looking a host up where it counts.
type NameCheck struct {
	Host    string   `json:"host"`
	Want    []string `json:"want"`  // addresses of this box
	Found   []string `json:"found"` // what the server answered
	Server  string   `json:"server"`
	OK      bool     `json:"ok"`
	Problem string   `json:"problem,omitempty"`
	// Unanswered says that it could not be looked up, so nothing is known.
	Unanswered bool `json:"unanswered,omitempty"`
}

// ZoneCheck says whether the world asks this box for a zone.
type ZoneCheck struct {
	Zone  string   `json:"zone"`
	Want  []string `json:"want"`  // the zone's name servers, as this box says
	Found []string `json:"found"` // those that the world is sent to
	OK    bool     `json:"ok"`    // they are the same
	// Unanswered says that it could not be looked up, so nothing is known.
	Unanswered bool `json:"unanswered,omitempty"`
}

// Certificate is one certificate of the front door.
type Certificate struct {
	Host    string    `json:"host"`
	Issuer  string    `json:"issuer"`
	Expires time.Time `json:"expires"`
	Problem string    `json:"problem,omitempty"` // why the last attempt failed
}

// Status is the agent about itself.
type Status struct {
	Version string              `json:"version"`
	Started time.Time           `json:"started"`
	PID     int                 `json:"pid"`
	State   string              `json:"state_dir"`
	HTTP    string              `json:"http"` // listening addresses
	HTTPS   string              `json:"https"`
	DNS     string              `json:"dns"`
	Console string              `json:"console,omitempty"`
	CA      string              `json:"ca,omitempty"` // path of the local CA's certificate, where something here uses it
	Engine  string              `json:"engine"`       // name and version, or why not
	Worst   *appliance.Severity `json:"worst"`        // of what the checks found; nil while they have not looked yet
}

// Report is what the checks found.
type Report struct {
	At       time.Time           `json:"at"`
	Checks   int                 `json:"checks"` // how many ran
	Findings []appliance.Finding `json:"findings"`
}

// Backend is what the agent does for the CLI, the console and the tests. Every
// error that a person can act on is a *problem.Problem. Calls that start a
// change return its job at once; the change goes on when the caller leaves.
type Backend interface {
	Status(ctx context.Context) (Status, error)
	// Doctor looks at everything now, which takes as long as it takes.
	Doctor(ctx context.Context) (Report, error)
	// Week returns the last seven days, today last.
	Week(ctx context.Context) ([]appliance.Day, error)
	// Findings returns at once what the checks found that run all the time; At
	// is when the newest of them looked, the zero time before the first.
	Findings(ctx context.Context) (Report, error)

	Recipes(ctx context.Context) ([]*recipes.Recipe, error)
	Recipe(ctx context.Context, name string) (*recipes.Recipe, error)
	TestRecipe(ctx context.Context, name string, images appliance.ImageSource) (appliance.Job, error)
	RefreshImages(ctx context.Context) (appliance.Job, error)

	Apps(ctx context.Context) ([]App, error)
	App(ctx context.Context, name string) (App, error)
	PlanAdd(ctx context.Context, req AddApp) (appliance.Plan, error)
	Add(ctx context.Context, req AddApp) (appliance.Job, error)
	PlanRemove(ctx context.Context, req RemoveApp) (appliance.Plan, error)
	Remove(ctx context.Context, req RemoveApp) (appliance.Job, error)
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

	Names(ctx context.Context) ([]Name, error)
	PlanAddName(ctx context.Context, zone string) (appliance.Plan, error)
	AddName(ctx context.Context, zone, planHash string) (appliance.Job, error)
	PlanRemoveName(ctx context.Context, zone string) (appliance.Plan, error)
	RemoveName(ctx context.Context, zone, planHash string) (appliance.Job, error)
	CheckName(ctx context.Context, host string) (NameCheck, error)
	// CheckZone looks up, as anybody would, who answers for a zone of this box.
	CheckZone(ctx context.Context, zone string) (ZoneCheck, error)

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

	Certificates(ctx context.Context) ([]Certificate, error)

	Host(ctx context.Context) (Host, error)
	Settings(ctx context.Context) (Settings, error)
	// SaveSettings keeps all of them. The error is a Problem "settings-invalid".
	SaveSettings(ctx context.Context, s Settings) error

	// Desk says how the link to the support desk is.
	Desk(ctx context.Context) (DeskLink, error)
	// PlanJoinDesk says which desk the code is of, and what would be sent to it.
	PlanJoinDesk(ctx context.Context, code string) (appliance.Plan, error)
	// JoinDesk uses the invitation and returns the link with its four words.
	JoinDesk(ctx context.Context, code, planHash string) (DeskLink, error)
	// LeaveDesk ends the link; it works without the desk.
	LeaveDesk(ctx context.Context) error
	// DeskPreview is the last report, or before the first the next one, as the
	// desk gets it, with line breaks for people.
	DeskPreview(ctx context.Context) (string, error)

	// ConsoleAccess lets a person into the console once. The error is a Problem
	// "console-off" where the agent serves none.
	ConsoleAccess(ctx context.Context) (ConsoleAccess, error)
}
