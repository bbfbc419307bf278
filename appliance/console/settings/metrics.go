// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"net/http"
	"net/url"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// metricsPage says whether a Prometheus may read the box's metrics, and has the
// token once, when it was made.
type metricsPage struct {
	*webkit.Page
	Access appliance.MetricsAccess
	Token  string
	Host   string // with the port, as Prometheus wants it
}

func (d *pages) metrics(w http.ResponseWriter, r *http.Request) error {
	return d.showMetrics(w, r, "")
}

func (d *pages) showMetrics(w http.ResponseWriter, r *http.Request, token string) error {
	access, err := d.Box.Metrics.Access(r.Context())
	if err != nil {
		return err
	}
	p := metricsPage{Page: d.UI.NewPage(r, "settings.metrics.title"), Access: access, Token: token}
	p.Crumbs = []webkit.Link{{Text: p.T("settings.title"), Href: "/settings"}, {Text: p.T("settings.metrics.title")}}
	p.Lead = metricsLine(p.Page, access)
	if u, err := url.Parse(access.URL); err == nil {
		p.Host = u.Host
	}
	if token != "" {
		p.Lead = p.T("settings.metrics.once")
	}
	return d.UI.Render(w, http.StatusOK, "settings-metrics", p)
}

// metricsLine says who may read them.
func metricsLine(p *webkit.Page, a appliance.MetricsAccess) string {
	if a.Allowed {
		return p.T("settings.metrics.on")
	}
	return p.T("settings.metrics.off")
}

// metricsAllowed makes a token and shows it: it cannot be shown later, so this
// is no redirect.
func (d *pages) metricsAllowed(w http.ResponseWriter, r *http.Request) error {
	t, err := d.Box.Metrics.Allow(r.Context())
	if err != nil {
		return err
	}
	return d.showMetrics(w, r, t.Token)
}

func (d *pages) metricsRevoked(w http.ResponseWriter, r *http.Request) error {
	if err := d.Box.Metrics.Revoke(r.Context()); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.UI.Locale(r).T("settings.metrics.revoked")})
	return d.UI.Redirect(w, r, "/settings/metrics")
}
