// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coopkit/desk/serve"
)

// visitor is a person with a browser: cookies, one connection that is kept, and
// trust in one authority.
type visitor struct {
	base   string
	client *http.Client
}

const (
	visitorName     = "bench"
	visitorPassword = "slow ovens bake well" //nolint:gosec // of a desk and a box that end with the run
)

// newVisitor trusts the authority of a state folder.
func newVisitor(base, authority string) (*visitor, error) {
	pem, err := os.ReadFile(filepath.Join(authority, "root.crt")) //nolint:gosec // a file of the run
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("read authority: no certificate in it")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &visitor{base: base, client: &http.Client{
		Timeout: 30 * time.Second, Jar: jar,
		Transport:     &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// visit is what came of one request.
type visit struct {
	took       time.Duration
	compressed int // bytes of the body on the wire
	plain      int // and of the page
}

// get reads a page as a browser does. Anything but the page is an error.
func (v *visitor) get(ctx context.Context, path string) (visit, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return visit{}, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	begin := time.Now()
	answer, err := v.client.Do(r)
	if err != nil {
		return visit{}, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return visit{}, err
	}
	out := visit{took: time.Since(begin), compressed: len(body), plain: len(body)}
	if answer.StatusCode != http.StatusOK {
		return out, fmt.Errorf("%s: %s %s", path, answer.Status, answer.Header.Get("Location"))
	}
	if answer.Header.Get("Content-Encoding") != "gzip" {
		return out, nil
	}
	unzip, err := gzip.NewReader(strings.NewReader(string(body)))
	if err != nil {
		return out, fmt.Errorf("%s: %w", path, err)
	}
	n, err := io.Copy(io.Discard, unzip) //nolint:gosec // our own page
	out.plain = int(n)
	return out, err
}

// post sends a form, which must lead on to another page.
func (v *visitor) post(ctx context.Context, path string, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := v.client.Do(r)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	return nil
}

// steward sets the box up with a token from the terminal, as the first person
// does in a browser.
func (x *box) steward(ctx context.Context) (*visitor, error) {
	v, err := newVisitor(x.console, filepath.Join(x.state, "certificates", "ca"))
	if err != nil {
		return nil, err
	}
	out, err := x.coopkit(ctx, "console", "token", "--json")
	if err != nil {
		return nil, err
	}
	var access struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(out), &access); err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	if err := v.post(ctx, "/setup", url.Values{"token": {access.Token}}); err != nil {
		return nil, err
	}
	if err := v.post(ctx, "/setup/steward", url.Values{"coop": {"Bench"}, "display": {"Bench"}, "name": {visitorName}, "password": {visitorPassword}}); err != nil {
		return nil, err
	}
	_, err = v.get(ctx, "/setup/begin") // the last question: until then, home leads to the next one
	return v, err
}

// technician adds an account to the desk and signs in.
func (d *benchDesk) technician(ctx context.Context) (*visitor, error) {
	err := d.ask(ctx, func(c *serve.Client) error {
		_, err := serve.AddUser.Do(ctx, c.Client, serve.NewUser{Name: visitorName, Display: "Bench", Coop: "bench", Role: "coordinator", Password: visitorPassword})
		return err
	})
	if err != nil {
		return nil, err
	}
	v, err := newVisitor(d.url, filepath.Join(d.state, "ca"))
	if err != nil {
		return nil, err
	}
	return v, v.post(ctx, "/signin", url.Values{"name": {visitorName}, "password": {visitorPassword}})
}
