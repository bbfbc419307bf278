// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// dataMissing hides what follows from it: parts that cannot start.
const dataMissing = "DATA-MISSING"

func appsCheck(f Facts) Check {
	boxCauses := []string{engineUnreachable, "DISK-FULL"}
	causes := append([]string{dataMissing}, boxCauses...)
	return Check{
		Name: "apps", Title: "the apps", Every: 30 * time.Second, Timeout: 30 * time.Second,
		Codes: []Code{
			{
				Code: dataMissing, Severity: appliance.Critical, DependsOn: boxCauses,
				Means: "What members made in an app is not where it was. The app is kept from starting with nothing.",
			},
			{
				Code: "SERVICE-OUT-OF-MEMORY", Severity: appliance.Critical, DependsOn: boxCauses,
				Means: "A part of an app was ended because it used more memory than the recipe allows.",
			},
			{
				Code: "SERVICE-STOPPED", Severity: appliance.Critical, DependsOn: append([]string{"SERVICE-OUT-OF-MEMORY"}, causes...),
				Means: "A part of an app that should run does not.",
			},
			{
				Code: "SERVICE-RESTARTING", Severity: appliance.Critical, DependsOn: append([]string{"SERVICE-OUT-OF-MEMORY"}, causes...),
				Means: "A part of an app ends again and again right after its start.",
			},
			{
				Code: "SERVICE-UNHEALTHY", Severity: appliance.Warning,
				DependsOn: append([]string{"SERVICE-STOPPED", "SERVICE-RESTARTING"}, causes...),
				Means:     "A part of an app runs, but says of itself that it does not work.",
			},
			{
				Code: "APP-NOT-ANSWERING", Severity: appliance.Critical,
				DependsOn: append([]string{"SERVICE-OUT-OF-MEMORY", "SERVICE-STOPPED", "SERVICE-RESTARTING", "SERVICE-UNHEALTHY"}, causes...),
				Means:     "The app's pages do not come as the recipe promises.",
			},
			{
				Code: "APP-STOPPED", Severity: appliance.Notice, VisibleAfter: 1, HoldAfter: 1,
				Means: "Somebody stopped the app, so its visitors see that it is closed.",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			all, err := f.released(ctx)
			if err != nil {
				return nil, err
			}
			var found []appliance.Finding
			for _, app := range all {
				if app.Busy {
					continue
				}
				if app.Install.Wanted == appliance.WantStopped {
					found = append(found, stopped(app))
					continue
				}
				found = append(found, judgeServices(app)...)
				if app.Contract != nil {
					if err := app.Contract(ctx); err != nil && ctx.Err() == nil {
						found = append(found, notAnswering(app, err))
					}
				}
			}
			return found, context.Cause(ctx)
		},
	}
}

// released are the apps that have a release: the others are not there yet, or
// not any more. A box without apps to ask for has none.
func (f Facts) released(ctx context.Context) ([]App, error) {
	if f.Apps == nil {
		return nil, nil
	}
	all, err := f.Apps(ctx)
	return slices.DeleteFunc(all, func(a App) bool { return a.Install.Release == 0 }), err
}

func judgeServices(app App) []appliance.Finding {
	var found []appliance.Finding
	for _, s := range app.Services {
		i := slices.IndexFunc(app.Containers, func(c engine.Container) bool { return c.Service == s.Name })
		var c engine.Container
		if i >= 0 {
			c = app.Containers[i]
		}
		if code, severity, what, why := judgeService(s, c); code != "" {
			name := string(app.Install.Name)
			found = append(found, appliance.Finding{
				Code: code, Severity: severity, Subject: "app:" + name + "/" + s.Name,
				What: fmt.Sprintf("%s %s", app.Title, what), Why: fmt.Sprintf("Its part %q %s.", s.Name, why),
				Next: []string{"coopkit app restart " + name, "If it comes back: coopkit app logs " + name, "Send the log to your IT co-op"},
				Who:  appliance.You,
				Args: map[string]string{
					"app": app.Title, "install": name, "service": s.Name, "case": partCase(c),
					"exit": strconv.Itoa(c.ExitCode), "restarts_count": strconv.Itoa(c.Restarts),
				},
			})
		}
	}
	return found
}

// judgeService says what is wrong with one service, or an empty code. A zero
// container is one that does not exist.
func judgeService(s AppService, c engine.Container) (code string, severity appliance.Severity, what, why string) {
	down := "does not work now"
	switch {
	case c.OOMKilled && c.State != engine.Running:
		return "SERVICE-OUT-OF-MEMORY", appliance.Critical, down, "needed more memory than it may have, and was ended"
	case s.OneShot && c.State == engine.Exited && c.ExitCode == 0:
		return "", appliance.OK, "", ""
	case c.State == engine.Restarting:
		return "SERVICE-RESTARTING", appliance.Critical, down,
			fmt.Sprintf("ends right after each start (code %d, %d times)", c.ExitCode, c.Restarts)
	case c.State == "":
		return "SERVICE-STOPPED", appliance.Critical, down, "is not there"
	case c.State == engine.Exited || c.State == engine.Dead:
		return "SERVICE-STOPPED", appliance.Critical, down, fmt.Sprintf("ended with code %d", c.ExitCode)
	case c.State == engine.Created && !s.OneShot:
		return "SERVICE-STOPPED", appliance.Critical, down, "was never started"
	case c.Health == "unhealthy":
		return "SERVICE-UNHEALTHY", appliance.Warning, "may not work as it should", "runs, but does not pass its own health check"
	default:
		return "", appliance.OK, "", ""
	}
}

// partCase says which of the ways of SERVICE-STOPPED it is.
func partCase(c engine.Container) string {
	switch c.State {
	case "":
		return "gone"
	case engine.Created:
		return "created"
	case engine.Exited, engine.Dead:
		return "exited"
	default:
		return ""
	}
}

func stopped(app App) appliance.Finding {
	name := string(app.Install.Name)
	return appliance.Finding{
		Code: "APP-STOPPED", Subject: "app:" + name, Severity: appliance.Notice,
		What: app.Title + " is closed: visitors see a page that says so", Why: "Somebody stopped it. Its data is kept.",
		Next: []string{"To open it again: coopkit app start " + name}, Who: appliance.You,
		Args: map[string]string{"app": app.Title, "install": name},
	}
}

func notAnswering(app App, err error) appliance.Finding {
	name := string(app.Install.Name)
	why := "Its first page does not come as it should."
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		if p.Code == "data-missing" {
			return appliance.Finding{
				Code: dataMissing, Subject: "app:" + name, Severity: appliance.Critical,
				What: p.What, Why: p.Why + ".", Next: p.Next, Who: appliance.YourITCoop,
				Args: map[string]string{"app": app.Title, "install": name},
			}
		}
		why = p.What + "."
	}
	return appliance.Finding{
		Code: "APP-NOT-ANSWERING", Subject: "app:" + name, Severity: appliance.Critical,
		What: app.Title + " does not answer", Why: why,
		Next: []string{"coopkit app restart " + name, "If it goes on: coopkit app logs " + name, "Send the log to your IT co-op"},
		Who:  appliance.You,
		Args: map[string]string{"app": app.Title, "install": name},
	}
}
