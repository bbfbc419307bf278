// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// endsSoon is when a certificate should have been renewed long ago.
const endsSoon = 14 * 24 * time.Hour

// certRow is one certificate of the front door.
type certRow struct {
	appliance.Certificate
	Pill    webkit.Pill
	Trouble string // why the last attempt failed, in the reader's language
}

// certRows are the certificates of the hosts at and below name; all of them if
// name is empty.
func certRows(p *webkit.Page, certs []appliance.Certificate, name string) []certRow {
	var rows []certRow
	for _, c := range certs {
		if name == "" || within(c.Host, name) {
			rows = append(rows, certRow{c, certPill(p, c), trouble(p, c.Problem)})
		}
	}
	return rows
}

func certPill(p *webkit.Page, c appliance.Certificate) webkit.Pill {
	switch left := c.NotAfter.Sub(p.Now); {
	case c.NotAfter.IsZero() && c.Problem == nil:
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("names.cert.waiting")}
	case c.NotAfter.IsZero():
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("names.cert.none")}
	case left <= 0:
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("names.cert.expired")}
	case left < endsSoon || c.Problem != nil:
		return webkit.Pill{Kind: "warn", Icon: "tri", Text: p.T("names.cert.soon")}
	case c.Private:
		return webkit.Pill{Kind: "note", Icon: "home", Text: p.T("names.cert.private")}
	default:
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("names.cert.valid")}
	}
}

// trouble says why an attempt to get a certificate failed.
func trouble(p *webkit.Page, why *problem.Problem) string {
	if why == nil {
		return ""
	}
	what, because, _ := webkit.Explain(p.Locale, why)
	return strings.TrimSpace(area.Sentence(what) + " " + area.Sentence(because))
}
