// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"net/http"

	"coopkit/appliance"
)

// route is one call of the API: a pattern of net/http, what it does (for
// docs/reference/control-api.md) and who serves it.
type route struct {
	pattern string
	does    string
	serve   handler
}

// routes is the whole API. Paths are nouns; a change is POST, PUT or DELETE and
// answers 202 with its job; what it would do is asked under /v1/plans.
func (s *server) routes() []route {
	var all []route
	for _, part := range [][]route{
		s.boxRoutes(), s.recipeRoutes(), s.appRoutes(), s.planRoutes(),
		s.jobRoutes(), s.nameRoutes(), s.siteRoutes(), s.deskRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

func (s *server) boxRoutes() []route {
	return []route{
		{"GET /v1/status", "The agent about itself.", plain(s.b.Status)},
		{"GET /v1/doctor", "Runs the health checks and answers what they found.", plain(s.b.Doctor)},
		{"GET /v1/findings", "What the checks that run all the time have found; nothing is looked at for it.", plain(s.b.Findings)},
		{"GET /v1/week", "The last seven days, today last: the worst that was found about each subject.", plain(s.b.Week)},
		{"GET /v1/certificates", "Certificates of the front door.", plain(s.b.Certificates)},
		{"GET /v1/host", "The machine: system, load, memory, disk.", plain(s.b.Host)},
		{"GET /v1/settings", "What the co-op has set.", plain(s.b.Settings)},
		{
			"PUT /v1/settings", "Sets all of it. Body: `coop`, `box`, `language`.",
			withBody(func(r *http.Request, q appliance.Settings) (none, error) {
				return none{}, s.b.SaveSettings(r.Context(), q)
			}),
		},
		{"POST /v1/console/tokens", "Lets a person into the console, once.", plain(s.b.ConsoleAccess)},
	}
}

func (s *server) recipeRoutes() []route {
	return []route{
		{"GET /v1/recipes", "The recipes that this agent can add.", plain(s.b.Recipes)},
		{"GET /v1/recipes/{name}", "One recipe.", named("name", s.b.Recipe)},
		{
			"POST /v1/recipes/{name}/test", "Adds it to a scratch place, runs its smoke test and removes it. Body: `images`.",
			withBody(func(r *http.Request, q testRecipe) (appliance.Job, error) {
				return s.b.TestRecipe(r.Context(), r.PathValue("name"), q.Images)
			}),
		},
		{"POST /v1/images/refresh", "Builds images again whose Debian packages have updates.", plain(s.b.RefreshImages)},
	}
}

func (s *server) appRoutes() []route {
	return []route{
		{"GET /v1/apps", "The apps on this box.", plain(s.b.Apps)},
		{
			"POST /v1/apps", "Adds an app. Body: `recipe`, `name`, `host`, `settings`, `images`, `plan_hash`.",
			withBody(func(r *http.Request, q appliance.AddApp) (appliance.Job, error) { return s.b.Add(r.Context(), q) }),
		},
		{"GET /v1/apps/{name}", "One app.", named("name", s.b.App)},
		{"DELETE /v1/apps/{name}", "Removes an app. Query: `no_export`, `plan_hash`.", s.removeApp()},
		{"POST /v1/apps/{name}/start", "Starts it.", named("name", s.b.Start)},
		{"POST /v1/apps/{name}/stop", "Stops it.", named("name", s.b.Stop)},
		{"POST /v1/apps/{name}/restart", "Stops and starts it.", named("name", s.b.Restart)},
		{"GET /v1/apps/{name}/logs", "Log lines as a stream of text. Query: `service`, `tail`, `follow`.", s.logs},
		{"GET /v1/apps/{name}/signin", "The first account of an app, with its password.", named("name", s.b.Signin)},
		{
			"POST /v1/apps/{name}/signin/shown", "Keeps that its sign-in was shown, which the console does once.",
			named("name", func(ctx context.Context, name string) (none, error) { return none{}, s.b.MarkSigninShown(ctx, name) }),
		},
	}
}

func (s *server) planRoutes() []route {
	return []route{
		{
			"POST /v1/plans/add-app", "What adding an app would do. Body as of `POST /v1/apps`.",
			withBody(func(r *http.Request, q appliance.AddApp) (appliance.Plan, error) { return s.b.PlanAdd(r.Context(), q) }),
		},
		{
			"POST /v1/plans/remove-app", "What removing an app would do. Body: `name`, `no_export`.",
			withBody(func(r *http.Request, q appliance.RemoveApp) (appliance.Plan, error) {
				return s.b.PlanRemove(r.Context(), q)
			}),
		},
		{
			"POST /v1/plans/add-name", "What serving a zone would do. Body: `zone`.",
			withBody(func(r *http.Request, q zone) (appliance.Plan, error) { return s.b.PlanAddName(r.Context(), q.Zone) }),
		},
		{
			"POST /v1/plans/remove-name", "What giving a zone up would do. Body: `zone`.",
			withBody(func(r *http.Request, q zone) (appliance.Plan, error) { return s.b.PlanRemoveName(r.Context(), q.Zone) }),
		},
		{
			"POST /v1/plans/push-site", "What publishing a site would do. Body: `host`, `files`, `bytes`.",
			withBody(func(r *http.Request, q pushSite) (appliance.Plan, error) {
				return s.b.PlanPush(r.Context(), q.Host, q.Files, q.Bytes)
			}),
		},
		{
			"POST /v1/plans/remove-site", "What removing a site would do. Body: `host`.",
			withBody(func(r *http.Request, q removeSite) (appliance.Plan, error) {
				return s.b.PlanRemoveSite(r.Context(), q.Host)
			}),
		},
	}
}

func (s *server) deskRoutes() []route {
	return []route{
		{"GET /v1/desk", "The link to the support desk.", plain(s.b.Desk)},
		{
			"POST /v1/plans/join-desk", "What joining a desk would do, and what would be sent. Body: `code`.",
			withBody(func(r *http.Request, q joinDesk) (appliance.Plan, error) {
				return s.b.PlanJoinDesk(r.Context(), q.Code)
			}),
		},
		{
			"POST /v1/desk", "Joins a desk; answers the link with its four words. Body: `code`, `plan_hash`.",
			withBody(func(r *http.Request, q joinDesk) (appliance.DeskLink, error) {
				return s.b.JoinDesk(r.Context(), q.Code, q.PlanHash)
			}),
		},
		{"DELETE /v1/desk", "Leaves the desk.", plain(func(ctx context.Context) (none, error) { return none{}, s.b.LeaveDesk(ctx) })},
		{"GET /v1/desk/preview", "The last or next report, as the desk gets it, in a string.", plain(s.b.DeskPreview)},
	}
}

func (s *server) jobRoutes() []route {
	return []route{
		{"GET /v1/jobs", "The latest jobs, newest first. Query: `limit`.", s.jobs()},
		{"GET /v1/jobs/{id}", "One job.", s.job()},
		{"POST /v1/jobs/{id}/stop", "Has a job that runs put back what it did. It answers before that has happened.", s.stopJob},
		{"GET /v1/jobs/{id}/events", "Its events as a stream of JSON lines, until it ends. Query: `after`.", s.jobEvents},
	}
}

func (s *server) nameRoutes() []route {
	return []route{
		{"GET /v1/names", "The zones of this box and their records.", plain(s.b.Names)},
		{
			"POST /v1/names", "Serves a zone. Body: `zone`, `plan_hash`.",
			withBody(func(r *http.Request, q zone) (appliance.Job, error) {
				return s.b.AddName(r.Context(), q.Zone, q.PlanHash)
			}),
		},
		{"DELETE /v1/names/{zone}", "Gives a zone up. Query: `plan_hash`.", planned("zone", s.b.RemoveName)},
		{"GET /v1/names/{host}/check", "Looks a host up where it counts.", named("host", s.b.CheckName)},
		{"GET /v1/names/{zone}/delegation", "Looks up who the world asks for a zone.", named("zone", s.b.CheckZone)},
		{"GET /v1/redirects", "The redirects.", plain(s.b.Redirects)},
		{
			"POST /v1/redirects", "Sends visitors of a host to a URL. Body: `host`, `target`.",
			withBody(func(r *http.Request, q redirect) (appliance.Job, error) {
				return s.b.AddRedirect(r.Context(), q.Host, q.Target)
			}),
		},
		{"DELETE /v1/redirects/{host}", "Removes a redirect.", named("host", s.b.RemoveRedirect)},
	}
}

func (s *server) siteRoutes() []route {
	return []route{
		{"GET /v1/sites", "The static sites.", plain(s.b.Sites)},
		{"PUT /v1/sites/{host}", "Publishes the next version. Body: a tar stream of any size.", s.push},
		{"DELETE /v1/sites/{host}", "Removes a site and its versions. Query: `plan_hash`.", planned("host", s.b.RemoveSite)},
		{"GET /v1/sites/{host}/versions", "Its versions, newest first.", named("host", s.b.SiteVersions)},
		{
			"POST /v1/sites/{host}/rollback", "Publishes an older version again. Body: `version`; 0 is the one before.",
			withBody(func(r *http.Request, q rollbackSite) (appliance.Job, error) {
				return s.b.RollbackSite(r.Context(), r.PathValue("host"), q.Version)
			}),
		},
	}
}
