// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// postSlug names the demo's post, so that a second run changes it instead of
// adding another one.
const postSlug = "hello-from-coopkit"

// author is somebody who is signed in to WordPress.
type author struct {
	client *http.Client
	base   string // of the site, with a final slash
	nonce  string // that WordPress wants with calls of its REST API
}

// signIn fills in WordPress's sign-in form as a browser does, and checks that
// the dashboard opens.
func signIn(ctx context.Context, c *http.Client, base string, s signin) (*author, error) {
	form := base + "wp-login.php"
	if err := see(ctx, c, form, "user_login"); err != nil { // sets the cookie that it tests
		return nil, err
	}
	p, err := post(ctx, c, form, url.Values{
		"log": {s.User}, "pwd": {s.Password}, "wp-submit": {"Log In"},
		"redirect_to": {base + "wp-admin/"}, "testcookie": {"1"},
	})
	if err != nil {
		return nil, err
	}
	if p.status != http.StatusOK || !strings.Contains(p.url, "/wp-admin/") {
		return nil, outside("WordPress does not let its owner in", fmt.Sprintf("%s answered %d: %s", p.url, p.status, excerpt(p.body)))
	}
	nonce, err := get(ctx, c, base+"wp-admin/admin-ajax.php?action=rest-nonce")
	if err != nil {
		return nil, err
	}
	if nonce.status != http.StatusOK || len(nonce.body) > 64 || strings.TrimSpace(nonce.body) == "" {
		return nil, outside("WordPress gives its owner no key for its API", fmt.Sprintf("it answered %d: %s", nonce.status, excerpt(nonce.body)))
	}
	return &author{client: c, base: base, nonce: strings.TrimSpace(nonce.body)}, nil
}

// wpPost is a post of WordPress's REST API.
type wpPost struct {
	ID   int    `json:"id"`
	Link string `json:"link"`
}

// publish publishes the demo's post with the given text and returns its
// address for the public.
func (a *author) publish(ctx context.Context, text string) (string, error) {
	var found []wpPost
	if err := a.call(ctx, http.MethodGet, "/wp/v2/posts", url.Values{"slug": {postSlug}}, nil, &found); err != nil {
		return "", err
	}
	route := "/wp/v2/posts"
	if len(found) > 0 {
		route = fmt.Sprintf("/wp/v2/posts/%d", found[0].ID)
	}
	var published wpPost
	err := a.call(ctx, http.MethodPost, route, nil, map[string]string{
		"slug": postSlug, "title": "Hello from Coopkit", "content": text, "status": "publish",
	}, &published)
	if err != nil {
		return "", err
	}
	if published.Link == "" {
		return "", outside("the new post has no address", "WordPress answered without a link")
	}
	return published.Link, nil
}

// call asks the REST API. The route goes into the query, which works whatever
// shape of permalinks the site has.
func (a *author) call(ctx context.Context, method, route string, query url.Values, in, out any) error {
	address := a.base + "index.php?rest_route=" + url.QueryEscape(route)
	if len(query) > 0 {
		address += "&" + query.Encode()
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		body = bytes.NewReader(text)
	}
	header := http.Header{"X-Wp-Nonce": {a.nonce}, "Content-Type": {"application/json"}}
	p, err := send(ctx, a.client, method, address, body, header)
	if err != nil {
		return err
	}
	if p.status != http.StatusOK && p.status != http.StatusCreated {
		return outside("WordPress refuses what its owner may do", fmt.Sprintf("%s %s answered %d: %s", method, route, p.status, excerpt(p.body)))
	}
	if err := json.Unmarshal([]byte(p.body), out); err != nil {
		return outside("WordPress answers with something that is not JSON", excerpt(p.body))
	}
	return nil
}
