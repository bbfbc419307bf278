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
	"coopkit/appliance/control/controltest"
	"coopkit/appliance/health"
	"coopkit/internal/locale"
)

// Every code that a check can give has words in every language, and every check
// has a name for the finding that it could not look.
func TestFindings_haveWordsInEveryLanguage(t *testing.T) {
	b := bundle(t)
	for _, lang := range locale.Langs() {
		l := b.In(lang)
		codes := []string{health.CouldNotLook}
		for _, c := range health.Standard(health.Facts{}) {
			if !l.Speaks("finding.check." + c.Name) {
				t.Errorf("%s: the check %s has no name", lang, c.Name)
			}
			for _, code := range c.Codes {
				codes = append(codes, code.Code)
			}
		}
		for _, code := range codes {
			for _, part := range []string{".what", ".why", ".next"} {
				text := l.T("finding." + code + part)
				if !l.Speaks("finding." + code + part) {
					t.Errorf("%s: %s has no words%s", lang, code, part)
				}
				for line := range strings.SplitSeq(text, "\n") {
					if n := len(strings.Fields(line)); n > 25 {
						t.Errorf("%s: %s%s has %d words", lang, code, part, n)
					}
				}
			}
		}
	}
}

func TestFindingView_saysWhatWhyNextAndWho(t *testing.T) {
	ui := areatest.New(t, controltest.New(), nil).UI
	page := ui.NewPage(httptest.NewRequest("GET", "https://console.example/", nil), "area.plan.step")
	f := appliance.Finding{
		Code: "SERVICE-STOPPED", Subject: "app:wordpress/db", Severity: appliance.Critical, Who: appliance.You,
		What: "own words", Since: areatest.Now.Add(-50 * time.Hour), Hides: []string{"APP-NOT-ANSWERING app:wordpress"},
	}
	card := area.FindingView(page, f)
	if card.Title != "wordpress does not work now" || card.Kind != "crit" || card.Code != f.Code || len(card.Rows) != 2 || len(card.Rows[1].Texts) != 2 || card.Hides == "" {
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
		"host:www.demo.coop": "/names", "desk:desk.example": "/settings/desk", "disk:/": "/apps", "door:0.0.0.0:443": "", "app:wiki": "/apps/wiki",
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
