// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/forwarded"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

const (
	attemptLimit = 30 * time.Second // for one request
	firstPause   = 200 * time.Millisecond
	longestPause = 2 * time.Second
	bodyLimit    = 1 << 20
	defaultReady = 2 * time.Minute
)

// visitor speaks HTTP to the web services of one install as the front door
// would: to the container's address, with the public host and scheme. It never
// follows redirects, so that a check sees the app's own answer.
type visitor struct {
	*release
	client *http.Client
	agent  string // how it calls itself
	user   string
	pass   string
}

func (a *Apps) visitor(r *release) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	user, err := recipes.Expand(r.recipe.FirstAccount.User, r.vars)
	if err != nil {
		return nil, err
	}
	return &visitor{
		release: r, user: user, agent: cmp.Or(a.word(), "coopkit-health"), pass: r.vars["SECRET_"+variable(r.recipe.FirstAccount.Password)],
		client: &http.Client{
			Jar: jar, Timeout: attemptLimit,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{DialContext: a.Dial, DisableKeepAlives: true},
		},
	}, nil
}

// endpoint is where a web service listens inside the install's network.
func (r *release) endpoint(web string) (netip.AddrPort, error) {
	i := 0
	if web != "" {
		i = slices.IndexFunc(r.recipe.Web, func(w recipes.Web) bool { return w.Name == web })
	}
	if i < 0 || i >= len(r.recipe.Web) {
		return netip.AddrPort{}, fmt.Errorf("find web service %q of %s: it has none", web, r.recipe.Name)
	}
	for _, s := range r.spec.Services {
		if s.Name == r.recipe.Web[i].Service {
			return netip.AddrPortFrom(s.Address, uint16(r.recipe.Web[i].Port)), nil //nolint:gosec // the linter of recipes bounds ports
		}
	}
	return netip.AddrPort{}, fmt.Errorf("find service %s of %s: it has none", r.recipe.Web[i].Service, r.recipe.Name)
}

// request makes one request and returns the status and the first MiB.
func (v *visitor) request(ctx context.Context, method, web, path string, form url.Values, signedIn bool) (int, string, error) {
	at, err := v.endpoint(web)
	if err != nil {
		return 0, "", err
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+at.String()+path, body)
	if err != nil {
		return 0, "", fmt.Errorf("make request: %w", err)
	}
	v.pretend(req, web)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if signedIn {
		req.SetBasicAuth(v.user, v.pass)
	}
	res, err := v.client.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("ask %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return 0, "", fmt.Errorf("read answer of %s: %w", path, err)
	}
	return res.StatusCode, string(text), nil
}

// stranger is nobody's address (RFC 5737): apps may trust those nearby.
const stranger = "192.0.2.1"

// pretend sets the headers that the front door would set.
func (v *visitor) pretend(req *http.Request, web string) {
	suffix := ""
	if web != "" && web != v.recipe.Web[0].Name {
		suffix = "_" + variable(web)
	}
	req.Host = strings.TrimPrefix(v.vars["URL"+suffix], "https://")
	forwarded.Visit{IP: stranger, Scheme: "https", Authority: req.Host}.Set(req.Header)
	req.Header.Set("User-Agent", v.agent)
}

// look tries a check once; the error says what came instead. A check that holds
// is a fact of the step that looks.
func (v *visitor) look(ctx context.Context, c recipes.Check) error {
	began := time.Now()
	status, body, err := v.request(ctx, http.MethodGet, c.Web, c.Path, nil, c.SignedIn)
	if err != nil {
		return err
	}
	if err := expect("GET "+c.Path, status, body, c.Status, c.Contains); err != nil {
		return err
	}
	jobs.AddFact(ctx, appliance.FactAnswered, "path", c.Path, "status", strconv.Itoa(status), "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// expect compares an answer with what a recipe says must come.
func expect(what string, status int, body string, want []int, contains string) error {
	if len(want) == 0 {
		want = []int{http.StatusOK}
	}
	if !slices.Contains(want, status) {
		return fmt.Errorf("%s answered %d %s", what, status, http.StatusText(status))
	}
	if !strings.Contains(body, contains) {
		return fmt.Errorf("%s answered %d, but without %s", what, status, strconv.Quote(contains))
	}
	return nil
}

// wait repeats a check until it holds, for as long as the recipe allows.
func (v *visitor) wait(ctx context.Context, c recipes.Check) error {
	limit := c.Within
	if limit == 0 {
		limit = defaultReady
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	pause := firstPause
	var last error
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return notReady(v.recipe, limit, last)
		case <-timer.C:
		}
		if last = v.look(ctx, c); last == nil {
			return nil
		}
		timer.Reset(pause)
		pause = min(pause*3/2, longestPause)
	}
}

func notReady(r *recipes.Recipe, limit time.Duration, last error) error {
	why := "it gave no answer"
	if last != nil {
		why = last.Error()
	}
	return &problem.Problem{
		Code: "app-not-ready", Kind: problem.Failed,
		What: r.Name + " did not become ready within " + limit.String(),
		Why:  why,
		Next: []string{"read the last lines of its log above", "coopkit doctor", "try again; a slow disk or little memory can be the cause"},
		Args: map[string]string{"app": r.Name},
		Err:  last,
	}
}
