// SPDX-License-Identifier: AGPL-3.0-or-later

package journey

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// One box after the other goes the whole way: Amara sets it up, adds WordPress
// and opens it, publishes a site, joins the desk of Jonas; then the app stops,
// and both see it. Every way of using a browser goes all of it.
func TestSteward_goesTheWholeWay(t *testing.T) {
	testkit.NeedDocker(t)
	for _, how := range []hands{mouse, keyboard, noScripts} {
		t.Run(string(how), func(t *testing.T) {
			s := newStage(t)
			s.startBox()
			s.startDesk()
			t.Cleanup(s.removeApps)
			amara := newBrowser(t, how)
			amara.speak("en")
			firstRun(amara, s)
			addWordPress(amara, s)
			publishSite(amara, s)
			jonas := newBrowser(t, how)
			jonas.speak("en")
			joinDesk(amara, jonas, s)
			stopApp(amara, jonas, s)
			if how == mouse {
				lookAtAll(amara, jonas, s)
			}
		})
	}
}

// boxName is what the steward calls the box, and the desk then too.
const boxName = "pantry"

func firstRun(b *browser, s *stage) {
	b.t.Helper()
	b.open(s.console + "/")
	b.sees("One-time token")
	b.fill("One-time token", "WRNG-WRNG-WRNG-WRNG-WRNG")
	b.press("Continue")
	b.sees("This token does not match")
	b.shows("setup")
	token := s.token()
	b.did = effort{began: time.Now()} // without the mistake
	b.fill("One-time token", token)
	b.press("Continue")
	b.fill("Your name", "Amara Osei")
	b.shows("setup-steward")
	b.fill("Sign-in name", stewardName)
	b.fill("New password", stewardPassword)
	b.fill("Name of your co-op", coopName)
	b.press("Continue")
	b.choose("We have a name")
	b.fill("Your name", "demo.coop")
	b.shows("setup-name")
	b.press("Continue")
	b.press("Agree and add the name")
	b.sees("What do you want to begin with?")
	b.press("Nothing yet")
	b.sees("Your box is ready")
	b.shows("setup-done")
	did := b.did
	b.open(s.console + "/settings") // a name for the box is no part of the set-up
	b.fill("Name of this box", boxName)
	b.press("Save")
	b.sees("The settings are saved")
	b.open(s.console + "/setup/done")
	b.did = did
}

// The most that lies between the first page of the set-up and an app that one can
// sign in to; the README has the figures.
const (
	mostClicks = 13
	mostFields = 9
)

func addWordPress(b *browser, s *stage) {
	b.t.Helper()
	b.press("Choose the first app")
	b.shows("catalogue")
	b.press("WordPress")
	b.press("Add WordPress")
	b.fill("E-mail address", "amara@demo.coop")
	b.unfold("More settings")
	b.fill("Name of the website", coopName)
	b.fill("Short name", "website")
	b.press("See the plan")
	b.sees("www.demo.coop")
	b.shows("add-plan")
	b.press("Agree and add")
	b.sees("Steps")
	b.shows("job")
	b.sees("All steps succeeded")
	b.press("See the first sign-in")
	b.sees("This page is shown only once", "admin")
	b.t.Logf("from the set-up to the first sign-in: %d clicks, %d fields, %.0f seconds", b.did.clicks, b.did.fields, time.Since(b.did.began).Seconds())
	if b.did.clicks > mostClicks || b.did.fields > mostFields {
		b.t.Errorf("that is more than %d clicks and %d fields", mostClicks, mostFields)
	}
	b.shows("signin-once")
	s.sees(b, "https://www.demo.coop:"+s.https+"/", coopName)
	b.open("https://www.demo.coop:" + s.https + "/")
	b.sees(coopName)
	b.picture("wordpress", false)
	b.open(s.console + "/apps/website")
	b.shows("app")
}

// sees opens a page as a visitor whose device trusts the box's authority and
// nothing else.
func (s *stage) sees(b *browser, url, text string) {
	b.t.Helper()
	pem, err := os.ReadFile(filepath.Join(s.dir, "box", "certificates", "ca", "root.crt"))
	if err != nil {
		b.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+s.https)
		},
	}}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		b.t.Error(err)
	}
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), text) {
		b.t.Errorf("%s: %s, %v:\n%s", url, resp.Status, err, body)
	}
}

func publishSite(b *browser, s *stage) {
	b.t.Helper()
	b.press("Sites")
	b.press("Publish a site")
	b.fill("Address of the site", "demo.coop")
	b.press("Send and see the plan")
	b.sees("Choose an archive or a folder to send")
	b.attach("Zip or tar.gz file", pack(b.t, map[string]string{"bread/index.html": "<!doctype html><title>Bread</title><h1>Bread from six o’clock</h1>"}))
	b.press("Send and see the plan")
	b.sees("1 file")
	b.shows("site-plan")
	b.press("Publish")
	b.sees("All steps succeeded")
	s.sees(b, "https://demo.coop:"+s.https+"/", "Bread from six")
	b.press("Go to the site demo.coop")
	b.sees("Visitors see version 1")
	b.shows("site")
}

