// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit_test

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"coopkit/internal/locale"
	"coopkit/internal/problem"
	"coopkit/internal/tools/arch"
	"coopkit/internal/webkit"
)

// terminal are the codes that no page of console or desk can show, by the
// reason, besides those that only a command makes.
var terminal = map[string][]string{
	"the command line's own": {
		"agent-already-running", "agent-answer-unexpected", "agent-not-allowed", "agent-went-away", "flag-invalid", "log-level-unknown",
	},
	"the agent or desk does not start": {
		"console-port-taken", "database-damaged", "database-newer", "database-unusable", "desk-certificate-unusable", "desk-file-damaged",
		"desk-missing", "desk-period-unusable", "desk-port-taken", "desk-url-unusable", "dns-listen", "dns-port-taken", "engine-address-invalid", "gateway-storage",
		"issuer-invalid", "local-ca-broken", "port-not-opened", "port-taken", "socket-path-taken", "socket-path-too-long", "state-in-use",
		"state-unusable",
	},
	"for programs that use the control API": {"request-invalid", "request-unknown", "usage-span-unknown", "value-invalid"},
	"a desk tells it to a box, which has its own words": {
		"box-gone", "box-pending", "box-suspected", "invitation-expired", "invitation-unknown", "invitation-used", "message-malformed",
		"message-too-large", "path-unknown", "protocol-version", "report-late", "signature-wrong", "too-often",
	},
	"for those who write recipes": {
		"compose-invalid", "debian-build-invalid", "file-target-invalid", "image-without-digest", "recipe-folder", "recipe-folder-unreadable",
		"recipe-invalid", "recipe-mistakes", "recipe-variable", "services-invalid",
	},
}

