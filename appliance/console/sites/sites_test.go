// SPDX-License-Identifier: AGPL-3.0-or-later

package sites_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/sites"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

func TestPublish_everyWayOfSending(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]part{
		"zip":            {{"archive", "site.zip", testkit.Zip(t, "index.html", "hello", "css/a.css", "x")}, {"folder", "", ""}},
		"zip with top":   {{"archive", "site.zip", testkit.Zip(t, "mysite/index.html", "hello", "mysite/css/a.css", "x", "__MACOSX/mysite/._index.html", "y")}},
		"tar.gz":         {{"archive", "site.tgz", tarred(t, tar.Header{Name: "./index.html", Typeflag: tar.TypeReg, Size: 5}, tar.Header{Name: "./css/", Typeflag: tar.TypeDir}, tar.Header{Name: "./css/a.css", Typeflag: tar.TypeReg, Size: 1})}},
		"folder":         {{"archive", "", ""}, {"folder", "mysite/index.html", "hello"}, {"folder", "mysite/css/a.css", "x"}},
		"folder, litter": {{"folder", "mysite/index.html", "hello"}, {"folder", "mysite/.git/config", "secret"}, {"folder", "mysite/é.html", "x"}},
	} {
		r := newRig(t)
		r.publish(t, parts...)
		versions, err := r.box.Agent().Sites.Versions(t.Context(), host)
		if err != nil || len(versions) != 1 || versions[0].Files != 2 || versions[0].Bytes != 6 {
			t.Errorf("%s: %+v, %v", name, versions, err)
		}
		r.leaves(t, 0)
	}
}

func TestPublish_twiceStartsOneJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	plan := r.get(t, sent.To)
	form := []string{"upload", plan.Field(t, "upload"), area.FieldHash, plan.Field(t, area.FieldHash)}
	first, again := r.post(t, "/sites/"+host+"/publish", form...), r.post(t, "/sites/"+host+"/publish", form...)
	if first.To != "/jobs/1" || again.To != first.To {
		t.Errorf("led to %q, then to %q", first.To, again.To)
	}
	jobs, err := r.box.Agent().Jobs.List(t.Context(), 0)
	if err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

func TestPublish_aChangedPlanIsShownAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	plan := r.get(t, sent.To)
	other := r.post(t, "/sites/"+host+"/publish", "upload", plan.Field(t, "upload"), area.FieldHash, "0000", area.FieldRows, "abcd")
	other.Want(t, http.StatusConflict, "The plan has changed")
	r.post(t, "/sites/"+host+"/publish", "upload", other.Field(t, "upload"), area.FieldHash, other.Field(t, area.FieldHash)).Want(t, http.StatusSeeOther)
}

func TestPlan_saysWhatIsSentAndReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "top/index.html", "xy", "top/.DS_Store", "z")})
	r.get(t, sent.To).Want(t, http.StatusOK, "1 file, 2", "Version 1 (1 file, 1", "top/", "One file that visitors do not need was left out", "until 09:30")
	elsewhere := r.upload(t, part{"host", "", "www.elsewhere.example"}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	r.get(t, elsewhere.To).Want(t, http.StatusOK, "does not lead here yet", "/names/www.elsewhere.example", "Nothing: this is a new site")
}

