// SPDX-License-Identifier: AGPL-3.0-or-later

package letter

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// payload is what a webhook gets; docs/reference/messages.md describes it.
type payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      news      `json:"data"`
}

type news struct {
	Coop     string  `json:"coop"`
	Box      string  `json:"box"`
	Language string  `json:"language"`
	Subject  string  `json:"subject"`
	Entries  []entry `json:"entries"`
	Last     bool    `json:"last,omitempty"`
}

// entry is one thing, for programs and people.
type entry struct {
	Event    notify.Event       `json:"event"`
	Code     string             `json:"code,omitempty"` // of a finding
	Subject  string             `json:"subject"`
	Severity appliance.Severity `json:"severity"`
	Since    time.Time          `json:"since,omitzero"`
	What     string             `json:"what"`
	Why      string             `json:"why,omitempty"`
	Next     []string           `json:"next,omitempty"`
	Commands []string           `json:"commands,omitempty"` // for technicians
	Who      appliance.Actor    `json:"who,omitempty"`
	Job      appliance.JobID    `json:"job,omitempty"`
	Link     string             `json:"link"`
}

// data is the letter for programs.
func (p *page) data() (json.RawMessage, error) {
	n := news{Coop: p.letter.Box.Coop, Box: p.letter.Box.Name, Language: p.l.Lang, Subject: oneLine(p.subject), Entries: p.entries, Last: p.letter.Last}
	if n.Entries == nil {
		n.Entries = []entry{}
	}
	return json.Marshal(payload{Type: "coopkit.box." + string(p.letter.Kind), Timestamp: p.letter.At.UTC(), Data: n})
}

// entry writes one thing.
func (p *page) entry(e notify.Entry) {
	if e.Job != nil {
		p.job(*e.Job)
		return
	}
	f := e.Finding
	words := webkit.ExplainFinding(p.l, f.Code, f.Args, webkit.Sentences{Title: f.What, Why: f.Why, Next: webkit.RemedyOf(f.Next)})
	words.Title, words.What, words.Why = oneLine(words.Title), oneLine(words.What), oneLine(words.Why)
	out := entry{
		Event: e.Event, Code: f.Code, Subject: f.Subject, Severity: f.Severity, Since: f.Since, What: words.Title, Link: p.letter.Box.Console + f.Path(),
	}
	if e.Event == notify.Over {
		p.line(p.l.T("letter.over", "title", words.Title))
		p.line(p.l.T("letter.over.since", "time", p.moment(f.Since)))
		p.entries = append(p.entries, out)
		return
	}
	out.Why, out.Next, out.Commands, out.Who = words.Why, words.Next.Plain(p.letter.Box.Console), words.Next.Commands, f.Who
	p.entries = append(p.entries, out)
	severity := p.l.T("webkit.severity." + f.Severity.String())
	if e.Event == notify.Worse {
		p.line(p.l.T("letter.worse", "severity", severity, "time", p.moment(f.Since)))
	} else {
		p.line(p.l.T("letter.since", "severity", severity, "time", p.moment(f.Since)))
	}
	p.line(words.Title)
	p.about(words.What, p.l.T("letter.what", "text", words.What))
	p.about(words.Why, p.l.T("letter.why", "text", words.Why))
	p.next(out)
	if slices.Contains(appliance.Actors, f.Who) {
		p.line(p.l.T("letter.who." + string(f.Who)))
	}
	if n := len(f.Hides); n > 0 {
		p.line(p.l.T("letter.hides", "count", n))
	}
	if len(p.letter.Entries) > 1 || p.letter.Kind == notify.LetterWeekly {
		p.line(out.Link)
	}
}

// next writes what to do: a line, or a list; and what technicians can do.
func (p *page) next(e entry) {
	switch len(e.Next) {
	case 0:
	case 1:
		p.line(p.l.T("letter.next", "text", e.Next[0]))
	default:
		p.line(p.l.T("letter.next.many"))
		for _, n := range e.Next {
			p.line("- " + n)
		}
	}
	for _, c := range e.Commands {
		p.line(p.l.T("letter.command", "text", c))
	}
}

// job writes how a change ended, or what holds it up.
func (p *page) job(j appliance.Job) {
	out := entry{
		Event: notify.Ended, Subject: j.Subject, Severity: notify.Entry{Job: &j}.Severity(), Since: j.Created, What: say.Job(p.l, j), Job: j.ID,
		Who: appliance.You, Link: p.letter.Box.Console + "/jobs/" + strconv.FormatInt(int64(j.ID), 10),
	}
	if j.Problem != nil {
		what, why, next := webkit.Explain(p.l, j.Problem)
		out.Why, out.Next, out.Commands = what, next.Plain(p.letter.Box.Console), next.Commands
		if why != "" {
			out.Why += ". " + why
		}
	}
	p.entries = append(p.entries, out)
	p.line(out.What)
	switch {
	case j.State == appliance.JobFailed:
		p.line(p.l.T("letter.job.failed"))
	case j.State == appliance.JobUndone:
		p.line(p.l.T("letter.job.undone"))
	case j.HeldUp:
		p.line(p.l.T("letter.job.held"))
	default:
		p.line(p.l.T("letter.job.waits"))
	}
	p.about(out.Why, p.l.T("letter.why", "text", out.Why))
	p.next(out)
	if len(p.letter.Entries) > 1 {
		p.line(out.Link)
	}
}
