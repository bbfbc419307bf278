// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"time"

	"coopkit/appliance/control"
	"coopkit/internal/webkit"
)

// endsSoon is when a certificate should have been renewed long ago.
const endsSoon = 14 * 24 * time.Hour

// certRow is one certificate of the front door.
type certRow struct {
	control.Certificate
	Pill webkit.Pill
}

// certRows are the certificates of the hosts at and below name; all of them if
// name is empty.
func certRows(p *webkit.Page, certs []control.Certificate, name string) []certRow {
	var rows []certRow
	for _, c := range certs {
		if name == "" || within(c.Host, name) {
			rows = append(rows, certRow{c, certPill(p, c)})
		}
	}
	return rows
}

func certPill(p *webkit.Page, c control.Certificate) webkit.Pill {
	switch left := c.Expires.Sub(p.Now); {
	case c.Expires.IsZero() && c.Problem == "":
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("names.cert.waiting")}
	case c.Expires.IsZero():
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("names.cert.none")}
	case left <= 0:
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("names.cert.expired")}
	case left < endsSoon || c.Problem != "":
		return webkit.Pill{Kind: "warn", Icon: "tri", Text: p.T("names.cert.soon")}
	default:
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("names.cert.valid")}
	}
}
