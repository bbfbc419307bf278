// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/rfc9457"
)

// refusal is what the desk itself says against a report: it was reached, and
// trying again soon is of no use.
type refusal struct {
	state   appliance.DeskState
	problem *problem.Problem // nil: pending, which is no fault
	said    said
	wait    time.Duration
	retry   time.Duration // what the desk asked for
}

func (r *refusal) Error() string { return "the desk answers " + r.said.Code + ": " + r.said.reason() }

func (r *refusal) Unwrap() error {
	if r.problem == nil {
		return nil
	}
	return r.problem
}

// unreachable is a failure that may pass.
type unreachable struct {
	problem *problem.Problem
	retry   time.Duration // what the desk asked for
	pace    bool          // the desk is well, and wants it slower
}

func (u *unreachable) Error() string { return u.problem.Error() }
func (u *unreachable) Unwrap() error { return u.problem }

// said is a desk's own words about a message that it did not take.
type said rfc9457.Document

func (s said) reason() string {
	text := s.Title
	if s.Why != "" {
		text += ": " + s.Why
	}
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "")))
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

// notTaken turns an answer that is not 200 into an error.
func notTaken(desk string, resp *http.Response, body []byte) error {
	var s said
	if err := json.Unmarshal(body, &s); err != nil {
		s = said{} // not a desk's words
	}
	retry := retryAfter(resp.Header, time.Now())
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests || code >= 500:
		u := unreachableDesk(desk, "it is busy, or something is wrong there ("+resp.Status+")", nil)
		u.retry, u.pace = retry, code == http.StatusTooManyRequests && retry > 0
		return u
	case s.Code == "" || code < 400:
		return notTheDesk(desk, "it answers "+resp.Status+", which a desk does not", nil)
	case s.Code == "report-late": // the next one is not
		return unreachableDesk(desk, s.reason(), nil)
	case s.Code == "box-pending":
		return &refusal{state: appliance.DeskPending, said: s, wait: afterPending, retry: retry}
	case s.Code == "box-gone", code == http.StatusGone:
		return &refusal{state: appliance.DeskEnded, said: s, wait: afterEnd, retry: retry, problem: ended(desk, s)}
	case s.Code == "box-suspected":
		return &refusal{state: appliance.DeskRefused, said: s, wait: afterRefusal, retry: retry, problem: suspected(desk, s)}
	default:
		return &refusal{state: appliance.DeskRefused, said: s, wait: afterRefusal, retry: retry, problem: refusedBy(desk, s)}
	}
}

// args are the values in the sentences of the problems below.
func args(desk, reason string) map[string]string {
	return map[string]string{"desk": desk, "reason": reason}
}

func unreachableDesk(desk, why string, err error) *unreachable {
	return &unreachable{problem: &problem.Problem{
		Code: "desk-unreachable", Kind: problem.Unavailable,
		What: "the support desk at " + desk + " cannot be reached", Why: why,
		Next: []string{
			"nothing, if it comes back: everything is kept and sent then",
			"otherwise check whether this box reaches the Internet: coopkit doctor",
		},
		Err: err, Args: args(desk, why),
	}}
}

func notTheDesk(desk, why string, err error) *problem.Problem {
	return &problem.Problem{
		Code: "desk-not-verified", Kind: problem.Unavailable,
		What: "what answers at " + desk + " is not the support desk that this box joined", Why: why,
		Next: []string{
			"check whether the clock of this box is right, and whether its Internet connection first wants a sign-in: coopkit doctor",
			"ask your IT co-op whether the desk has moved; if so, leave it and join again with a new invitation",
		},
		Err: err, Args: args(desk, why),
	}
}

func suspected(desk string, s said) *problem.Problem {
	return &problem.Problem{
		Code: "desk-suspects-box", Kind: problem.Conflict,
		What: "the support desk at " + desk + " thinks that two boxes report as this one", Why: s.reason(),
		Next: []string{
			"if this box was copied or put back from a backup: coopkit support leave, then join with a new invitation",
			"otherwise tell your IT co-op: somebody may have copied its key",
		},
		Args: args(desk, s.reason()),
	}
}

func ended(desk string, s said) *problem.Problem {
	return &problem.Problem{
		Code: "desk-ended-link", Kind: problem.Conflict,
		What: "the support desk at " + desk + " has ended the link", Why: s.reason(),
		Next: []string{"ask your IT co-op why", "coopkit support leave"},
		Args: args(desk, s.reason()),
	}
}

func refusedBy(desk string, s said) *problem.Problem {
	return &problem.Problem{
		Code: "desk-refuses", Kind: problem.Conflict,
		What: "the support desk at " + desk + " does not take the reports of this box", Why: s.reason(),
		Next: []string{"tell your IT co-op what the desk says", "check whether the clock of this box is right: coopkit doctor"},
		Args: args(desk, s.reason()),
	}
}

func notJoined() error {
	return &problem.Problem{
		Code: "desk-not-joined", Kind: problem.Conflict,
		What: "this box has not joined a support desk",
		Next: []string{"ask your IT co-op for an invitation", "coopkit support join <code>"},
	}
}

func joinedAlready(l *Link) error {
	return &problem.Problem{
		Code: "desk-joined-already", Kind: problem.Conflict,
		What: "this box has joined the support desk at " + l.URL + " already",
		Next: []string{"coopkit support status", "to join another one, leave first: coopkit support leave"},
		Args: map[string]string{"desk": l.URL},
	}
}

func versionsDiffer(desk, why string) error {
	return &problem.Problem{
		Code: "desk-versions-differ", Kind: problem.Conflict,
		What: "this box and the support desk at " + desk + " have no version of their protocol in common", Why: why,
		Next: []string{
			"if the box has to be updated: install the newest coopkit on it, then join with the same invitation",
			"if the desk has to be updated: ask your IT co-op to do that",
		},
		Args: args(desk, why),
	}
}

func invitationRefused(desk string, s said) error {
	return &problem.Problem{
		Code: "invitation-refused", Kind: problem.Conflict,
		What: "the support desk at " + desk + " does not take the invitation", Why: s.reason(),
		Next: []string{"ask your IT co-op for a new invitation; each is for one box, for a short time"},
		Args: args(desk, s.reason()),
	}
}
