// SPDX-License-Identifier: AGPL-3.0-or-later

package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/internal/webkit"
)

// foreign is everything of two co-ops that somebody of a third one must not
// read anywhere.
var foreign = []string{"Lantern", "bakery", "Moulin", "Kestrel", "pantry", "clinic", "depot", "loom", "demo.coop", "APP-MEMORY-LIMIT", "APP-DOWN", "Jonas", "Amara", "Irati", "acorn"}

// paths are the paths of a route with real things of others in its place.
func paths(r *rig, route webkit.Route, boxes []*box, people []string, invitation string) []string {
	switch {
	case strings.HasPrefix(route.Pattern, "/boxes/{id}"):
		var out []string
		for _, b := range boxes {
			out = append(out, strings.Replace(route.Pattern, "{id}", string(b.id), 1))
		}
		return out
	case strings.HasPrefix(route.Pattern, "/people/{id}"):
		var out []string
		for _, id := range people {
			out = append(out, strings.Replace(route.Pattern, "{id}", id, 1))
		}
		return out
	case strings.HasPrefix(route.Pattern, "/invitations/{id}"):
		return []string{strings.Replace(route.Pattern, "{id}", invitation, 1)}
	case strings.HasPrefix(route.Pattern, "/account/sessions/{id}"):
		session, _, ok := r.signin.Session(context.Background(), &http.Request{Header: http.Header{"Cookie": {"__Host-desk=" + r.session("jonas")}}})
		if !ok {
			r.tb.Fatal("Jonas is not signed in")
		}
		return []string{strings.Replace(route.Pattern, "{id}", string(session.ID), 1)}
	}
	return []string{strings.TrimSuffix(route.Pattern, "{$}")}
}

// visit asks for every route as somebody, live streams for their first event.
func (r *rig) visit(who, request string, form ...string) answer {
	if path, _, _ := strings.Cut(request, "?"); !strings.HasSuffix(path, "/events") {
		return r.ask(who, request, form...)
	}
	ctx, cancel := context.WithTimeout(r.tb.Context(), 200*time.Millisecond)
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://desk.example"+strings.TrimPrefix(request, "GET "), nil)
	if session := r.session(who); session != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-desk", Value: session})
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	return answer{status: rec.Code, to: rec.Header().Get("Location"), text: rec.Body.String()}
}

