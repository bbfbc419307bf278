// SPDX-License-Identifier: AGPL-3.0-or-later

// Package control is the local HTTP API over the agent's unix socket, and its
// client; the CLI and the tests use the same client. A file for each area has
// the interface of the part that does the work, its calls, each declared once
// with method, path, types and meaning, and the client's methods; server, client
// and reference page come from these declarations. It knows nothing of how
// anything is done. Its tests make every call over a real socket.
package control

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// Agent is all that an agent does for the CLI, the console and the tests, by
// area. Every error that a person can act on is a *problem.Problem. Calls that
// start a change return its job at once; the change goes on when the caller
// leaves.
type Agent struct {
	Box       Box
	Health    Health
	Recipes   Recipes
	Apps      Apps
	Jobs      Jobs
	Names     Names
	Redirects Redirects
	Sites     Sites
	Desk      Desk
}

// NewClient returns the agent at socketPath, in another process. It connects
// when the first call is made and is safe for concurrent use. An agent that does
// not run gives a Problem "agent-not-running".
func NewClient(socketPath string) Agent {
	c := &client{http: newHTTPClient(socketPath)}
	return Agent{
		Box: boxClient{c}, Health: healthClient{c}, Recipes: recipesClient{c}, Apps: appsClient{c}, Jobs: jobsClient{c},
		Names: namesClient{c}, Redirects: redirectsClient{c}, Sites: sitesClient{c}, Desk: deskClient{c},
	}
}

// routes is the whole API. Paths are nouns; a change is POST, PUT or DELETE and
// answers 202 with its job; what it would do is asked under /v1/plans.
func routes() []route {
	return slices.Concat(
		boxArea.routes, healthArea.routes, recipesArea.routes, appsArea.routes, jobsArea.routes,
		namesArea.routes, redirectsArea.routes, sitesArea.routes, deskArea.routes,
	)
}

// Handler serves the API of a. It is safe for concurrent use if the parts of a
// are.
func Handler(a Agent, log *slog.Logger) http.Handler {
	s := &server{log: log.With(slog.String(logkey.Component, "control"))}
	mux := http.NewServeMux()
	for _, rt := range routes() {
		mux.Handle(rt.method+" "+rt.path, s.handle(rt.serve(a)))
	}
	mux.Handle("/", s.handle(unknownRoute))
	return mux
}

func unknownRoute(_ http.ResponseWriter, r *http.Request) error {
	return &problem.Problem{
		Code: "request-unknown", Kind: problem.NotFound,
		What: "the agent does not know the request " + strconv.Quote(r.Method+" "+r.URL.Path),
		Why:  "the command and the agent may be of different versions",
		Next: []string{"compare “coopkit version” with “coopkit status”", "restart the agent: sudo systemctl restart coopkit-agent"},
	}
}
