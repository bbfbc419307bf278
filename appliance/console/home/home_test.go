// SPDX-License-Identifier: AGPL-3.0-or-later

package home_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/home"
	"coopkit/appliance/control"
	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/webkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) home.Agent {
	return home.Agent{
		Health: box.Health, Apps: box.Apps, Sites: box.Sites, Recipes: box.Recipes, Jobs: box.Jobs, Box: box.Box, Desk: box.Desk, Usage: box.Usage,
	}
}

func serve(t *testing.T, box *agenttest.Box) *areatest.Console {
	t.Helper()
	return areatest.New(t, []fs.FS{home.Files()}, func(d area.Deps) { home.Routes(d, agent(box.Agent())) })
}

func withApps(t *testing.T) *agenttest.Box {
	t.Helper()
	box := agenttest.New(t)
	for recipe, host := range map[string]string{"wordpress": "www.demo.coop", "dokuwiki": "wiki.demo.coop"} {
		box.Add(t, recipe, host)
	}
	return box
}

// oneFile is a site as it is sent to the agent.
func oneFile(t *testing.T) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "index.html", Mode: 0o644, Typeflag: tar.TypeReg}), w.Close()); err != nil {
		t.Fatal(err)
	}
	return &b
}

var (
	stopped = appliance.Finding{
		Code: "SERVICE-STOPPED", Subject: "app:wordpress/db", Severity: appliance.Critical, What: "WordPress does not work now", Why: "Its part \"db\" ended with code 137.",
		Next: []string{"coopkit app restart wordpress"}, Who: appliance.You, Since: areatest.Now.Add(-3 * time.Hour),
	}
	elsewhere = appliance.Finding{
		Code: "NAME-LEADS-ELSEWHERE", Subject: "host:wiki.demo.coop", Severity: appliance.Critical, What: "x", Why: "y", Next: []string{"z"}, Who: appliance.You, Since: areatest.Now,
	}
	filling = appliance.Finding{
		Code: "DISK-FILLING", Subject: "disk:/var/lib/coopkit", Severity: appliance.Warning, What: "x", Why: "It fills.", Next: []string{"z"}, Who: appliance.You, Since: areatest.Now,
	}
	reboot = appliance.Finding{Code: "REBOOT-NEEDED", Severity: appliance.Notice, What: "x", Why: "y", Next: []string{"reboot"}, Who: appliance.You, Since: areatest.Now}
)

