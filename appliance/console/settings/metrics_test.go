// SPDX-License-Identifier: AGPL-3.0-or-later

package settings_test

import (
	"net/http"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area/areatest"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
)

func TestMetrics_theTokenIsShownOnce(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	c := serve(t, box.Agent())
	if page := c.Get(t, "/settings"); !strings.Contains(page.Text(t, "aside"), "Nobody can read this box’s figures from outside.") {
		t.Errorf("the settings say %s", page.Text(t, "aside"))
	}
	page := c.Get(t, "/settings/metrics")
	if len(page.All("form[action=/settings/metrics/allow] .go")) != 1 || len(page.All("form[action=/settings/metrics/revoke]")) != 0 {
		t.Error("the way to a token is missing, or there is one to end")
	}
	box.Fail("POST /v1/metrics/access", &problem.Problem{Code: "console-off", Kind: problem.Unavailable, What: "x", Next: []string{"y"}})
	if page := c.Post(t, "/settings/metrics/allow"); page.Status < 400 {
		t.Errorf("%d although no token was made", page.Status)
	}
	box.Answer("POST /v1/metrics/access", appliance.MetricsToken{URL: "https://box.example:8420/metrics", Token: "coopkit_metrics_secret"})
	box.Answer("GET /v1/metrics/access", appliance.MetricsAccess{Allowed: true, URL: "https://box.example:8420/metrics", Since: areatest.Now})
	for _, c.Lang = range locale.Langs() {
		page := c.Post(t, "/settings/metrics/allow")
		if page.Status != http.StatusOK || page.Text(t, "#token") != "coopkit_metrics_secret" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", c.Lang, page.Status, page.Text(t, "#token"))
		}
		page = c.Get(t, "/settings/metrics")
		if strings.Contains(page.Source, "coopkit_metrics_secret") {
			t.Error("the token is shown again")
		}
		for _, want := range []string{`targets: ["box.example:8420"]`, "https://box.example:8420/metrics"} {
			if !strings.Contains(page.Text(t, "main"), want) {
				t.Errorf("%s: it does not say %s", c.Lang, want)
			}
		}
	}
	box.Answer("DELETE /v1/metrics/access", struct{}{})
	if page := c.Post(t, "/settings/metrics/revoke"); page.To != "/settings/metrics" {
		t.Errorf("%d leads to %s", page.Status, page.To)
	}
}
