// SPDX-License-Identifier: AGPL-3.0-or-later

package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/wire"
)

func TestFleet_isWorstFirstAndCounts(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	a := r.ask("irati", "GET /fleet").want(t, 200, "5 boxes report here.", "2 need attention now.", "The shop does not answer &lt;b&gt;")
	var order []string
	for _, row := range a.texts("th", "role", "rowheader") {
		name, _, _ := strings.Cut(row, " ")
		order = append(order, name)
	}
	if !slices.Equal(order[2:], []string{"clinic", "loom", "depot"}) || len(order) != 5 {
		t.Errorf("rows %v", order)
	}
	counts := []string{"5 all boxes 2 critical 1 silent 0 warnings 1 to confirm 0 notices 1 fine"}
	if diff := cmp.Diff(counts, a.texts("nav", "class", "counts")); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if title := a.texts("title"); !strings.HasPrefix(title[0], "5 boxes report here") {
		t.Errorf("title %q", title)
	}
}

// What a box says in English is said in the reader's language where that is
// known.
func TestFleet_speaksTheReadersLanguage(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	for _, name := range []string{"quay", "barn"} {
		r.join(name, "bakery", "kestrel", true).send(finding("DOOR-CLOSED", "", "critical", "The front door is closed"), wire.Entry{Sample: sample(1, 0)})
	}
	a := r.askIn("es", "irati", "GET /fleet?q=DOOR-CLOSED").want(t, 200, "DOOR-CLOSED").lacks(t, "The front door is closed")
	if n := strings.Count(a.text, "Nadie puede abrir las aplicaciones"); n != 3 { // two rows, and what they share
		t.Errorf("it is said %d times:\n%s", n, a.text)
	}
}

// Late, unreachable and down are three things, told in three ways.
func TestFleet_tellsLateSilentAndDownApart(t *testing.T) {
	r, pantry, _, late, silent, _ := seeded(t)
	r.ask("irati", "GET /fleet").want(t, 200, "Silent since 23 November 2026, 22:00. No reports, and the cause is unknown", "Late</span>", "2 minutes ago")
	r.ask("irati", "GET /boxes/"+string(late.id)).want(t, 200, "Its report is late. Last report: 23 November 2026, 23:00")
	r.ask("irati", "GET /boxes/"+string(silent.id)).want(t, 200, "Silent since 23 November 2026, 22:00. Whether its apps are running is unknown")
	r.ask("irati", "GET /boxes/"+string(pantry.id)).want(t, 200, "Reporting, but one app that should be running is down.")
}

func TestFleet_filters(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	for query, want := range map[string][]string{
		"state=silent":                       {"clinic"},
		"state=critical":                     {"mill", "pantry"},
		"state=pending":                      {"loom"},
		"state=fine":                         {"depot"},
		"coop=mill":                          {"mill"},
		"finding=APP-MEMORY-LIMIT":           {"pantry"},
		"finding=APP-DOWN&coop=bakery":       {"pantry"},
		"version=0.9.2&state=critical":       {"mill", "pantry"},
		"version=0.1":                        {},
		"q=lAntern&state=fine":               {"depot"},
		"q=app-memory-limit":                 {"pantry"},
		"q=" + url.QueryEscape("<script>&="): {},
	} {
		var got []string
		for _, row := range r.ask("irati", "GET /fleet?"+query).want(t, 200).texts("th", "role", "rowheader") {
			name, _, _ := strings.Cut(row, " ")
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", query, got, want)
		}
	}
	r.ask("irati", "GET /fleet?q=nothing").want(t, 200, "No box matches this filter")
}

func TestFleet_isACSVToo(t *testing.T) {
	r, _, _, _, _, mill := seeded(t)
	mill.send(finding("=cmd()", "", "critical", "@danger"))
	a := r.ask("irati", "GET /fleet.csv?state=critical").want(t, 200)
	rows, err := csv.NewReader(strings.NewReader(a.text)).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "box" {
		t.Fatalf("%v %v", rows, err)
	}
	if strings.Contains(a.text, ",=cmd") || strings.Contains(a.text, ",@danger") {
		t.Errorf("a cell is a formula:\n%s", a.text)
	}
}

func TestFleet_isLiveUntilItIsStopped(t *testing.T) {
	r, _, _, _, _, _ := seeded(t)
	a := r.ask("irati", "GET /fleet?state=silent")
	a.want(t, 200, `data-live="/fleet/events?state=silent"`, `href="/fleet?live=off&amp;state=silent"`)
	r.ask("irati", "GET /fleet?live=off").want(t, 200, "Update every 10 seconds").lacks(t, "data-live=")
	for part, want := range map[string]string{"": "need attention now", "?part=table": "<table"} {
		stream := r.visit("irati", "GET /fleet/events"+part)
		if !strings.Contains(stream.text, "event: patch\ndata: ") || !strings.Contains(stream.text, want) || strings.Contains(stream.text, "part=") {
			t.Errorf("the stream of %q:\n%s", part, stream.text)
		}
	}
}

func TestFleet_withoutBoxesSaysWhatToDo(t *testing.T) {
	r := newRig(t)
	r.person("irati", "", desk.Coordinator)
	r.ask("irati", "GET /fleet").want(t, 200, "No box has joined yet.", `href="/invitations"`)
	if a := r.ask("irati", "GET /"); a.status != 303 || a.to != "/fleet" {
		t.Errorf("the root: %d to %s", a.status, a.to)
	}
}

// many is a desk with n boxes that all reported, some with findings.
func many(tb testing.TB, n int) *rig {
	tb.Helper()
	r := newRig(tb)
	r.person("irati", "", desk.Coordinator)
	for i := range n {
		b := r.join(fmt.Sprintf("box-%04d", i), "bakery", "kestrel", true)
		entries := []wire.Entry{{Sample: sample(i, 2)}}
		if i%7 == 0 {
			entries = append(entries, finding("APP-DOWN", "website", "critical", "The website does not answer"))
		}
		b.send(entries...)
	}
	return r
}

func TestFleet_hasPages(t *testing.T) {
	r := many(t, store.PageSize+3)
	a := r.ask("irati", "GET /fleet?coop=bakery").want(t, 200, "Page 1 of 2", `href="/fleet?coop=bakery&amp;page=2"`)
	if rows := a.texts("th", "role", "rowheader"); len(rows) != store.PageSize {
		t.Errorf("%d rows", len(rows))
	}
	a = r.ask("irati", "GET /fleet?coop=bakery&page=2").want(t, 200, "Page 2 of 2", `href="/fleet?coop=bakery&amp;page=1"`)
	if rows := a.texts("th", "role", "rowheader"); len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
	r.ask("irati", "GET /fleet?page=-5").want(t, 200)
	r.ask("irati", "GET /fleet?page=99").want(t, 200, "Page 2 of 2")
	if rows := strings.Count(r.ask("irati", "GET /fleet.csv").text, "\n"); rows != store.PageSize+4 {
		t.Errorf("the CSV has %d lines", rows)
	}
}

// BenchmarkFleet is the fleet page at 2,000 boxes; it should stay under 30 ms.
func BenchmarkFleet(b *testing.B) {
	r := many(b, 2000)
	r.pass(time.Second)
	size := 0
	req := httptest.NewRequest(http.MethodGet, "https://desk.example/fleet", nil)
	req.AddCookie(&http.Cookie{Name: "__Host-desk", Value: r.session("irati")})
	for b.Loop() {
		rec := httptest.NewRecorder()
		r.handler.ServeHTTP(rec, req)
		size = rec.Body.Len()
	}
	b.ReportMetric(float64(size), "bytes/page")
}
