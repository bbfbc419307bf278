// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coopkit/internal/problem"
)

// up brings the demo to where it should be from wherever it is: nothing there,
// half-finished, or running already.
func (d *demo) up(ctx context.Context) error {
	var s status
	var login signin
	var tech deskLogin
	var door access
	steps := []struct {
		name, text string
		do         func() error
	}{
		{"start", "Start the appliance", func() (err error) { s, err = d.startAgent(ctx); return err }},
		{"name", "Give it the name " + zone, func() error { return d.addName(ctx) }},
		{"app", "Add WordPress at " + appHost, func() error { return d.addApp(ctx) }},
		{"site", "Publish a static site at " + zone, func() error { return d.pushSite(ctx) }},
		{"signin", "Ask for WordPress's first account", func() error { return d.ask(ctx, &login, "app", "signin", d.app) }},
		{"desk", "Start a support desk", func() error { return d.startDesk(ctx) }},
		{"enrol", "Let the box join the desk, and wait for its report", func() (err error) {
			if tech, err = d.deskLogin(); err != nil {
				return err
			}
			return d.enrol(ctx, tech.Password)
		}},
		{"console", "Open the console", func() error { return d.openConsole(ctx, s, &door) }},
		{"outside", "Look at it from outside: DNS, HTTPS, sign in, publish a post, read it", func() error { return d.visit(ctx, s, login) }},
	}
	for _, step := range steps {
		if err := d.step(step.name, step.text, step.do); err != nil {
			return err
		}
	}
	return d.report(s, login, door, tech)
}

func (d *demo) addName(ctx context.Context) error {
	var names []zoneName
	if err := d.ask(ctx, &names, "name", "list"); err != nil {
		return err
	}
	if slices.ContainsFunc(names, func(n zoneName) bool { return n.Zone == zone }) {
		d.note("it has it already")
		return nil
	}
	return d.tell(ctx, "name", "add", zone, "--yes")
}

// addApp adds WordPress, or waits for an add that a run before us began.
func (d *demo) addApp(ctx context.Context) error {
	a, there, err := d.settled(ctx)
	if err != nil {
		return err
	}
	switch {
	case !there:
		args := []string{"app", "add", recipe}
		if d.app != recipe {
			args = append(args, "--name", d.app)
		}
		err = d.tell(ctx, append(args, "--address", appHost, "--set", "title="+title, "--set", "email="+email, "--yes")...)
	case a.State == "stopped":
		err = d.tell(ctx, "app", "start", d.app)
	default:
		d.note("it is there already")
	}
	if err != nil {
		return err
	}
	if a, there, err = d.settled(ctx); err != nil {
		return err
	}
	if !there || a.State != "running" {
		return &problem.Problem{
			Code: "demo-app-not-running", Kind: problem.Failed,
			What: "WordPress was added but does not run",
			Why:  "its state is “" + a.State + "”",
			Next: []string{"bin/coopkit --socket .demo/coopkit.sock app logs " + d.app, "make demo-down && make demo"},
		}
	}
	return nil
}

// apps asks for the apps.
func (d *demo) apps(ctx context.Context) (apps []app, err error) {
	return apps, d.ask(ctx, &apps, "app", "list")
}

// settled waits until the app is in a state that it stays in: no job is about
// it, and it does not start.
func (d *demo) settled(ctx context.Context) (a app, there bool, err error) {
	err = poll(ctx, 6*time.Minute, func() (bool, error) {
		busy, err := d.busy(ctx)
		if busy || err != nil {
			return false, err
		}
		apps, err := d.apps(ctx)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(apps, func(x app) bool { return x.Name == d.app })
		if a, there = (app{}), i >= 0; there {
			a = apps[i]
		}
		return a.State != "starting", nil
	})
	if errors.Is(err, errTooLong) {
		err = nil // the state says what it hangs on
	}
	return a, there, err
}

// busy reports whether a change of the app is under way: one that a run before
// us began, or its undoing.
func (d *demo) busy(ctx context.Context) (bool, error) {
	var jobs []job
	err := d.ask(ctx, &jobs, "job", "list")
	return slices.Contains(jobs, job{Subject: "app:" + d.app, State: "running"}), err
}

// pushSite publishes the demo's site unless the box serves the same already.
func (d *demo) pushSite(ctx context.Context) error {
	files, bytes, err := measure(d.site)
	if err != nil {
		return err
	}
	var sites []site
	if err := d.ask(ctx, &sites, "site", "list"); err != nil {
		return err
	}
	if slices.Contains(sites, site{Host: zone, Files: files, Bytes: bytes}) {
		d.note("it is published already")
		return nil
	}
	return d.tell(ctx, "site", "push", d.site, zone, "--yes")
}

func measure(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files, bytes = files+1, bytes+info.Size()
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read the demo's site: %w", err)
	}
	return files, bytes, nil
}

// visit looks at the demo from outside.
func (d *demo) visit(ctx context.Context, s status, login signin) error {
	v, err := newVisitor(d.dns, s.CA)
	if err != nil {
		return err
	}
	for _, host := range []string{zone, appHost} {
		for _, network := range []string{"udp", "tcp"} {
			found, err := v.lookup(ctx, network, host)
			if err != nil {
				return err
			}
			d.note("DNS over %s: %s is at %s", network, host, strings.Join(found, ", "))
		}
	}
	if err := see(ctx, v.client(), d.url(zone), "Coopkit"); err != nil {
		return err
	}
	d.note("%s opens, its certificate is good", d.url(zone))
	if err := d.redirects(ctx, v); err != nil {
		return err
	}
	if err := see(ctx, v.client(), d.url(appHost), title); err != nil {
		return err
	}
	d.note("%s opens, its certificate is good", d.url(appHost))
	return d.publish(ctx, v, login)
}

// redirects checks that plain HTTP leads to HTTPS.
func (d *demo) redirects(ctx context.Context, v *visitor) error {
	c := v.client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, port, _ := strings.Cut(d.http, ":")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+zone+":"+port+"/", nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return outside("plain HTTP is not answered", err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	if to := resp.Header.Get("Location"); to != d.url(zone) {
		return outside("plain HTTP does not lead to HTTPS", fmt.Sprintf("it answered %d and leads to “%s”", resp.StatusCode, to))
	}
	d.note("http://%s leads to https://", zone)
	return nil
}

// publish signs in as WordPress's owner, publishes a post and reads it as
// somebody else.
func (d *demo) publish(ctx context.Context, v *visitor, login signin) error {
	owner, err := signIn(ctx, v.client(), d.url(appHost), login)
	if err != nil {
		return err
	}
	d.note("signed in to WordPress as %s", login.User)
	text := "Published by make demo on " + time.Now().Format("2 January 2006 at 15:04:05.000000") + "."
	link, err := owner.publish(ctx, text)
	if err != nil {
		return err
	}
	d.note("published a post")
	if err := see(ctx, v.client(), link, text); err != nil {
		return err
	}
	d.note("a visitor reads it at %s", link)
	return nil
}

// exists reports whether the demo has left anything here.
func (d *demo) exists() bool {
	_, err := os.Stat(d.dir)
	return err == nil
}
