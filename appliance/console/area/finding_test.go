// SPDX-License-Identifier: AGPL-3.0-or-later

package area_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
)

func TestFindingView_saysWhatWhyNextAndWho(t *testing.T) {
	ui := areatest.New(t, nil).UI
	page := ui.NewPage(httptest.NewRequest("GET", "https://console.example/", nil), "area.plan.step")
	f := appliance.Finding{
		Code: "SERVICE-STOPPED", Subject: "app:wordpress/db", Severity: appliance.Critical, Who: appliance.You,
		What: "own words", Since: areatest.Now.Add(-50 * time.Hour), Hides: []string{"APP-NOT-ANSWERING app:wordpress"},
		Args: map[string]string{"app": "wordpress", "install": "wordpress", "service": "db", "case": "exited", "exit": "1"},
	}
	card := area.FindingView(page, f)
	if card.Title != "wordpress does not work at the moment" || card.Kind != "crit" || card.Code != f.Code || len(card.Rows) != 2 || len(card.Rows[1].Steps) != 2 || len(card.Commands) != 2 || card.Hides == "" {
		t.Errorf("%+v", card)
	}
	if !strings.Contains(string(card.Meta[0]), "21 November 2026") || card.Meta[1] != "you can do this" {
		t.Errorf("meta %q", card.Meta)
	}
	if a := card.Actions[0]; a.Href != "/apps/wordpress/start" || !a.Post || a.Text != "Start wordpress" {
		t.Errorf("action %+v", a)
	}
	if path := area.FindingPath(appliance.Finding{Code: "DISK-FULL", Subject: "disk:/var/lib/a b"}); path != "/findings/DISK-FULL/disk:/var/lib/a%20b" {
		t.Errorf("path %q", path)
	}
	for subject, want := range map[string]string{
		"host:www.demo.coop": "/names", "desk:desk.example": "/settings/desk", "messages:mail/ana": "/settings/messages", "disk:/": "/apps", "door:0.0.0.0:443": "", "app:wiki": "/apps/wiki#copy",
	} {
		got := ""
		if c := area.FindingView(page, appliance.Finding{Code: "BACKUP-NONE", Subject: subject, Since: areatest.Now}); len(c.Actions) > 0 {
			got = c.Actions[0].Href
		}
		if got != want {
			t.Errorf("%s: leads to %q, want %q", subject, got, want)
		}
	}
	unknown := area.FindingView(page, appliance.Finding{Code: "NEW-ONE", What: "own words", Why: "own reason", Next: []string{"own way"}, Severity: appliance.Notice, Who: appliance.YourISP})
	if unknown.Title != "own words" || unknown.Rows[0].Texts[0] != "own reason" || unknown.Meta[1] != "your Internet provider can do this" {
		t.Errorf("%+v", unknown)
	}
}