// TestSend_saysWhatToPutRight: each fault of an archive is said at the field, in
// a sentence of its own. Which archive has which fault is for package sites.
func TestSend_saysWhatToPutRight(t *testing.T) {
	t.Parallel()
	locked := []byte(testkit.Zip(t, "index.html", "x"))
	for mark, behind := range map[string]int{"PK\x01\x02": 8, "PK\x03\x04": 6} { // where the flags are
		locked[bytes.Index(locked, []byte(mark))+behind] |= 1
	}
	for name, c := range map[string]struct{ archive, want string }{
		"nothing":         {"", "Choose an archive or a folder"},
		"a picture":       {"\x89PNG....", "neither a zip nor a tar.gz"},
		"path out":        {testkit.Zip(t, "index.html", "x", "../../etc/cron.d/x", "y"), "“../../etc/cron.d/x” cannot be the path"},
		"symbolic link":   {tarred(t, tar.Header{Name: "index.html", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "“index.html” is a link"},
		"device":          {tarred(t, tar.Header{Name: "null", Typeflag: tar.TypeChar}), "is not a plain file"},
		"file and folder": {testkit.Zip(t, "a", "x", "a/b", "y"), "is there twice, or is both"},
		"no index":        {testkit.Zip(t, "a.html", "x"), "There is no index.html, so"},
		"index below":     {testkit.Zip(t, "a.html", "x", "dist/index.html", "y"), "There is one in dist: send that folder"},
		"password":        {string(locked), "locked with a password"},
		"cut":             {testkit.Zip(t, "index.html", "x")[:40], "damaged"},
		"bomb":            {tarred(t, tar.Header{Name: "index.html", Typeflag: tar.TypeReg, Size: 70_000_000}), "far more than a site can hold"},
		"only litter":     {testkit.Zip(t, ".DS_Store", "x"), "What you sent contains no page"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			parts := []part{{"host", "", host}, {"archive", "a.zip", c.archive}}
			if c.archive == "" {
				parts[1].file = ""
			}
			a := r.upload(t, parts...)
			a.Want(t, http.StatusUnprocessableEntity, c.want, `value="`+host+`"`, "Error: ")
			r.leaves(t, 0)
			if jobs, err := r.box.Agent().Jobs.List(t.Context(), 0); err != nil || len(jobs) > 0 {
				t.Errorf("something was started: %v, %v", jobs, err)
			}
		})
	}
}

// TestSend_saysTheLimits: those of the box are too high for a test to reach.
func TestSend_saysTheLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for want, args := range map[string]map[string]string{
		"It is larger than 4\u00a0MB": {"fault": "large", "limit_bytes": "4000000"},
		"more than 20,000 files":      {"fault": "count", "limit_count": "20000"},
		"the box has another fault":   {"fault": "of a newer box"},
	} {
		p := &problem.Problem{Code: "site-too-large", Kind: problem.Invalid, What: "the box has another fault", Next: []string{"x"}, Args: args}
		r.box.Fail("PUT /v1/drafts/amara/amara", p)
		r.upload(t, part{"host", "", host}, part{"archive", "a.zip", "PK"}).Want(t, http.StatusUnprocessableEntity, want)
	}
}

func TestSend_moreThanAllowedGetsAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.upload(t, part{"host", "", host}, part{"folder", "a/index.html", strings.Repeat("x", 1<<20+1)})
	a.Want(t, http.StatusUnprocessableEntity, "larger than 1\u00a0MB")
	r.leaves(t, 0)
}

func TestSend_keepsFilesWhenTheAddressIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.upload(t, part{"host", "", "demo coop"}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	a.Want(t, http.StatusUnprocessableEntity, "“demo coop” cannot be the address of a site", "do not need to choose them again")
	b := r.upload(t, part{"host", "", host}, part{"upload", "", a.Field(t, "upload")}, part{"archive", "", ""})
	b.Want(t, http.StatusSeeOther)
	r.get(t, b.To).Want(t, http.StatusOK, "1 file")
}

func TestSend_namesWhoHasTheAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.box.AddCalled(t, "Handbook", "dokuwiki", "wiki.demo.coop")
	if _, err := r.box.Agent().Redirects.Add(t.Context(), appliance.Redirect{Host: "old.demo.coop", Target: "https://www.demo.coop/"}); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string][2]string{
		"wiki.demo.coop is the address of Handbook. Choose another address.":             {"wiki.demo.coop", "en"},
		"wiki.demo.coop es la dirección de Handbook. Elige otra dirección.":              {"wiki.demo.coop", "es"},
		"wiki.demo.coop est l’adresse de Handbook. Choisissez une autre adresse.":        {"wiki.demo.coop", "fr"},
		"old.demo.coop leads visitors to https://www.demo.coop/. Choose another address": {"old.demo.coop", "en"},
	} {
		b, kind := body(t, part{"host", "", c[0]}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
		q := httptest.NewRequest("POST", "https://console.example/sites/new", b)
		q.Header.Set("Content-Type", kind)
		q.Header.Set("Accept-Language", c[1])
		a := r.send(t, q, "amara")
		if got := a.Text(t, ".errsum li"); a.Status != http.StatusUnprocessableEntity || !strings.HasPrefix(got, want) || strings.HasSuffix(got, ":") {
			t.Errorf("%d: %q, want %q", a.Status, got, want)
		}
	}
}

