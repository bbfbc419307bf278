// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// Troubles collects what the parts of a box report as unusable. The zero value
// is ready; it is safe for concurrent use.
type Troubles struct {
	mu   sync.Mutex
	from map[string][]appliance.Trouble
}

// Report replaces everything that a part reported before; none means that all
// is well with it.
func (t *Troubles) Report(part string, now ...appliance.Trouble) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from == nil {
		t.from = map[string][]appliance.Trouble{}
	}
	t.from[part] = now
}

// All returns what is reported now.
func (t *Troubles) All() []appliance.Trouble {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []appliance.Trouble
	for _, some := range t.from {
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b appliance.Trouble) int {
		return strings.Compare(string(a.Kind)+" "+a.Name, string(b.Kind)+" "+b.Name)
	})
	return all
}

// partsCheck makes findings of what the parts report. They look themselves, so
// one look is enough.
func partsCheck(f Facts) Check {
	return Check{
		Name: "parts", Title: "the parts of the agent and the records that they use", Every: 15 * time.Second,
		Codes: []Code{
			{
				Code: "NOT-SERVED", Severity: appliance.Critical, VisibleAfter: 1, HoldAfter: 1,
				Means: "The records of an app, a site, an address or a name cannot be used. Visitors see a holding page there, or the name is not answered; everything else is served.",
			},
			{
				Code: "PART-DOWN", Severity: appliance.Warning, VisibleAfter: 1, HoldAfter: 1,
				Means: "A part of the agent does not work. Apps, sites and names are served; the agent tries the part again by itself.",
			},
		},
		Run: func(context.Context) ([]appliance.Finding, error) {
			if f.Troubles == nil {
				return nil, nil
			}
			var found []appliance.Finding
			for _, t := range f.Troubles() {
				found = append(found, judgeTrouble(t))
			}
			return found, nil
		},
	}
}

// remedy is what a trouble means for people, and what they can do.
type remedy struct {
	what, why string
	next      []string
	who       appliance.Actor
}

const seeLog = "Send the agent's log to your IT co-op: journalctl -u coopkit-agent"

func remedyOf(t appliance.Trouble, reason string) remedy {
	title := cmp.Or(t.Title, t.Name)
	switch t.Kind {
	case appliance.TroubleApp:
		return remedy{
			"Visitors of " + title + " see a holding page; its data is untouched", "The record of its release cannot be used: " + reason,
			[]string{"Install the version of coopkit that ran before", seeLog},
			appliance.YourITCoop,
		}
	case appliance.TroubleSite:
		return remedy{
			"Visitors of " + title + " see a holding page", "The files of the site cannot be opened: " + reason,
			[]string{"Check whether a disk is not mounted", "Publish the site again: coopkit site push FOLDER " + title},
			appliance.You,
		}
	case appliance.TroubleAddress:
		return remedy{
			"Visitors of " + title + " see a holding page", "The record of the address cannot be used: " + reason,
			[]string{"Remove the address and give it again", seeLog},
			appliance.You,
		}
	case appliance.TroubleZone:
		return remedy{
			"The name server of this box does not answer for " + title, "The record of the name is not valid: " + reason,
			[]string{"Install the version of coopkit that ran before", seeLog},
			appliance.YourITCoop,
		}
	case appliance.TroubleAuthority:
		return remedy{
			"The box can make no certificates of its own; those that it has are used until they end", reason,
			[]string{
				"Put the folder certificates/ca back from a copy",
				"Without a copy, move that folder away and restart the agent: it makes a new authority, which every device has to trust anew",
			},
			appliance.YourITCoop,
		}
	case appliance.TroubleDesk:
		return remedy{
			"The support desk gets no reports from this box", "The record of the link cannot be read: " + reason,
			[]string{"Leave the desk and join it again with a new invitation: coopkit support leave"},
			appliance.You,
		}
	case appliance.TroubleRecipe:
		return remedy{
			"The app " + title + " cannot be added; those that are there run", "Its recipe cannot be read: " + reason,
			[]string{"Nothing, if you do not need it; otherwise tell your IT co-op"},
			appliance.YourITCoop,
		}
	case appliance.TroubleFindings:
		return remedy{
			"Some findings look newer than they are", "What the checks remember cannot all be read: " + reason,
			[]string{"Nothing: the checks look again by themselves"},
			appliance.YourITCoop,
		}
	case appliance.TroublePart:
	}
	what := "A part of the agent does not work: " + title + "; apps, sites and names are served"
	switch t.Name {
	case "console":
		what = "The console cannot be opened; apps, sites and names are served"
	case "jobs":
		what = "Nothing can be changed on this box now; apps, sites and names are served"
	}
	return remedy{what, reason, []string{"Nothing, if it goes away by itself: the agent tries the part again", seeLog}, appliance.YourITCoop}
}

func judgeTrouble(t appliance.Trouble) appliance.Finding {
	reason := strings.TrimSuffix(problem.Reason(t.Err), ".")
	r := remedyOf(t, reason)
	finding := appliance.Finding{
		Code: "PART-DOWN", Subject: "part:" + t.Name, Severity: appliance.Warning, What: r.what, Why: r.why + ".", Next: r.next, Who: r.who,
		Args: map[string]string{"case": string(t.Kind), "name": cmp.Or(t.Title, t.Name), "reason": reason},
	}
	switch t.Kind {
	case appliance.TroubleApp:
		finding.Subject = "app:" + t.Name
	case appliance.TroubleSite, appliance.TroubleAddress:
		finding.Subject = "host:" + t.Name
	case appliance.TroubleZone:
		finding.Subject = "zone:" + t.Name
	case appliance.TroubleRecipe, appliance.TroubleFindings:
		finding.Severity = appliance.Notice
		finding.Subject = string(t.Kind) + ":" + t.Name
	case appliance.TroubleAuthority, appliance.TroubleDesk:
		finding.Subject = "part:" + string(t.Kind)
	case appliance.TroublePart:
		finding.Args["case"] = t.Name
	}
	if t.Kind.Closes() {
		finding.Code, finding.Severity = "NOT-SERVED", appliance.Critical
	}
	return finding
}
