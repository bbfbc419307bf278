// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coopkit/internal/atomicfile"
)

// Who uses the demo's desk.
const (
	coopID   = "demo-coop"
	coopName = "Demo Co-op"
	deskUser = "jonas"
)

// deskProcess is the support desk of the demo.
func (d *demo) deskProcess() process {
	return process{
		name: "desk", program: d.program, dir: d.dir, state: filepath.Join(d.dir, "desk"),
		args: []string{"desk", "serve", "--listen", d.desk, "--url", d.deskURL(), "--name", "Demo desk"},
	}
}

func (d *demo) deskURL() string { return "https://" + d.desk }

// deskCA is the certificate of the authority that the desk made for itself.
func (d *demo) deskCA() string { return filepath.Join(d.deskProcess().state, "ca", "root.crt") }

// startDesk makes sure that the desk answers, with a co-op and one technician.
func (d *demo) startDesk(ctx context.Context) error {
	p := d.deskProcess()
	answers := func() bool {
		c, err := d.browser(d.deskCA())
		return err == nil && see(ctx, c, d.deskURL()+"/signin", "Coopkit") == nil
	}
	if pid := p.pid(); pid != 0 {
		if p.ofThisBuild(pid) && p.wait(ctx, 10*time.Second, nil, answers) == nil {
			d.note("it runs already (process %d)", pid)
			return nil
		}
		d.note("stopping the one that runs: it is of another build, has another port or does not answer")
		if err := p.stop(ctx); err != nil {
			return err
		}
	}
	ended, err := p.launch()
	if err != nil {
		return err
	}
	return p.wait(ctx, time.Minute, ended, answers)
}

// deskLogin is how the technician signs in. The password is made once and kept
// in the demo's folder.
type deskLogin struct{ URL, User, Password string }

func (d *demo) deskLogin() (deskLogin, error) {
	login := deskLogin{URL: d.deskURL(), User: deskUser}
	file := filepath.Join(d.dir, "desk-password")
	text, err := os.ReadFile(file) //nolint:gosec // a file of the demo
	if err == nil {
		login.Password = strings.TrimSpace(string(text))
		return login, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return login, fmt.Errorf("read the technician's password: %w", err)
	}
	login.Password = strings.ToLower(rand.Text()[:20])
	return login, atomicfile.Write(file, []byte(login.Password+"\n"), 0o600)
}

// enrol lets the box join the desk, as two people do who are on the phone: one
// makes the invitation, the other joins with it; both read the same four words
// and the technician confirms.
func (d *demo) enrol(ctx context.Context, password string) error {
	if err := d.people(ctx, password); err != nil {
		return err
	}
	var link deskLink
	if err := d.ask(ctx, &link, "support", "status"); err != nil {
		return err
	}
	if link.State == "none" || link.State == "ended" {
		var invitation struct {
			Code string `json:"code"`
		}
		if err := d.ask(ctx, &invitation, "desk", "invite", "--coop", coopID, "--state", d.deskProcess().state); err != nil {
			return err
		}
		if err := d.tell(ctx, "support", "join", invitation.Code, "--yes"); err != nil {
			return err
		}
		if err := d.ask(ctx, &link, "support", "status"); err != nil {
			return err
		}
	} else {
		d.note("it has joined already")
	}
	d.note("both sides show the words: %s", strings.Join(link.Words, " "))
	return d.reported(ctx, link, password)
}

type deskLink struct {
	State string   `json:"state"`
	Box   string   `json:"box"`
	Words []string `json:"words"`
}

type deskBox struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	State string    `json:"state"`
	Words []string  `json:"words"`
	Seen  time.Time `json:"seen"` // when its last report came; zero: none has
}