func TestAsk_beginsWithAFreeAddressOfAKnownName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.get(t, "/sites/new").Want(t, http.StatusOK, `value="demo.coop"`)
	r.get(t, "/sites/new?address=www.demo.coop").Want(t, http.StatusOK, `value="www.demo.coop"`)
	if _, err := agenttest.PushSite(t.Context(), r.box.Agent().Sites, "demo.coop", strings.NewReader(testkit.Zip(t, "index.html", "x"))); err != nil {
		t.Fatal(err)
	}
	r.box.AddCalled(t, "Website", "wordpress", "www.demo.coop")
	r.get(t, "/sites/new").Want(t, http.StatusOK, `value="pages.demo.coop"`)
}

func TestUpload_isGoneForOthersAfterAWhileAndWhenDiscarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	stranger := r.send(t, httptest.NewRequest("GET", "https://console.example"+sent.To, nil), "bo")
	stranger.Want(t, http.StatusNotFound, "not on the box any more")
	id := strings.TrimPrefix(sent.To, "/sites/"+host+"/publish?upload=")
	r.send(t, httptest.NewRequest("POST", "https://console.example/sites/"+host+"/discard?upload="+id, nil), "bo").Want(t, http.StatusSeeOther)
	r.leaves(t, 1)
	if err := r.box.Agent().Sites.DropDraft(t.Context(), id); err != nil { // as after a while
		t.Fatal(err)
	}
	r.get(t, sent.To).Want(t, http.StatusNotFound, "kept for 30 minutes")
	r.post(t, "/sites/"+host+"/publish", "upload", id).Want(t, http.StatusNotFound)
	r.leaves(t, 0)
	again := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	plan := r.get(t, again.To)
	r.post(t, "/sites/"+host+"/discard", "upload", plan.Field(t, "upload")).Want(t, http.StatusSeeOther)
	r.leaves(t, 0)
}

// TestPublish_whenTheBoxIsBusyKeepsWhatWasSent: another change of the same site
// goes on, so this one is agreed to again later.
func TestPublish_whenTheBoxIsBusyKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "y")})
	plan := r.get(t, sent.To)
	r.box.Hold()
	other, err := agenttest.PushSite(t.Context(), r.box.Agent().Sites, host, strings.NewReader(testkit.Zip(t, "index.html", "z")))
	if err != nil {
		t.Fatal(err)
	}
	form := []string{"upload", plan.Field(t, "upload"), area.FieldHash, plan.Field(t, area.FieldHash)}
	r.post(t, "/sites/"+host+"/publish", form...).Want(t, http.StatusConflict)
	if err := r.box.Agent().Jobs.Stop(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	r.box.Release()
	testkit.Eventually(t, time.Minute, "it cannot be published later", func() bool {
		return r.post(t, "/sites/"+host+"/publish", form...).Status == http.StatusSeeOther
	})
}

func TestShow_goesBackAndForward(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.get(t, "/sites").Want(t, http.StatusOK, "No site is published", "Publish a site")
	for _, text := range []string{"one", "three"} {
		r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", text)})
	}
	r.get(t, "/sites").Want(t, http.StatusOK, "One site is published", `href="/sites/`+host+`"`, `href="https://`+host+`:8443"`)
	r.get(t, "/sites/"+host).Want(t, http.StatusOK, "Visitors see version 2", "Go back to version 1")
	back := r.post(t, "/sites/"+host+"/versions/1/back")
	back.Want(t, http.StatusSeeOther)
	cookies := (&http.Response{Header: back.Header}).Cookies()
	if back.To != "/sites/"+host || len(cookies) != 1 {
		t.Fatalf("led to %s with %v", back.To, cookies)
	}
	q := httptest.NewRequest("GET", "https://console.example"+back.To, nil)
	q.AddCookie(cookies[0])
	r.send(t, q, "amara").Want(t, http.StatusOK, "Visitors now see version 1", `action="/sites/`+host+`/versions/2/back"`, "Go forward to version 2")
	r.post(t, "/sites/"+host+"/versions/9/back").Want(t, http.StatusNotFound)
	r.post(t, "/sites/"+host+"/versions/x/back").Want(t, http.StatusNotFound)
	r.get(t, "/sites/nothing.demo.coop").Want(t, http.StatusNotFound)
}

