// SPDX-License-Identifier: AGPL-3.0-or-later

package sites_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// slow gives its bytes in pieces with a pause between them.
type slow struct {
	io.Reader
	pause time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	timer := time.NewTimer(s.pause)
	defer timer.Stop()
	<-timer.C
	return s.Reader.Read(p[:min(len(p), 200)])
}

// An upload takes as long as it takes: the server's own limits for requests end
// it only when nothing comes any more.
func TestSend_slowlyIsNotCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := httptest.NewUnstartedServer(r.http)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 150*time.Millisecond, 150*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	b, kind := body(t, part{"host", "", host}, part{"archive", "a.zip", testkit.Zip(t, "index.html", "x")})
	q, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/sites/new", slow{b, 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	q.Header.Set("Who", "amara")
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("%s", res.Status)
	}
}