// areas returns the keys of every catalogue of the repository by language.
func areas(t *testing.T, repo fs.FS) map[string]map[string]bool {
	t.Helper()
	keys := map[string]map[string]bool{"en": {}, "es": {}, "fr": {}}
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		parts := strings.Split(d.Name(), ".")
		if err != nil || d.IsDir() || len(parts) != 3 || parts[2] != "json" || !strings.Contains(name, "/messages/") {
			return err
		}
		data, err := fs.ReadFile(repo, name)
		if err != nil {
			return err
		}
		var messages map[string]json.RawMessage
		if err := json.Unmarshal(data, &messages); err != nil {
			return err
		}
		for key := range messages {
			keys[parts[1]][key] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// byCommand reports whether the source is that of a command, or of the
// benchmarks.
func byCommand(at string) bool {
	return strings.Contains(at, "/cli/") || strings.HasPrefix(at, "internal/term/") || strings.HasPrefix(at, "cmd/") || strings.HasPrefix(at, "installer/") ||
		strings.HasPrefix(at, "internal/tools/bench/")
}

func TestProblems_areSaidInEveryLanguage(t *testing.T) {
	repo := os.DirFS("../..")
	files, err := arch.Parse(repo)
	if err != nil {
		t.Fatal(err)
	}
	found, _ := arch.Problems(files)
	keys, known := areas(t, repo), map[string]bool{}
	excepted := func(code string) bool {
		for _, codes := range terminal {
			if slices.Contains(codes, code) {
				return true
			}
		}
		return false
	}
	for _, p := range found {
		known[p.Code] = true
		if byCommand(p.At) {
			continue
		}
		for lang, has := range keys {
			said := has["problem."+p.Code+".what"] && has["problem."+p.Code+".next"] ||
				has["webkit.problem."+p.Code+".what"] && has["webkit.problem."+p.Code+".next"]
			if said == excepted(p.Code) {
				t.Errorf("%s: said is %t in %s: write webkit.problem.%s.what and .next, or say why no page can show it", p.Code, said, lang, p.Code)
			}
		}
	}
	for reason, codes := range terminal {
		for _, code := range codes {
			if !known[code] {
				t.Errorf("no problem has the code %s, listed as %s", code, reason)
			}
		}
	}
	for key := range keys["en"] {
		if rest, ok := strings.CutPrefix(key, "webkit.problem."); ok && key != "webkit.problem.title" {
			if code, _, _ := strings.Cut(rest, "."); !known[code] {
				t.Errorf("no problem has the code of %s", key)
			}
		}
	}
}

func newUI(t *testing.T) *webkit.UI {
	t.Helper()
	ui, err := webkit.New(webkit.Config{Name: "console", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return ui
}

func TestExplain_saysProblemsInTheReadersLanguage(t *testing.T) {
	bundle := newUI(t).Bundle()
	p := &problem.Problem{Code: "install-unknown", What: "there is no app named wiki on this box", Next: []string{"coopkit app list"}}
	say := func(lang string) string {
		what, why, next := webkit.Explain(bundle.In(lang), p)
		return strings.Join([]string{what, why, strings.Join(append(next.Steps, next.Commands...), "|")}, "|")
	}
	for _, c := range []struct{ lang, want string }{
		{"en", "There is no app named wiki on this box||See [your apps](/apps)|coopkit app list"},
		{"es", "Esta aplicación no está en esta caja||Consulta [tus aplicaciones](/apps)|coopkit app list"},
		{"fr", "Cette application n’est pas sur ce boîtier||Consultez [vos applications](/apps)|coopkit app list"},
	} {
		if got := say(c.lang); got != c.want {
			t.Errorf("%s: %q, want %q", c.lang, got, c.want)
		}
	}
	p.Args = map[string]string{"name": "wiki"}
	if got := say("es"); !strings.HasPrefix(got, "En esta caja no hay ninguna aplicación con el nombre wiki|") {
		t.Errorf("with its value: %q", got)
	}
	p.Code = "of-a-newer-box"
	if got := say("fr"); got != "There is no app named wiki on this box||coopkit app list" {
		t.Errorf("an unknown code: %q", got)
	}
}

func TestExplainFinding_formatsAndFallsBack(t *testing.T) {
	bundle := newUI(t).Bundle()
	own := webkit.Sentences{Title: "own"}
	args := map[string]string{"place": "/", "free_bytes": "5000000000", "total_bytes": "100000000000", "days_count": "1"}
	for _, c := range []struct{ lang, want string }{
		{"en", "The disk will be full in about a day. Everything still works|5\u00a0GB of 100\u00a0GB are free on the disk of /."},
		{"es", "El disco se llenará en un día, más o menos. Todavía funciona todo|Quedan libres 5\u00a0GB de 100\u00a0GB en el disco de /."},
		{"fr", "Le disque sera plein dans 1 jour environ. Tout fonctionne encore|Il reste 5\u00a0Go sur 100\u00a0Go sur le disque de /."},
	} {
		s := webkit.ExplainFinding(bundle.In(c.lang), "DISK-FILLING", args, own)
		if got := s.Title + "|" + s.What; got != c.want || len(s.Next.Steps) != 2 {
			t.Errorf("%s: %q, want %q", c.lang, got, c.want)
		}
	}
	args["free_bytes"] = "a lot"
	l := bundle.In(locale.Langs()[0])
	for code, a := range map[string]map[string]string{"DISK-FILLING": args, "DISK-FULL": nil, "OF-A-NEWER-BOX": {}} {
		if s := webkit.ExplainFinding(l, code, a, own); s.Title != "own" {
			t.Errorf("%s without its values: %+v", code, s)
		}
	}
	skew := map[string]string{"case": "ahead", "skew_seconds": "7200"}
	if s := webkit.ExplainFinding(bundle.In("es"), "BOX-CLOCK-WRONG", skew, own); s.Title != "El reloj de esta caja va adelantado: 2 horas" {
		t.Errorf("a finding of the desk: %+v", s)
	}
	if s := webkit.ExplainFinding(bundle.In("fr"), "BOX-SUSPECTED", nil, own); s.Title == "own" {
		t.Error("the desk's own finding has no words")
	}
}
