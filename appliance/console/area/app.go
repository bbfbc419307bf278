// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// AppPill is the state of an app (control.App.State) in a word; of one that runs
// it says whether visitors from outside can open its address.
func AppPill(p *webkit.Page, state string, r appliance.Reach) webkit.Pill {
	switch state {
	case "running":
		return ReachPill(p, r)
	case "starting":
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("area.app.starting")}
	case "adding":
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("area.app.adding")}
	case "changing":
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("area.app.changing")}
	case "stopped":
		return webkit.Pill{Icon: "minus", Text: p.T("area.app.stopped")}
	case "failing":
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("area.app.failing")}
	default:
		return webkit.Pill{Icon: "quiet", Text: p.T("area.app.unknown")}
	}
}

// NeedIcon is the drawing and the tint (a class of the style sheet) for a need
// that recipes answer.
func NeedIcon(need string) (icon, tint string) {
	switch need {
	case "website":
		return "globe", "i3"
	case "files":
		return "folder", "i2"
	case "photos":
		return "photo", "i2"
	case "calendar", "meetings":
		return "cal", "i6"
	case "wiki":
		return "book", "i7"
	case "chat":
		return "chat", "i5"
	case "decisions", "forms":
		return "vote", "i5"
	case "members", "identity":
		return "people", "i1"
	case "accounting":
		return "coin", "i4"
	case "shop":
		return "basket", "i4"
	case "mail":
		return "mail", "i7"
	case "passwords":
		return "key", "i2"
	case "projects":
		return "list", "i1"
	case "support":
		return "help", "i6"
	default:
		return "apps", "i7"
	}
}