func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "site.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func joinDesk(amara, jonas *browser, s *stage) {
	amara.t.Helper()
	jonas.open(s.desk + "/")
	jonas.fill("Name", techName)
	jonas.fill("Password", "not his password")
	jonas.press("Sign in")
	jonas.sees("The name or the password is wrong")
	jonas.fill("Password", techPassword)
	jonas.press("Sign in")
	jonas.sees("Fleet")
	jonas.shows("fleet-empty")
	jonas.press("Invitations")
	jonas.press("Create an invitation")
	jonas.sees("shown only once")
	code := jonas.says("#code")
	jonas.shows("invited")

	amara.open(s.console + "/settings/desk")
	amara.fill("Invitation", strings.Replace(code, "ck1.", "ck1.x", 1))
	amara.press("See the plan")
	amara.sees("This is not an invitation")
	amara.fill("Invitation", code)
	amara.press("See the plan")
	amara.sees("The desk can only receive reports")
	amara.shows("desk-plan")
	amara.press("Agree and join")
	amara.sees("is waiting for the four words")
	amara.shows("desk-words")
	words := strings.Join(strings.Fields(amara.says("ol.words")), " ")

	jonas.open(s.desk + "/fleet")
	jonas.sees("nobody has compared the four words yet")
	jonas.press(boxName)
	if there := strings.Join(strings.Fields(jonas.says(".words")), " "); there != words || words == "" {
		jonas.t.Errorf("the box shows %q, the desk %q", words, there)
	}
	jonas.shows("box-pending")
	jonas.press("Confirm: the words are the same")
	jonas.until("/fleet", "Nothing to do")
	jonas.press(boxName)
	jonas.sees("www.demo.coop", "demo.coop")
	jonas.shows("box")
	amara.until("/settings/desk", "can see the state of this box")
	amara.press("See exactly what is sent")
	amara.sees("www.demo.coop")
	amara.shows("desk-sent")
}

// until loads a page of the same site again and again until it says the words.
func (b *browser) until(path string, words ...string) {
	b.t.Helper()
	at := b.at()
	base := at[:strings.Index(at[len("https://"):]+"/", "/")+len("https://")]
	deadline := time.Now().Add(4 * patience)
	for {
		b.open(base + path)
		_, text := b.where()
		flat, all := strings.Join(strings.Fields(text), " "), true
		for _, w := range words {
			all = all && strings.Contains(flat, w)
		}
		if all {
			return
		}
		if time.Now().After(deadline) {
			b.fail("%s never says %q", path, words)
		}
		b.pause()
	}
}

func stopApp(amara, jonas *browser, s *stage) {
	amara.t.Helper()
	amara.open(s.console + "/apps/website")
	amara.press("Stop")
	amara.sees("All steps succeeded")
	amara.until("/findings", "closed")
	amara.shows("finding")
	amara.until("/", "Amara")
	amara.shows("home")
	jonas.until("/fleet", "APP-STOPPED")
	jonas.shows("fleet")
	jonas.press(boxName)
	jonas.sees("APP-STOPPED")
	jonas.shows("box-finding")
	amara.open(s.console + "/apps/website")
	amara.press("Start")
	amara.sees("All steps succeeded")
	jonas.until("/boxes/"+jonas.at()[strings.LastIndex(jonas.at(), "/")+1:], "Solved: Website is closed")
}

// lookAtAll looks at every page that can be reached from the box and the desk
// as they are now, with something on them.
func lookAtAll(amara, jonas *browser, s *stage) {
	stranger := newBrowser(amara.t, mouse)
	for _, path := range []string{"/signin", "/signin/recover", "/help"} {
		stranger.look(axe(amara.t), s.console, path)
	}
	for _, path := range []string{"/signin", "/signin/recover", "/join"} {
		stranger.look(axe(amara.t), s.desk, path)
	}
	pages := amara.lookEverywhere(s.console, "/", "/nowhere", "/apps/website/remove", "/catalogue/wordpress/add", "/setup/done", "/setup/name")
	if len(pages) < 30 {
		amara.t.Errorf("only %d pages of the console were found: %v", len(pages), pages)
	}
	amara.t.Logf("looked at %d pages of the console: %v", len(pages), pages)
	pages = jonas.lookEverywhere(s.desk, "/", "/nowhere", "/people", "/coops", "/invitations")
	if len(pages) < 8 {
		jonas.t.Errorf("only %d pages of the desk were found: %v", len(pages), pages)
	}
	jonas.t.Logf("looked at %d pages of the desk: %v", len(pages), pages)
}
