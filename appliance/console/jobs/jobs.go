// SPDX-License-Identifier: AGPL-3.0-or-later

// Package jobs is the area of the console that shows changes: the list of them
// and each with its steps, live while it runs. It asks the agent through
// control.Agent and starts nothing itself. Its tests render the pages over a
// whole agent and follow a job that goes through its steps.
package jobs

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages of this area.
func Files() fs.FS { return files }

// Agent is what this area asks of the box.
type Agent struct {
	Jobs control.Jobs
	Apps control.Apps
}

// Routes adds the pages of this area.
func Routes(d area.Deps, box Agent) {
	a := &pages{d, box}
	rt := d.UI.Router()
	rt.Signed("GET /activity", a.list)
	rt.Signed("GET /jobs/{n}", a.show)
	rt.Signed("POST /jobs/{n}/stop", a.stop)
	rt.Signed("POST /jobs/{n}/finish", a.finish)
	rt.Signed("GET /jobs/{n}/events", a.events)
	rt.Signed("GET /jobs/{n}/log/events", a.logEvents)
}

type pages struct {
	area.Deps
	Box Agent
}

// number reads which job a path is about.
func number(r *http.Request) (appliance.JobID, error) {
	n, err := strconv.ParseInt(r.PathValue("n"), 10, 64)
	if err != nil || n < 1 {
		return 0, &problem.Problem{
			Code: "job-number-invalid", Kind: problem.NotFound,
			What: "there is no job " + strconv.Quote(r.PathValue("n")),
			Why:  "jobs have whole numbers, from 1",
			Next: []string{"look for it in the activity"},
			Err:  err,
		}
	}
	return appliance.JobID(n), nil
}

func path(id appliance.JobID) string { return fmt.Sprintf("/jobs/%d", id) }