func TestCopy_isWhatIsPublishedAsAZip(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.get(t, "/sites/"+host+"/copy").Want(t, http.StatusNotFound, "no site at")
	r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", "hello")})
	r.get(t, "/sites/"+host).Want(t, http.StatusOK, "Download a copy", `href="/sites/`+host+`/copy"`)
	a := r.get(t, "/sites/"+host+"/copy")
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/zip" || a.Header.Get("Content-Disposition") != "attachment; filename="+host+".zip" {
		t.Errorf("%d, %v", a.Status, a.Header)
	}
	z, err := zip.NewReader(strings.NewReader(a.Source), int64(len(a.Source)))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "index.html" {
		t.Errorf("%+v, %v", z, err)
	}
}

func TestBack_thatFailsLeadsToItsJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, text := range []string{"one", "three"} {
		r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", text)})
	}
	r.box.Hold()
	go func() {
		for jobs, err := r.box.Agent().Jobs.List(t.Context(), 1); err == nil && r.box.Agent().Jobs.Stop(t.Context(), max(jobs[0].ID, 3)) != nil; {
			jobs, err = r.box.Agent().Jobs.List(t.Context(), 1)
		}
	}()
	if a := r.post(t, "/sites/"+host+"/versions/1/back"); a.To != "/jobs/3" {
		t.Errorf("led to %q", a.To)
	}
}

func TestRemove_needsTheAddressTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	page := r.get(t, "/sites/"+host+"/remove")
	page.Want(t, http.StatusOK, "What is removed", "What stays", "How to undo it", "type its address: "+host)
	form := []string{area.FieldHash, page.Field(t, area.FieldHash), area.FieldKey, page.Field(t, area.FieldKey), "typed", ""}
	r.post(t, "/sites/"+host+"/remove", form...).Want(t, http.StatusUnprocessableEntity, "This is not the address", `aria-invalid="true"`)
	form[5] = " WWW.demo.coop "
	first := r.post(t, "/sites/"+host+"/remove", form...)
	first.Want(t, http.StatusSeeOther)
	if again := r.post(t, "/sites/"+host+"/remove", form...); again.To != first.To {
		t.Errorf("led to %s, then to %s", first.To, again.To)
	}
	if left, err := r.box.Agent().Sites.List(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRemove_aChangedPlanIsShownAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	r.post(t, "/sites/"+host+"/remove", area.FieldHash, "0000", "typed", host).Want(t, http.StatusConflict, "The plan has changed")
}

func TestPages_inEveryLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, text := range []string{"one", "three"} {
		r.publish(t, part{"archive", "a.zip", testkit.Zip(t, "index.html", text)})
	}
	sent := r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "a/index.html", "x")})
	c := areatest.New(t, []fs.FS{sites.Files()}, func(d area.Deps) { sites.Routes(d, agent(r.box.Agent())) })
	for _, lang := range locale.Langs() {
		c.Lang = lang
		for _, path := range []string{"/sites", "/sites/new", "/sites/" + host, "/sites/" + host + "/remove"} {
			if p := c.Get(t, path); p.Status != http.StatusOK {
				t.Errorf("%s in %s: %d", path, lang, p.Status)
			}
		}
		for _, path := range []string{"/sites", "/sites/new", sent.To, "/sites/" + host, "/sites/" + host + "/remove"} {
			q := httptest.NewRequest("GET", "https://console.example"+path, nil)
			q.Header.Set("Accept-Language", lang)
			r.send(t, q, "amara").Want(t, http.StatusOK, `lang="`+lang+`"`)
		}
	}
}

func TestAgent_thatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	away := &problem.Problem{Code: "agent-not-running", Kind: problem.Unavailable, What: "the agent is not running", Next: []string{"start it"}}
	r.box.Fail("GET /v1/sites", away)
	r.box.Fail("POST /v1/plans/push-site", away)
	r.get(t, "/sites").Want(t, http.StatusServiceUnavailable, "The agent is not running")
	r.upload(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")}).Want(t, http.StatusServiceUnavailable)
}

func TestMessages(t *testing.T) {
	b, err := locale.New(sites.Files())
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, b, []string{"."}, "problem.", "sites.upload.")
}
