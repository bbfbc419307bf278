// SPDX-License-Identifier: AGPL-3.0-or-later

package sites_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/console/sites"
	"coopkit/appliance/control"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// agent is what this area asks of a box.
func agent(box control.Agent) sites.Agent {
	return sites.Agent{Sites: box.Sites, Names: box.Names, Jobs: box.Jobs}
}

// rig is this area in front of a whole agent.
type rig struct {
	box  *agenttest.Box
	http http.Handler
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{box: agenttest.New(t)}
	both := []fs.FS{area.Files(), say.Files(), sites.Files()}
	now := func() time.Time { return agenttest.Began }
	ui, err := webkit.New(webkit.Config{
		Name: "console", Templates: both, Messages: both, Log: slog.New(slog.DiscardHandler), Now: now,
		User: func(q *http.Request) (webkit.User, bool) {
			who := q.Header.Get("Who")
			return webkit.User{ID: who, Name: who, Session: who}, who != ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sites.RoutesSmall(area.Deps{UI: ui, Log: slog.New(slog.DiscardHandler), Now: now}, agent(r.box.Agent()))
	r.http = ui.Router().Handler()
	return r
}

func (r *rig) send(t *testing.T, q *http.Request, who string) *areatest.Page {
	t.Helper()
	q.Header.Set("Who", who)
	return areatest.Serve(t, r.http, q)
}

func (r *rig) get(t *testing.T, path string) *areatest.Page {
	t.Helper()
	return r.send(t, httptest.NewRequest("GET", "https://console.example"+path, nil), "amara")
}

func (r *rig) post(t *testing.T, path string, pairs ...string) *areatest.Page {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	q := httptest.NewRequest("POST", "https://console.example"+path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.send(t, q, "amara")
}

// part is one field of an upload.
type part struct{ field, file, content string }

func body(t *testing.T, parts ...part) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		head := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, p.field)}}
		if p.field == "archive" || p.field == "folder" {
			head.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, p.field, p.file))
		}
		to, err := w.CreatePart(head)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

func (r *rig) upload(t *testing.T, parts ...part) *areatest.Page {
	t.Helper()
	b, kind := body(t, parts...)
	q := httptest.NewRequest("POST", "https://console.example/sites/new", b)
	q.Header.Set("Content-Type", kind)
	return r.send(t, q, "amara")
}

const host = "www.demo.coop"

// leaves checks how many drafts wait on the box.
func (r *rig) leaves(t *testing.T, want int) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(filepath.Dir(r.box.Socket), "state", "sites", ".drafts", "*"))
	if err != nil || len(left) != want {
		t.Errorf("%d drafts wait, want %d: %v %v", len(left), want, left, err)
	}
}

// tarred is a packed tar with these heads and zeros as contents.
func tarred(tb testing.TB, heads ...tar.Header) string {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range heads {
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// publish sends a site and agrees; it returns the job's page.
func (r *rig) publish(t *testing.T, parts ...part) string {
	t.Helper()
	sent := r.upload(t, append([]part{{field: "host", content: host}}, parts...)...)
	if sent.Status != http.StatusSeeOther {
		sent.Want(t, http.StatusSeeOther)
		t.FailNow()
	}
	plan := r.get(t, sent.To)
	plan.Want(t, http.StatusOK, "Publish at "+host+"?")
	done := r.post(t, "/sites/"+host+"/publish", "upload", plan.Field(t, "upload"), area.FieldHash, plan.Field(t, area.FieldHash))
	done.Want(t, http.StatusSeeOther)
	return done.To
}