// fingerprint is all that a coordinator sees of the desk: what somebody else
// must not change.
func fingerprint(t *testing.T, r *rig, boxes []*box) string {
	t.Helper()
	var b strings.Builder
	for _, each := range boxes {
		box, err := r.all().Box(t.Context(), each.id)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(&b, box.ID, box.Coop, box.Caretaker, box.State, len(box.Findings))
	}
	invitations, err := r.all().Invitations(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	people, err := r.all().People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	coops, err := r.all().Coops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintln(&b, len(invitations.Rows), people, coops)
	for _, who := range []string{"irati", "jonas", "amara", "rita"} {
		req := &http.Request{Header: http.Header{"Cookie": {"__Host-desk=" + r.session(who)}}}
		_, _, in := r.signin.Session(t.Context(), req)
		_, _ = fmt.Fprintln(&b, who, in)
	}
	return b.String()
}

func theirs(t *testing.T) (r *rig, boxes []*box, people []string, invitation string) {
	t.Helper()
	r, pantry, loom, late, silent, mill := seeded(t)
	code, err := r.web.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.all().Invite(t.Context(), code, store.Invite{Coop: "bakery", Caretaker: "kestrel"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.all().People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Name != "rita" {
			people = append(people, p.ID)
		}
	}
	return r, []*box{pantry, loom, late, silent, mill}, people, made.ID
}

func TestEveryRoute_asAStranger(t *testing.T) {
	r, boxes, people, invitation := theirs(t)
	before := fingerprint(t, r, boxes)
	for _, route := range r.web.Routes() {
		for _, path := range paths(r, route, boxes, people, invitation) {
			a := r.visit("", route.Method+" "+path)
			switch {
			case route.Access == webkit.Public:
				if a.status >= 500 {
					t.Errorf("%s %s: %d", route.Method, path, a.status)
				}
			case route.Method == http.MethodGet && !strings.HasSuffix(path, "/events"):
				if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/signin?next=") {
					t.Errorf("%s %s: %d to %q", route.Method, path, a.status, a.to)
				}
			default:
				if a.status != http.StatusUnauthorized {
					t.Errorf("%s %s: %d", route.Method, path, a.status)
				}
			}
			for _, word := range foreign {
				if strings.Contains(a.text, word) {
					t.Errorf("%s %s tells a stranger of %q", route.Method, path, word)
				}
			}
		}
	}
	if after := fingerprint(t, r, boxes); after != before {
		t.Errorf("a stranger changed something:\n%s\n%s", before, after)
	}
}

// harmless are changes of one's own that somebody may make anywhere.
var harmless = map[string]bool{"/signout": true, "/signin": true, "/signin/recover": true, "/account/password": true, "/account/sessions/others/end": true}

func TestEveryRoute_asATechnicianOfAnotherCoop(t *testing.T) {
	r, boxes, people, invitation := theirs(t)
	before := fingerprint(t, r, boxes)
	visited := 0
	for _, route := range r.web.Routes() {
		for _, path := range paths(r, route, boxes, people, invitation) {
			if route.Method == http.MethodPost && harmless[path] {
				continue
			}
			visited++
			form := []string{
				"coop", "bakery", "caretaker", "kestrel", "valid", "1", "confirmed", "yes", "name", "mallory", "display", "Mallory",
				"role", string(desk.Coordinator), "id", "mallory", "it", "yes",
			}
			a := r.visit("rita", route.Method+" "+path, form...)
			mayBe := map[int]bool{200: route.Method == http.MethodGet, 303: path == "/" || path == "/signin", 403: true, 404: true, 422: true}
			if !mayBe[a.status] {
				t.Errorf("%s %s: %d\n%s", route.Method, path, a.status, a.text)
			}
			said := strings.ReplaceAll(a.text, "lantern-bakery", "") // an example in a hint
			for _, word := range foreign {
				if strings.Contains(said, word) {
					t.Errorf("%s %s tells of %q:\n%s", route.Method, path, word, a.text)
				}
			}
		}
	}
	if after := fingerprint(t, r, boxes); after != before {
		t.Errorf("somebody of another co-op changed something:\n%s\n%s", before, after)
	}
	if visited < 25 {
		t.Errorf("only %d visits", visited)
	}
}

func TestEveryChange_isRefusedToAMember(t *testing.T) {
	r, boxes, people, invitation := theirs(t)
	before := fingerprint(t, r, boxes)
	for _, route := range r.web.Routes() {
		if route.Method != http.MethodPost || harmless[route.Pattern] {
			continue
		}
		for _, path := range paths(r, route, boxes, people, invitation) {
			a := r.visit("amara", "POST "+path, "coop", "bakery", "valid", "1", "name", "mallory", "id", "mallory", "role", "coordinator")
			if a.status != http.StatusForbidden && a.status != http.StatusNotFound {
				t.Errorf("POST %s: %d\n%s", path, a.status, a.text)
			}
		}
	}
	if after := fingerprint(t, r, boxes); after != before {
		t.Errorf("a member changed something:\n%s\n%s", before, after)
	}
}

func TestATechnicianSeesWhatTheCoopLooksAfter(t *testing.T) {
	r, _, _, _ := theirs(t)
	r.ask("jonas", "GET /fleet").want(t, 200, "pantry", "clinic", "4 boxes").lacks(t, "Moulin", "shop")
	r.ask("jonas", "GET /people").want(t, 200, "Jonas").lacks(t, "Rita", "Irati", "Amara")
	r.ask("jonas", "GET /coops").want(t, 200, "Lantern Street Bakery", "Kestrel Works").lacks(t, "Rival", "Moulin")
	r.ask("amara", "GET /fleet").want(t, 200, "pantry").lacks(t, "Moulin")
	r.ask("irati", "GET /people").want(t, 200, "Jonas", "Rita", "Irati", "Amara")
}