// people adds the co-op and the technician who are not there yet.
func (d *demo) people(ctx context.Context, password string) error {
	state := []string{"--state", d.deskProcess().state}
	var coops []struct {
		ID string `json:"id"`
	}
	if err := d.ask(ctx, &coops, append([]string{"desk", "coop", "list"}, state...)...); err != nil {
		return err
	}
	if len(coops) == 0 {
		if err := d.tell(ctx, append([]string{"desk", "coop", "add", coopID, coopName}, state...)...); err != nil {
			return err
		}
	}
	var users []struct {
		Name string `json:"name"`
	}
	if err := d.ask(ctx, &users, append([]string{"desk", "user", "list"}, state...)...); err != nil {
		return err
	}
	if len(users) > 0 {
		return nil
	}
	cmd := d.command(ctx, append([]string{"desk", "user", "add", deskUser, "--coop", coopID, "--role", "coordinator", "--password-stdin"}, state...)...)
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.CombinedOutput()
	return said(cmd.Args[3:], err, string(out))
}

// reported confirms the box at the desk if that is still to do, waits for its
// report, and looks at it as the technician does, in the desk's pages.
func (d *demo) reported(ctx context.Context, link deskLink, password string) error {
	boxes := func() (b deskBox, err error) {
		var all []deskBox
		if err := d.ask(ctx, &all, "desk", "box", "list", "--state", d.deskProcess().state); err != nil {
			return b, err
		}
		for _, b := range all {
			if b.ID == link.Box {
				return b, nil
			}
		}
		return b, outside("the desk does not know the box", "its list does not have "+link.Box)
	}
	b, err := boxes()
	if err != nil {
		return err
	}
	if b.State == "pending" {
		if strings.Join(b.Words, " ") != strings.Join(link.Words, " ") {
			return outside("the desk shows other words than the box", strings.Join(b.Words, " ")+" instead of "+strings.Join(link.Words, " "))
		}
		if err := d.tell(ctx, "desk", "box", "confirm", b.ID, "--state", d.deskProcess().state); err != nil {
			return err
		}
	}
	err = poll(ctx, 2*time.Minute, func() (bool, error) {
		b, err = boxes()
		return err == nil && b.State == "up" && !b.Seen.IsZero(), err
	})
	if errors.Is(err, errTooLong) {
		return outside("the box does not report to the desk", fmt.Sprintf("after two minutes the desk says: %+v", b))
	}
	if err != nil {
		return err
	}
	d.note("the desk has the report of the box %s", b.Name)
	return d.lookAtDesk(ctx, b, password)
}

// lookAtDesk signs in at the desk and reads the page of the box.
func (d *demo) lookAtDesk(ctx context.Context, b deskBox, password string) error {
	c, err := d.browser(d.deskCA())
	if err != nil {
		return err
	}
	form := url.Values{"name": {deskUser}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.deskURL()+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.Do(req)
	if err != nil {
		return outside("nobody can sign in at the desk", err.Error())
	}
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("read the desk's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return outside("nobody can sign in at the desk", "it answered "+resp.Status)
	}
	for _, text := range []string{b.Name, appHost, zone} {
		if err := see(ctx, c, d.deskURL()+"/boxes/"+b.ID, text); err != nil {
			return err
		}
	}
	d.note("%s signs in at the desk and sees the box with its app and its site", deskUser)
	return nil
}

// browser is a client that trusts one authority, with cookies of its own.
func (d *demo) browser(ca string) (*http.Client, error) {
	v, err := newVisitor(d.dns, ca)
	if err != nil {
		return nil, err
	}
	return v.client(), nil
}

// openConsole asks for a token as the steward does at the terminal, and looks
// whether the console opens in a browser.
func (d *demo) openConsole(ctx context.Context, s status, door *access) error {
	if err := d.ask(ctx, door, "console", "token"); err != nil {
		return err
	}
	c, err := d.browser(s.CA)
	if err != nil {
		return err
	}
	if err := see(ctx, c, door.URL, "Coopkit"); err != nil {
		return err
	}
	d.note("%s opens, its certificate is good", door.URL)
	return nil
}