func TestHome_firstLineAnswersTheVisit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		box  func(t *testing.T) *agenttest.Box
		find []appliance.Finding
		want string
	}{
		"empty":              {func(*testing.T) *agenttest.Box { return agenttest.New(t) }, nil, "This box is ready for its first app. Nothing needs your attention today."},
		"fine":               {withApps, nil, "Both addresses are open. Nothing needs your attention today."},
		"notice":             {withApps, []appliance.Finding{reboot}, "Both addresses are open. Nothing needs your attention today."},
		"warning":            {withApps, []appliance.Finding{filling}, "Both addresses are open. One thing needs your attention this week."},
		"one":                {notSwitched, []appliance.Finding{elsewhere, filling}, "wiki.demo.coop is not switched over yet: visitors from outside cannot open 1 of the 2 addresses. One thing needs your attention now. One more needs it this week."},
		"inside":             {insideOnly, nil, "Both addresses are open inside this network only. Nothing needs your attention today."},
		"app":                {withApps, []appliance.Finding{stopped}, "1 of the 2 addresses does not answer. One thing needs your attention now."},
		"door":               {withApps, []appliance.Finding{{Code: "DOOR-CLOSED", Subject: "door:0.0.0.0:443", Severity: appliance.Critical, Since: areatest.Now}}, "Neither of the two addresses answers. One thing needs your attention now."},
		"one away":           {oneStopped, nil, "1 of the 2 addresses is open. One is stopped. Nothing needs your attention today."},
		"one away, one down": {oneStopped, []appliance.Finding{{Code: "APP-NOT-ANSWERING", Subject: "app:dokuwiki", Severity: appliance.Critical, Since: areatest.Now}}, "Neither of the two addresses answers. One is stopped. One thing needs your attention now."},
		"all away":           {allStopped, nil, "Nothing is open: all apps are stopped. Nothing needs your attention today."},
		"new":                {func(*testing.T) *agenttest.Box { b := agenttest.New(t); b.Unlooked(); return b }, nil, "This box is ready for its first app. The first check is under way."},
	} {
		t.Run(name, func(t *testing.T) {
			box := c.box(t)
			if c.find != nil {
				box.Find(c.find...)
			}
			page := serve(t, box).Get(t, "/")
			if got := page.Text(t, "h1"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func notSwitched(t *testing.T) *agenttest.Box {
	t.Helper()
	box := withApps(t)
	box.Reach(appliance.ReachNotSwitched, "wiki.demo.coop", "wiki.demo.coop")
	return box
}

func insideOnly(t *testing.T) *agenttest.Box {
	t.Helper()
	box := withApps(t)
	box.Reach(appliance.ReachInside, "", "wiki.demo.coop", "www.demo.coop")
	return box
}

func oneStopped(t *testing.T) *agenttest.Box {
	t.Helper()
	box := withApps(t)
	if _, err := box.Agent().Apps.Stop(t.Context(), "wordpress"); err != nil {
		t.Fatal(err)
	}
	return box
}

func allStopped(t *testing.T) *agenttest.Box {
	t.Helper()
	box := oneStopped(t)
	if _, err := box.Agent().Apps.Stop(t.Context(), "dokuwiki"); err != nil {
		t.Fatal(err)
	}
	return box
}

func TestHome_doorIsNotOpenForAllWhenOneIsStopped(t *testing.T) {
	t.Parallel()
	page := serve(t, oneStopped(t)).Get(t, "/")
	for _, want := range []string{"Open, but not for all", "One is stopped.", "1 of 2 addresses is open to visitors from outside."} {
		if got := page.Text(t, ".glance"); !strings.Contains(got, want) {
			t.Errorf("the glance does not say %q: %s", want, got)
		}
	}
}

func TestHome_showsThreeFindingsAppsAndWhatHappened(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	box.Find(stopped, elsewhere, filling, reboot, appliance.Finding{Code: "MEMORY-LOW", Severity: appliance.Warning, Since: areatest.Now})
	page := serve(t, box).Get(t, "/")
	if n := len(page.All("article.finding")); n != 3 {
		t.Errorf("%d findings", n)
	}
	for selector, want := range map[string]string{
		"article h3":                         "WordPress does not work now",
		"form[action=/apps/wordpress/start]": "Start wordpress",
		"section a[href=/findings]":          "And one more",
		"a[href=/apps/wordpress] b":          "WordPress",
		".rows .pill":                        "Open",
		"aside .rows a":                      "Added ",
		".glance .big":                       "Open, but not for all",
	} {
		if got := page.Text(t, selector); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
	if len(page.All("a[href=/findings/SERVICE-STOPPED/app:wordpress/db]")) != 1 {
		t.Error("no way to the finding's own page")
	}
	if strings.Contains(page.Source, "stamp") {
		t.Error("something is shown for which there is no data")
	}
}

// TestHome_headlineCountsTheCards: whatever was found, the headline says as many
// things as there are cards, those behind "And 2 more" included.
func TestHome_headlineCountsTheCards(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	c := serve(t, box)
	count := regexp.MustCompile(`(One|[0-9]+) (?:things? needs? your attention|more needs? it)`)
	more := regexp.MustCompile(`And (one|[0-9]+) more`)
	number := func(s string) int {
		if strings.EqualFold(s, "one") {
			return 1
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	random := rand.New(rand.NewPCG(11, 2))
	for range 60 {
		found := []appliance.Finding{}
		for i := range random.IntN(12) {
			found = append(found, appliance.Finding{
				Code: "CODE-" + strconv.Itoa(random.IntN(4)), Subject: "app:a" + strconv.Itoa(i), What: "x", Why: "y", Next: []string{"z"},
				Severity: appliance.Severity(1 + random.IntN(3)), Who: appliance.You, Since: areatest.Now,
			})
		}
		slices.SortFunc(found, func(a, b appliance.Finding) int { return int(b.Severity - a.Severity) })
		box.Find(found...)
		page := c.Get(t, "/")
		cards, said := len(page.All("article.finding")), 0
		for _, m := range count.FindAllStringSubmatch(page.Text(t, "h1"), -1) {
			said += number(m[1])
		}
		if m := more.FindStringSubmatch(page.Text(t, "main")); m != nil {
			cards += number(m[1])
		}
		if said != cards || (cards == 0) != strings.Contains(page.Text(t, "h1"), "Nothing needs your attention today.") {
			t.Errorf("%d cards below %q", cards, page.Text(t, "h1"))
		}
		if all := c.Get(t, "/findings"); len(all.All("article.finding")) < cards {
			t.Errorf("%d of %d cards on the page of all", len(all.All("article.finding")), cards)
		}
	}
}

func TestHome_foldsNoticesAndGroupsWhatIsTheSame(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	none := func(app, title string) appliance.Finding {
		return appliance.Finding{Code: "BACKUP-NONE", Subject: "app:" + app, Severity: appliance.Warning, Since: areatest.Now, Args: map[string]string{"app": title, "install": app}}
	}
	box.Find(none("wordpress", "Website"), none("dokuwiki", "Handbook"), reboot)
	page := serve(t, box).Get(t, "/")
	if n, h := len(page.All("article.finding")), page.Text(t, "article h3"); n != 1 || h != "2 apps have no backup: Website and Handbook" {
		t.Errorf("%d cards, %q", n, h)
	}
	if to := page.Value(t, "article .actions a", "href"); to != "/apps/wordpress#copy" {
		t.Errorf("it leads to %s", to)
	}
	if got := page.Text(t, "a[href=/findings#later]"); got != "One thing to check when you have time" {
		t.Errorf("notices: %q", got)
	}
}

func TestHome_stripsSayWhatTheDaysWereLike(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	if _, err := agenttest.PushSite(t.Context(), box.Agent().Sites, "demo.coop", oneFile(t)); err != nil {
		t.Fatal(err)
	}
	bad := func(date, subject string, s appliance.Severity) appliance.Day {
		return appliance.Day{Date: date, Looked: true, Worst: map[string]appliance.Severity{subject: s}}
	}
	box.Answer("GET /v1/week", []appliance.Day{
		{Date: "2026-11-17"}, // nobody looked
		bad("2026-11-18", "host:demo.coop", appliance.Critical),
		bad("2026-11-19", "host:demo.coop", appliance.Warning),
		bad("2026-11-20", "host:demo.coop", appliance.Notice),
		bad("2026-11-21", "door:[::]:443", appliance.Critical),
		bad("2026-11-22", "app:wordpress/db", appliance.Critical), // of an app of that name from before
		bad("2026-11-23", "app:dokuwiki/app", appliance.Warning),
	})
	c := serve(t, box)
	labels := func() (all []string) {
		for _, strip := range c.Get(t, "/").All(".rows .week") {
			all = append(all, areatest.Attr(strip, "aria-label"))
		}
		return all
	}
	want := []string{
		"Of the last seven days: 0 fine, 1 with warnings, 0 critical, 6 not watched",
		"Of the last seven days: 1 fine, 0 with warnings, 0 critical, 6 not watched",
		"Of the last seven days: 3 fine, 1 with warnings, 2 critical, 1 not watched",
	}
	if got := labels(); !slices.Equal(got, want) {
		t.Errorf("the strips say %q", got)
	}
	box.Fail("GET /v1/week", errors.New("away"))
	if got := labels(); len(got) != 0 {
		t.Errorf("nothing is known, and the strips say %q", got)
	}
}

func TestHome_saysWhoSeesTheBox(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	for state, want := range map[appliance.DeskState]string{
		appliance.DeskNone: "No IT co-op watches over this box.", appliance.DeskPending: "Demo desk is waiting for someone to compare the four words.",
		appliance.DeskLinked: "Demo desk can see the state of this box", appliance.DeskSilent: "Demo desk does not respond", appliance.DeskEnded: "Demo desk does not accept this box’s reports",
	} {
		box.Answer("GET /v1/desk", appliance.DeskLink{State: state, Name: "Demo desk", LastSent: areatest.Now.Add(-time.Minute)})
		if page := serve(t, box).Get(t, "/"); !strings.Contains(page.Text(t, ".glance"), want) {
			t.Errorf("%s: %s", state, page.Text(t, ".glance"))
		}
	}
}

func TestHome_staysWhenPartsDoNotAnswer(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	for _, part := range []string{"apps", "sites", "certificates", "host", "desk", "jobs", "recipes", "week"} {
		box.Fail("GET /v1/"+part, errors.New("away"))
	}
	page := serve(t, box).Get(t, "/")
	if got := page.Text(t, "h1"); page.Status != http.StatusOK || !strings.HasPrefix(got, "Could not check the apps and sites.") {
		t.Errorf("%d %s", page.Status, got)
	}
	box.Fail("GET /v1/findings", errors.New("away"))
	if page := serve(t, box).Get(t, "/"); page.Status != http.StatusInternalServerError {
		t.Errorf("%d without findings", page.Status)
	}
}

func TestFindings_allOneAndLookAgain(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	c := serve(t, box)
	if got := c.Get(t, "/findings").Text(t, ".empty h2"); got != "Everything is fine" {
		t.Errorf("empty: %q", got)
	}
	box.Find(stopped, reboot)
	if n := len(c.Get(t, "/findings").All("article.finding")); n != 2 {
		t.Errorf("%d findings", n)
	}
	one := c.Get(t, "/findings/SERVICE-STOPPED/app:wordpress/db")
	for _, want := range []string{"ended with code 137", "coopkit app restart wordpress", "app:wordpress/db"} {
		if !strings.Contains(one.Text(t, "details.card"), want) {
			t.Errorf("technicians do not read %q", want)
		}
	}
	if page := c.Get(t, "/findings/REBOOT-NEEDED/"); page.Status != http.StatusOK {
		t.Errorf("without a subject: %d", page.Status)
	}
	if page := c.Get(t, "/findings/GONE/app:x"); page.Status != http.StatusNotFound || page.Text(t, ".empty h2") != "Solved" {
		t.Errorf("solved: %d", page.Status)
	}
	if page := c.Post(t, "/findings/look"); page.To != "/findings" {
		t.Errorf("leads to %s", page.To)
	}
	box.Find() // what was looked for just now counts
	if n := len(c.Get(t, "/findings").All("article.finding")); n != 2 {
		t.Errorf("%d findings after looking", n)
	}
}

func TestPages_inThreeLanguages(t *testing.T) {
	t.Parallel()
	box := withApps(t)
	box.Find(stopped, filling, reboot)
	c := serve(t, box)
	for _, c.Lang = range locale.Langs() {
		for _, path := range []string{"/", "/findings", "/findings/SERVICE-STOPPED/app:wordpress/db"} {
			if page := c.Get(t, path); page.Status != http.StatusOK || page.Value(t, "html", "lang") != c.Lang {
				t.Errorf("%s in %s: %d", path, c.Lang, page.Status)
			}
		}
	}
}

func TestMessages_areComplete(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{home.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, "webkit.")
}
