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

	"coopkit/appliance"
	"coopkit/internal/localrpc"
	"coopkit/internal/logkey"
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
	Usage     Usage
	Messages  Messages
	Metrics   Metrics
}

// NewClient returns the agent at socketPath, in another process. It connects
// when the first call is made and is safe for concurrent use. An agent that does
// not run gives a Problem "agent-not-running".
func NewClient(socketPath string) Agent {
	c := localrpc.NewClient(socketPath, faults(socketPath))
	return Agent{
		Box: boxClient{c}, Health: healthClient{c}, Recipes: recipesClient{c}, Apps: appsClient{c}, Jobs: jobsClient{c},
		Names: namesClient{c}, Redirects: redirectsClient{c}, Sites: sitesClient{c}, Desk: deskClient{c}, Usage: usageClient{c},
		Messages: messagesClient{c}, Metrics: metricsClient{c},
	}
}

// routes is the whole API. Paths are nouns; a change is POST, PUT or DELETE and
// answers 202 with its job; what it would do is asked under /v1/plans.
func routes() []localrpc.Route[Agent] {
	return slices.Concat(
		boxArea.Routes, healthArea.Routes, recipesArea.Routes, appsArea.Routes, jobsArea.Routes,
		namesArea.Routes, redirectsArea.Routes, sitesArea.Routes, deskArea.Routes, usageArea.Routes, messagesArea.Routes, metricsArea.Routes,
	)
}

// Handler serves the API of a. It is safe for concurrent use if the parts of a
// are. Whoever asks is at the command line of this box.
func Handler(a Agent, log *slog.Logger) http.Handler {
	calls := localrpc.Server[Agent]{
		Program: "agent", Log: log.With(slog.String(logkey.Component, "control")), Routes: routes(),
		Started: func(answer any) bool { _, job := answer.(appliance.Job); return job },
	}.Handler(a)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.ServeHTTP(w, r.WithContext(appliance.WithBy(r.Context(), appliance.By{Kind: appliance.ByCommand})))
	})
}
