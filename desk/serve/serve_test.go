// SPDX-License-Identifier: AGPL-3.0-or-later

package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coopkit/desk/serve"
	"coopkit/desk/wire"
	"coopkit/internal/localrpc"
	"coopkit/internal/ownca"
	"coopkit/internal/problem"
)

const password = "four words of no use"

// running is a desk that serves until the test ends.
type running struct {
	tb    testing.TB
	state string
	url   string
	log   *bytes.Buffer
	stop  func() error
}

func run(t *testing.T, cfg serve.Config) *running {
	t.Helper()
	r := &running{tb: t, state: cfg.State, log: &bytes.Buffer{}}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	d, err := serve.New(t.Context(), cfg, slog.New(slog.NewTextHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- d.Run(ctx, func(a net.Addr) { addr <- a }) }()
	select {
	case a := <-addr:
		r.url = "https://" + a.String()
	case err := <-ended:
		t.Fatal(errors.Join(err, d.Close()))
	}
	r.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, d.Close())
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *running) client(t *testing.T) *serve.Client {
	t.Helper()
	c, err := serve.Connect(t.Context(), r.state, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// browser trusts the desk's own authority, as somebody does who imported it.
func (r *running) browser(t *testing.T) *http.Client {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(r.state, "ca", "root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: tr, Timeout: 20 * time.Second}
}

func read(t *testing.T, res *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func isProblem(t *testing.T, err error, code string) {
	t.Helper()
	if !errors.Is(err, &problem.Problem{Code: code}) {
		t.Errorf("got %v, want the problem %s", err, code)
	}
}

func TestDesk_servesPeopleAndBoxesAtOneAddress(t *testing.T) {
	r := run(t, serve.Config{State: t.TempDir(), URL: "https://127.0.0.1:8430"})
	if !strings.Contains(r.log.String(), "nobody can sign in yet") || !strings.Contains(r.log.String(), "coopkit desk user add") {
		t.Errorf("the first start does not say how to go on:\n%s", r.log)
	}
	if _, err := serve.AddUser.Do(t.Context(), r.client(t).Client, serve.NewUser{Name: "irati", Password: password}); err != nil {
		t.Fatal(err)
	}
	b := r.browser(t)
	res, err := b.PostForm(r.url+"/signin", url.Values{"name": {"irati"}, "password": {password}})
	if status, page := read(t, res, err); status != http.StatusOK || !strings.Contains(page, "No box has joined yet") {
		t.Fatalf("%d\n%s", status, page)
	}
	res, err = b.Post(r.url+wire.PathReports, wire.ContentType, strings.NewReader(`{"v":1}`))
	if status, body := read(t, res, err); status != http.StatusBadRequest || !strings.Contains(body, `"code":`) {
		t.Errorf("the protocol answers %d %s", status, body)
	}
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 10 * time.Second}
	res, err = plain.Get("http://" + strings.TrimPrefix(r.url, "https://") + "/fleet?a=b")
	if status, _ := read(t, res, err); status != http.StatusPermanentRedirect || res.Header.Get("Location") != r.url+"/fleet?a=b" {
		t.Errorf("without TLS: %d to %s", status, res.Header.Get("Location"))
	}
}

func TestDesk_strangersDoNotFillTheLog(t *testing.T) {
	r := run(t, serve.Config{State: t.TempDir(), URL: "https://127.0.0.1:8430"})
	b := r.browser(t)
	for range 20 {
		for path, want := range map[string]int{wire.PathReports: http.StatusBadRequest, "/v1/none": http.StatusNotFound, "/invitations": http.StatusUnauthorized} {
			res, err := b.Post(r.url+path, wire.ContentType, strings.NewReader("x"))
			if status, body := read(t, res, err); status != want {
				t.Fatalf("%s: %d\n%s", path, status, body)
			}
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(r.log.String(), "msg=\"request "); n != 2 { // whoever is signed out gets the sign-in, which is no failure
		t.Errorf("40 refusals of two kinds, and 20 sign-ins, are %d lines:\n%s", n, r.log)
	}
}

func TestDesk_endsWhileAPageIsLive(t *testing.T) {
	r := run(t, serve.Config{State: t.TempDir(), URL: "https://127.0.0.1:8430"})
	if _, err := serve.AddUser.Do(t.Context(), r.client(t).Client, serve.NewUser{Name: "irati", Password: password}); err != nil {
		t.Fatal(err)
	}
	b := r.browser(t)
	res, err := b.PostForm(r.url+"/signin", url.Values{"name": {"irati"}, "password": {password}})
	read(t, res, err)
	live, err := b.Get(r.url + "/fleet/events")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := live.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("the end took %v", took)
	}
	_ = live.Body.Close()
}

func TestConnect_isTheDeskThatRunsOrOneForAMoment(t *testing.T) {
	state := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	_, err := serve.Connect(t.Context(), state, false, log)
	isProblem(t, err, "desk-missing")
	offline, err := serve.Connect(t.Context(), state, true, log)
	if err != nil {
		t.Fatal(err)
	}
	added, err := serve.AddUser.Do(t.Context(), offline.Client, serve.NewUser{Name: "irati"})
	if err != nil || added.Token == "" || added.Role != "coordinator" {
		t.Fatalf("%+v %v", added, err)
	}
	if _, err := serve.AddCoop.Do(t.Context(), offline.Client, serve.Coop{ID: "bakery", Name: "Lantern"}); err != nil {
		t.Fatal(err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	r := run(t, serve.Config{State: state, URL: "https://desk.example:8430", Name: "Our desk"})
	_, err = serve.New(t.Context(), serve.Config{State: state}, log)
	isProblem(t, err, "state-in-use")
	c := r.client(t)
	made, err := serve.Invite.Do(t.Context(), c.Client, serve.NewInvitation{Coop: "bakery"})
	if err != nil {
		t.Fatal(err)
	}
	code, err := wire.ParseInvitation(made.Code)
	if err != nil || code.Desk != "https://desk.example:8430" || len(code.Pin) == 0 {
		t.Errorf("%+v %v", code, err)
	}
	_, err = serve.Invite.Do(t.Context(), c.Client, serve.NewInvitation{Coop: "none"})
	isProblem(t, err, "coop-unknown")
	_, err = serve.Confirm.Do(t.Context(), c.Client, "unknownunkno")
	isProblem(t, err, "box-unknown")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := serve.Connect(t.Context(), state, false, log)
	if err != nil {
		t.Fatal(err)
	}
	later, err := serve.Invite.Do(t.Context(), again.Client, serve.NewInvitation{Coop: "bakery"})
	if err = errors.Join(err, again.Close()); err != nil || !strings.HasPrefix(later.Code, "https://desk.example:8430/join#") {
		t.Errorf("the address was forgotten: %s %v", later.Code, err)
	}
	same, err := wire.ParseInvitation(later.Code)
	if err != nil || !bytes.Equal(same.Key, code.Key) || !bytes.Equal(same.Pin, code.Pin) {
		t.Errorf("the desk is another one after a restart: %v", err)
	}
}

func TestToken_isTheWayBackAndOpensAClosedAccount(t *testing.T) {
	r := run(t, serve.Config{State: t.TempDir(), URL: "https://127.0.0.1:8430"})
	c := r.client(t)
	if _, err := serve.AddUser.Do(t.Context(), c.Client, serve.NewUser{Name: "irati", Password: password}); err != nil {
		t.Fatal(err)
	}
	u, err := serve.Token.Do(t.Context(), c.Client, "IRATI")
	if err != nil || u.Token == "" || u.URL != "https://127.0.0.1:8430/signin/recover" {
		t.Fatalf("%+v %v", u, err)
	}
	res, err := r.browser(t).PostForm(r.url+"/signin/recover", url.Values{"token": {u.Token}, "password": {"another four words"}})
	if status, page := read(t, res, err); status != http.StatusOK || !strings.Contains(page, "Your password is set") {
		t.Errorf("%d\n%s", status, page)
	}
	_, err = serve.Token.Do(t.Context(), c.Client, "nobody")
	isProblem(t, err, "person-unknown")
	if users, err := serve.Users.Do(t.Context(), c.Client, localrpc.None{}); err != nil || len(users) != 1 {
		t.Errorf("%+v %v", users, err)
	}
}

// pair writes a certificate and its key as files.
func pair(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	ca, err := ownca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(ca.RootFile())
	cert, key = filepath.Join(dir, "desk.crt"), filepath.Join(dir, "desk.pem")
	for from, to := range map[string]string{filepath.Join(root, "root.crt"): cert, filepath.Join(root, "root.key"): key} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestCertificateFiles_areReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir)
	r := run(t, serve.Config{State: t.TempDir(), URL: "https://desk.example", TLSCert: cert, TLSKey: key})
	shown := func() []byte {
		c, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.ConnectionState().PeerCertificates[0].Raw
	}
	first := shown()
	future := time.Now().Add(time.Hour)
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(cert, future, future); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, shown()) {
		t.Error("half a file is shown")
	}
	pair(t, dir)
	if bytes.Equal(first, shown()) {
		t.Error("the new certificate is not shown")
	}
	if made, err := serve.AddCoop.Do(t.Context(), r.client(t).Client, serve.Coop{ID: "bakery", Name: "Lantern"}); err != nil {
		t.Fatal(made, err)
	}
	made, err := serve.Invite.Do(t.Context(), r.client(t).Client, serve.NewInvitation{Coop: "bakery"})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := wire.ParseInvitation(made.Code); err != nil || code.Pin != nil {
		t.Errorf("a public certificate is pinned: %+v %v", code, err)
	}
}

func TestNew_refusesWhatCanNotWork(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for code, change := range map[string]func(*serve.Config){
		"desk-url-unusable":         func(c *serve.Config) { c.URL = "http://desk.example" },
		"desk-certificate-unusable": func(c *serve.Config) { c.TLSCert = "/none" },
		"desk-port-taken":           func(c *serve.Config) { c.Listen, c.URL = "nonsense", "" },
		"desk-period-unusable":      func(c *serve.Config) { c.Period = 10 * time.Second },
		"desk-file-damaged": func(c *serve.Config) {
			if err := os.WriteFile(filepath.Join(c.State, "desk.key"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"state-unusable": func(c *serve.Config) { c.State = "/dev/null/x" },
	} {
		cfg := serve.Config{State: t.TempDir(), URL: "https://desk.example"}
		change(&cfg)
		_, err := serve.New(t.Context(), cfg, log)
		isProblem(t, err, code)
	}
	for _, period := range []time.Duration{-time.Minute, 29 * time.Second, 16 * time.Minute} {
		_, err := serve.New(t.Context(), serve.Config{State: t.TempDir(), URL: "https://desk.example", Period: period}, log)
		isProblem(t, err, "desk-period-unusable")
	}
	for _, period := range []time.Duration{30 * time.Second, 15 * time.Minute} {
		d, err := serve.New(t.Context(), serve.Config{State: t.TempDir(), URL: "https://desk.example", Period: period}, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	d, err := serve.New(t.Context(), serve.Config{State: t.TempDir(), URL: "https://desk.example", Listen: taken.Addr().String()}, log)
	if err != nil {
		t.Fatal(err)
	}
	isProblem(t, errors.Join(d.Run(t.Context(), nil), d.Close()), "desk-port-taken")
}

// TestDesk_answersForItsOwnNames: those that it ever had, because boxes come by
// the one of their invitation, and no others.
func TestDesk_answersForItsOwnNames(t *testing.T) {
	state, log := t.TempDir(), slog.New(slog.DiscardHandler)
	for _, name := range []string{"old.example", "desk.example"} {
		ctx, stop := context.WithCancel(t.Context())
		d, err := serve.New(t.Context(), serve.Config{State: state, URL: "https://" + name + ":8430", Listen: "127.0.0.1:0"}, log)
		if err != nil {
			t.Fatal(err)
		}
		h := d.Handler()
		for host, want := range map[string]bool{
			"desk.example:8430": name == "desk.example", "old.example": true, "192.0.2.7:8430": true, "evil.example:8430": false,
		} {
			r := httptest.NewRequest(http.MethodGet, "https://localhost/signin", http.NoBody)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if (w.Code != http.StatusMisdirectedRequest) != want {
				t.Errorf("%s is asked as %s: %d", name, host, w.Code)
			}
		}
		if err := d.Run(ctx, func(net.Addr) { stop() }); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		stop()
	}
}
