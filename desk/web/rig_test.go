// SPDX-License-Identifier: AGPL-3.0-or-later

package web_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/web"
	"coopkit/desk/wire"
	"coopkit/internal/signin"
)

const password = "four words of no use"

// rig is the pages on a real store, with a clock that the test sets and people
// of three co-ops.
type rig struct {
	tb      testing.TB
	store   *store.Store
	signin  *signin.Service
	web     *web.Web
	handler http.Handler
	key     ed25519.PublicKey

	mu  sync.Mutex
	now time.Time

	cookies map[string]string // by person
}

func (r *rig) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{tb: tb, now: time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC), cookies: map[string]string{}}
	log := slog.New(slog.DiscardHandler)
	var err error
	if r.store, err = store.Open(tb.Context(), filepath.Join(tb.TempDir(), "desk.db"), store.Options{Log: log, Now: r.Now, Period: time.Minute}); err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.store.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, r.store.Close()); err != nil {
			tb.Error(err)
		}
	})
	r.signin = signin.New(signin.Deps{Store: r.store.Signin(), Now: r.Now, Log: log, Cookie: "desk", WayBack: "coopkit desk user token NAME"})
	if r.key, _, err = ed25519.GenerateKey(rand.Reader); err != nil {
		tb.Fatal(err)
	}
	r.web, err = web.New(web.Deps{
		Store: r.store, Signin: r.signin, Log: log, Now: r.Now, Name: "desk.example", Version: "test", WayBack: "coopkit desk user token NAME",
		Invitation: func() (wire.Invitation, error) { return wire.NewInvitation("https://desk.example:8430", r.key, nil) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.handler = r.web.Handler()
	for _, c := range []desk.Coop{
		{ID: "bakery", Name: "Lantern Street Bakery", Place: "Bilbao"},
		{ID: "kestrel", Name: "Kestrel Works", ITCoop: true},
		{ID: "mill", Name: "Moulin du Faubourg", Place: "Lyon"},
		{ID: "rival", Name: "Rival Works", ITCoop: true},
	} {
		if err := r.all().AddCoop(tb.Context(), c); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

// all is the store as its coordinator sees it.
func (r *rig) all() *store.View {
	return r.store.As(desk.Principal{Person: "irati", Role: desk.Coordinator})
}

// person adds somebody; session signs them in.
func (r *rig) person(name string, coop desk.CoopID, role desk.Role) {
	r.tb.Helper()
	_, err := web.AddPerson(r.tb.Context(), r.store, r.signin, signin.NewPerson{Name: name, Display: strings.ToUpper(name[:1]) + name[1:], Coop: string(coop), Role: string(role)})
	if err != nil {
		r.tb.Fatal(err)
	}
}

// session is the cookie of a person, who signs in at the first call; a stranger
// has none.
func (r *rig) session(name string) string {
	r.tb.Helper()
	if name == "" || r.cookies[name] != "" {
		return r.cookies[name]
	}
	p, err := r.signin.PersonByName(r.tb.Context(), name)
	if err != nil {
		r.tb.Fatal(err)
	}
	token, err := r.signin.NewToken(r.tb.Context(), p.ID, time.Hour)
	if err != nil {
		r.tb.Fatal(err)
	}
	if r.cookies[name], _, err = r.signin.Redeem(r.tb.Context(), token.Text, password, signin.Client{}); err != nil {
		r.tb.Fatal(err)
	}
	return r.cookies[name]
}

// box is a box as the desk sees it: it can report.
type box struct {
	*rig
	id   wire.BoxID
	next uint64
	head wire.Head
}

// join takes on a box; with confirmed it may report at once.
func (r *rig) join(name string, coop, caretaker desk.CoopID, confirmed bool) *box {
	r.tb.Helper()
	code, err := wire.NewInvitation("https://desk.example", r.key, nil)
	if err != nil {
		r.tb.Fatal(err)
	}
	if _, err := r.all().Invite(r.tb.Context(), code, store.Invite{Coop: coop, Caretaker: caretaker, Confirmed: confirmed}); err != nil {
		r.tb.Fatal(err)
	}
	n := store.NewBox{
		Invitation: code.ID(), ID: wire.BoxID(strings.ToLower(rand.Text()[:12])), Key: make([]byte, 32), Words: [4]string{"acorn", "loaf", "oak", "yarn"},
		Facts: facts(name, r.Now()), Request: []byte("request"), Answer: []byte("answer"),
	}
	if err := r.store.Enrol(r.tb.Context(), n); err != nil {
		r.tb.Fatal(err)
	}
	return &box{rig: r, id: n.ID, next: 1}
}

func facts(name string, now time.Time) wire.Facts {
	return wire.Facts{
		Name: name, Agent: "0.9.2", System: "Debian 12", Arch: "amd64", Kernel: "6.1.0", Engine: "Docker 28.5", CPUs: 4, Memory: 8e9, Language: "es",
		Installs:     []wire.Install{{Name: "website", Recipe: "wordpress", Version: "7.0.2", Release: 7, State: "running", Host: "www.demo.coop"}, {Name: "files", Recipe: "nextcloud", Version: "34.0.2", Release: 12, State: "failing", Host: "files.demo.coop"}},
		Sites:        []wire.Site{{Host: "demo.coop", Version: 3, Published: wire.At(now.Add(-26 * time.Hour))}},
		Certificates: []wire.Certificate{{Host: "www.demo.coop", Issuer: "Let's Encrypt", Expires: wire.At(now.Add(72 * 24 * time.Hour))}, {Host: "files.demo.coop", Issuer: "Let's Encrypt", Expires: wire.At(now.Add(9 * 24 * time.Hour))}},
		Backup:       &wire.Backup{Last: wire.At(now.Add(-19 * time.Hour)), Proven: wire.At(now.Add(-48 * time.Hour))},
	}
}

func (b *box) send(entries ...wire.Entry) {
	b.tb.Helper()
	now := wire.At(b.Now())
	for i := range entries {
		if entries[i].At.IsZero() {
			entries[i].At = now
		}
	}
	body, err := wire.Encode(wire.Report{Version: 1, Box: b.id, Sent: now, First: b.next, Previous: b.head, Entries: entries})
	if err != nil {
		b.tb.Fatal(err)
	}
	report, raw, err := wire.DecodeReport(body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if _, err := b.store.Receive(b.tb.Context(), &report, raw, body); err != nil {
		b.tb.Fatal(err)
	}
	for _, e := range raw {
		b.head = b.head.After(e)
	}
	b.next += uint64(len(raw))
}

func sample(hour int, up int) *wire.Sample {
	wave := uint64(hour%24) * 5e7
	return &wire.Sample{UptimeS: 31 * 24 * 3600, Load: float64(hour%24) / 16, Memory: 8e9, MemoryUsed: 3e9 + wave, Disk: 118e9, DiskUsed: 41e9 + uint64(hour)*1e7, Apps: 2, AppsUp: up}
}

// week sends samples of the last seven days, an hour apart but for one night.
func (b *box) week() {
	b.tb.Helper()
	var entries []wire.Entry
	for hour := range 7 * 24 {
		if hour > 60 && hour < 70 {
			continue
		}
		entries = append(entries, wire.Entry{At: wire.At(b.Now().Add(time.Duration(hour-7*24) * time.Hour)), Sample: sample(hour, 2)})
		if len(entries) == wire.MaxEntries {
			b.send(entries...)
			entries = nil
		}
	}
	b.send(append(entries, wire.Entry{Sample: sample(0, 2)})...)
}

func finding(code, subject, severity, what string) wire.Entry {
	return wire.Entry{Finding: &wire.Finding{
		FindingName: wire.FindingName{Code: code, Subject: subject}, Severity: severity, What: what,
		Why: "A till report of 40 MB is indexed at 13:00. The limit is the recipe's smallest.", Next: []string{"Raise it to 768 MB: 2.1 GB are free"}, Who: "itcoop",
		Since: wire.Time{Time: time.Date(2026, 11, 19, 12, 58, 0, 0, time.UTC)},
	}}
}

// seeded is a rig with people of each kind and boxes in every state.
func seeded(tb testing.TB) (r *rig, pantry, loom, late, silent, mill *box) {
	tb.Helper()
	r = newRig(tb)
	r.person("irati", "", desk.Coordinator)
	r.person("jonas", "kestrel", desk.Technician)
	r.person("amara", "bakery", desk.Member)
	r.person("rita", "rival", desk.Technician)
	silent = r.join("clinic", "bakery", "kestrel", true)
	silent.send(wire.Entry{Sample: sample(1, 2)})
	r.pass(time.Hour)
	late = r.join("depot", "bakery", "kestrel", true)
	late.send(wire.Entry{Sample: sample(1, 2)})
	r.pass(2 * time.Minute)
	pantry = r.join("pantry", "bakery", "kestrel", true)
	pantry.week()
	pantry.send(
		finding("APP-MEMORY-LIMIT", "files", "warning", "Nextcloud runs into its memory limit after lunch"),
		finding("APP-DOWN", "website", "critical", "The website does not answer"),
		wire.Entry{Sample: sample(3, 1)},
	)
	loom = r.join("loom", "bakery", "kestrel", false)
	mill = r.join("mill", "mill", "", true)
	mill.send(finding("APP-DOWN", "shop", "critical", "The shop does not answer <b>"), wire.Entry{Sample: sample(3, 2)})
	return r, pantry, loom, late, silent, mill
}

// answer is what a browser gets.
type answer struct {
	status int
	to     string
	header http.Header
	text   string
	page   *html.Node
	cookie map[string]string
}

// ask sends as a person, "" for a stranger; form is pairs of a POST.
func (r *rig) ask(who, request string, form ...string) answer {
	return r.askIn("en", who, request, form...)
}

func (r *rig) askIn(lang, who, request string, form ...string) answer {
	r.tb.Helper()
	method, path, _ := strings.Cut(request, " ")
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	req := httptest.NewRequest(method, "https://desk.example"+path, strings.NewReader(values.Encode()))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", lang)
	if session := r.session(who); session != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-desk", Value: session})
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.tb.Fatal(err)
	}
	a := answer{status: res.StatusCode, to: res.Header.Get("Location"), header: res.Header, text: string(body), cookie: map[string]string{}}
	for _, c := range res.Cookies() {
		a.cookie[c.Name] = c.Value
	}
	if a.page, err = html.Parse(strings.NewReader(a.text)); err != nil {
		r.tb.Fatal(err)
	}
	return a
}

// texts returns the text of each element that fits: a tag, or a tag and one
// attribute with its value ("a", "href", "/fleet").
func (a answer) texts(tag string, attr ...string) []string {
	var out []string
	for n := range a.page.Descendants() {
		if n.Type != html.ElementNode || n.Data != tag || len(attr) == 2 && !has(n, attr[0], attr[1]) {
			continue
		}
		var b strings.Builder
		for c := range n.Descendants() {
			if c.Type == html.TextNode {
				b.WriteString(c.Data + " ")
			}
		}
		out = append(out, strings.Join(strings.Fields(b.String()), " "))
	}
	return out
}

func has(n *html.Node, key, value string) bool {
	for _, a := range n.Attr {
		if a.Key == key && (a.Val == value || key == "class" && strings.Contains(" "+a.Val+" ", " "+value+" ")) {
			return true
		}
	}
	return false
}

// want fails unless the status is right and all texts are on the page.
func (a answer) want(tb testing.TB, status int, texts ...string) answer {
	tb.Helper()
	if a.status != status {
		tb.Errorf("status %d, want %d\n%s", a.status, status, a.text)
	}
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			tb.Errorf("the page lacks %q:\n%s", text, a.text)
		}
	}
	return a
}

// lacks fails if one of the texts is on the page.
func (a answer) lacks(tb testing.TB, texts ...string) answer {
	tb.Helper()
	for _, text := range texts {
		if strings.Contains(a.text, text) {
			tb.Errorf("the page has %q:\n%s", text, a.text)
		}
	}
	return a
}
