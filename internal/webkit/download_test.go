// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// got is the answer to a request.
type got struct {
	status int
	header http.Header
	body   string
}

// download asks a site whose download is what fill writes.
func download(t *testing.T, fill func(io.Writer) error) (got, error) {
	t.Helper()
	ui, err := webkit.New(webkit.Config{
		Name: "console", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		User: func(*http.Request) (webkit.User, bool) { return webkit.User{ID: "1", Session: "s"}, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	ui.Router().Signed("GET /copy", func(w http.ResponseWriter, _ *http.Request) error {
		return webkit.Download(w, "a b.zip", "application/zip", fill)
	})
	server := httptest.NewUnstartedServer(ui.Router().Handler())
	server.Config.WriteTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/copy", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(q)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header, string(body)}, err
}

// The server's own limit for an answer is not that of a download.
func TestDownload_takesItsTime(t *testing.T) {
	piece := strings.Repeat("x", 64<<10)
	res, err := download(t, func(w io.Writer) error {
		for range 6 {
			<-time.After(100 * time.Millisecond)
			if _, err := io.WriteString(w, piece); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || res.status != http.StatusOK || len(res.body) != 6*len(piece) {
		t.Errorf("%d, %d bytes, %v", res.status, len(res.body), err)
	}
	if how := res.header.Get("Content-Disposition"); how != `attachment; filename="a b.zip"` || res.header.Get("Content-Type") != "application/zip" {
		t.Errorf("%v", res.header)
	}
}

func TestDownload_thatFailsIsNeverTakenForWhole(t *testing.T) {
	gone := &problem.Problem{Code: "no-such-site", Kind: problem.NotFound, What: "there is none", Next: []string{"look"}}
	res, err := download(t, func(io.Writer) error { return gone })
	if err != nil || res.status != http.StatusNotFound || !strings.Contains(res.header.Get("Content-Type"), "html") || res.header.Get("Content-Disposition") != "" {
		t.Errorf("before the first byte: %d, %v, %v", res.status, res.header, err)
	}
	res, err = download(t, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("half", 64<<10))
		return errors.Join(err, gone)
	})
	if err == nil {
		t.Errorf("half way it ends well with %q", res.body)
	}
}
