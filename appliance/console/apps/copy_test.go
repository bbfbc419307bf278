// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"archive/zip"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
)

func TestCopy_isMadeOnceAndDownloaded(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	c.Get(t, "/apps/dokuwiki").Want(t, http.StatusOK, `href="/apps/dokuwiki/copy"`)
	c.Get(t, "/apps/dokuwiki/copy.zip").Want(t, http.StatusNotFound, "There is no copy of Handbook to download")
	each(t, c, func(lang string) {
		p := c.Get(t, "/apps/dokuwiki/copy")
		if p.Status != http.StatusOK || len(p.All("form[action=/apps/dokuwiki/copy]")) != 1 || len(p.All("a[href=/apps/dokuwiki/copy.zip]")) != 0 {
			t.Errorf("%s: %d %s", lang, p.Status, p.Text(t, "main"))
		}
	})
	page := c.Get(t, "/apps/dokuwiki/copy")
	page.Want(t, http.StatusOK, "Download a copy of “Handbook”", "The app is closed while its data is copied", "stays on this box for 7 days")
	form := page.Form("form[action=/apps/dokuwiki/copy]")
	first, again := c.Send(t, "/apps/dokuwiki/copy", form), c.Send(t, "/apps/dokuwiki/copy", form)
	if first.To != "/jobs/2" || again.To != first.To {
		t.Fatalf("led to %q, then to %q", first.To, again.To)
	}
	each(t, c, func(lang string) {
		if p := c.Get(t, "/apps/dokuwiki/copy"); len(p.All("a[href=/apps/dokuwiki/copy.zip]")) != 1 {
			t.Errorf("%s: no download: %s", lang, p.Text(t, "main"))
		}
	})
	c.Get(t, "/apps/dokuwiki/copy").Want(t, http.StatusOK, "seconds ago. This box deletes it on 30 November 2026.")
	file := c.Get(t, "/apps/dokuwiki/copy.zip")
	if file.Status != http.StatusOK || file.Header.Get("Content-Disposition") != "attachment; filename=dokuwiki.zip" {
		t.Errorf("%d %v", file.Status, file.Header)
	}
	z, err := zip.NewReader(strings.NewReader(file.Source), int64(len(file.Source)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Open("recipe/compose.yaml"); err != nil {
		t.Error(err)
	}
}

func TestCopy_aChangedPlanIsShownAgain(t *testing.T) {
	t.Parallel()
	c := console(t, wiki(t).Agent())
	c.Send(t, "/apps/dokuwiki/copy", url.Values{area.FieldHash: {"0"}}).Want(t, http.StatusConflict, "The plan has changed")
	console(t, agenttest.New(t).Agent()).Get(t, "/apps/nothing/copy").Want(t, http.StatusNotFound)
}
