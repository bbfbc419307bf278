// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/locale"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// every returns findings with every code and case that the checks can give.
func every(t *testing.T) []appliance.Finding {
	t.Helper()
	f := healthy(t)
	r := registry(t, nil, Standard(f)...)
	disk := func(free uint64, past ...sample) []appliance.Finding {
		return judgeDisk("/var/lib/coopkit", diskSpace{free: free, total: 100 << 30}, past)
	}
	var filling []sample
	for i := range 30 {
		filling = append(filling, sample{At: noon.Add(time.Duration(i) * time.Hour), Used: uint64(i) << 30})
	}
	part := func(c engine.Container) []appliance.Finding { c.Service = "app"; return judgeServices(wiki(c)) }
	cert := func(left time.Duration, last *problem.Problem) []appliance.Finding {
		end := noon.Add(left)
		return judgeCertificate(appliance.Certificate{Host: "demo.coop", NotBefore: end.Add(-90 * day), NotAfter: end, Problem: last}, noon)
	}
	why := &problem.Problem{Why: "port 80 is shut"}
	none := func(last *problem.Problem) []appliance.Finding {
		return judgeCertificate(appliance.Certificate{Host: "demo.coop", Problem: last}, noon)
	}
	away := func(err error) []appliance.Finding {
		found, _ := engineAway(context.Background(), err)
		return found
	}
	all := slices.Concat(
		disk(100<<20), disk(5<<30), disk(50<<30, filling...), shortOfMemory(t), clockAndDoor(t), reboots(t),
		away(&problem.Problem{What: "no"}), away(why), judgeEngine("19.3.1", "1.40"), judgeEngine("99.0.1", "1.99"),
		part(engine.Container{State: engine.Exited, ExitCode: 3}), part(engine.Container{State: engine.Created}), judgeServices(wiki()),
		part(engine.Container{State: engine.Restarting, Restarts: 9}), part(engine.Container{State: engine.Running, Health: "unhealthy"}),
		part(engine.Container{State: engine.Exited, OOMKilled: true}),
		[]appliance.Finding{
			stopped(wiki()), notAnswering(wiki(), errors.New("500")), notAnswering(wiki(), &problem.Problem{Code: "data-missing"}),
			elsewhere(appliance.NameCheck{Host: "demo.coop", Want: []string{"192.0.2.1"}}), onlyLocal(t),
			elsewhere(appliance.NameCheck{Host: "demo.coop", Found: []string{"192.0.2.9"}, Want: []string{"192.0.2.1"}}),
		},
		none(&problem.Problem{What: "no"}), none(why), cert(-time.Hour, nil), cert(-time.Hour, &problem.Problem{What: "no"}), cert(-time.Hour, why), cert(20*day, nil), cert(20*day, &problem.Problem{What: "no"}), cert(14*day, why),
		judgeBackup(wiki(), time.Time{}, noon), judgeBackup(wiki(), noon.Add(-5*day), noon),
		judgeDesk(Desk{Host: "desk.example", Refused: "no"}, noon), judgeDesk(Desk{Host: "desk.example", Heard: noon.Add(-day)}, noon),
		judgeDesk(Desk{Host: "desk.example", Heard: noon.Add(-day), Trouble: "no way"}, noon),
		judgeMessages(Messages{People: 1, Failing: []FailingChannel{{Kind: appliance.ByMail, Person: "ana", Since: noon.Add(-2 * day), Reason: "no"}}}, noon),
	)
	for _, kind := range []appliance.TroubleKind{
		appliance.TroubleApp, appliance.TroubleSite, appliance.TroubleAddress, appliance.TroubleZone, appliance.TroubleAuthority,
		appliance.TroubleDesk, appliance.TroubleRecipe, appliance.TroubleFindings,
	} {
		all = append(all, judgeTrouble(appliance.Trouble{Kind: kind, Name: "demo.coop", Err: errors.New("no")}))
	}
	for _, part := range []string{"console", "jobs", "clockwork"} {
		all = append(all, judgeTrouble(appliance.Trouble{Kind: appliance.TroublePart, Name: part, Err: errors.New("no")}))
	}
	f.Integrity = func(context.Context) error { return errors.New("page 3") }
	damaged, err := storeCheck(f).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, damaged...)
	for _, c := range r.Checks() {
		all = append(all, r.unknown(result{check: c, err: &problem.Problem{What: "no"}}))
	}
	return all
}

func onlyLocal(t *testing.T) appliance.Finding {
	t.Helper()
	found, err := localOnly(t.Context(), Facts{LocalOnly: func(context.Context) ([]string, error) { return []string{"192.168.1.20"}, nil }})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	return found[0]
}

func shortOfMemory(t *testing.T) []appliance.Finding {
	t.Helper()
	f := healthy(t)
	f.OutOfMemory = func() []OutOfMemory { return []OutOfMemory{{"WordPress", noon}} }
	check := memoryCheck(f)
	if _, err := check.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ran(t, check, func(write func(name, text string)) {
		write("cgroup/system.slice/coopkit-agent.service/memory.events", "oom_kill 5\n")
		write("proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 90000 kB\n")
	}, f)
}

// ran changes the made-up system and returns what the check then finds.
func ran(t *testing.T, c Check, change func(write func(name, text string)), f Facts) []appliance.Finding {
	t.Helper()
	dir := strings.TrimSuffix(f.host.proc, "/proc")
	change(func(name, text string) { write(t, dir, name, text) })
	found, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func clockAndDoor(t *testing.T) []appliance.Finding {
	t.Helper()
	f := healthy(t)
	f.host.sync = func() (bool, error) { return false, nil }
	f.Listeners = func() []string { return []string{"127.0.0.1:1"} }
	nothing := func(func(name, text string)) {}
	return append(append(ran(t, clockCheck(f), nothing, f), ran(t, doorCheck(f), nothing, f)...), clockWrong(noon, noon.Add(day)))
}

func reboots(t *testing.T) []appliance.Finding {
	t.Helper()
	f := healthy(t)
	kernel := ran(t, rebootCheck(f), func(write func(name, text string)) {
		write("boot/vmlinuz-6.1.0-1-amd64", "")
		write("boot/vmlinuz-6.1.0-2-amd64", "")
	}, f)
	plain := ran(t, rebootCheck(f), func(write func(name, text string)) { write("run/reboot-required", "") }, f)
	packages := ran(t, rebootCheck(f), func(write func(name, text string)) { write("run/reboot-required.pkgs", "libc6\n") }, f)
	return slices.Concat(kernel, plain, packages)
}

// Every finding is said in every language with all its values, and the
// catalogue has no sentence that no finding uses.
func TestFindings_haveWordsInEveryLanguage(t *testing.T) {
	ui, err := webkit.New(webkit.Config{Name: "console", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	all, codes, keys := every(t), map[string]bool{}, map[string]bool{}
	for _, f := range all {
		codes[f.Code] = true
		for _, part := range []string{".title", ".what", ".why", ".next"} {
			key := "webkit.finding." + f.Code + part
			if with := key + "." + f.Args["case"]; ui.Bundle().In("en").Speaks(with) {
				key = with
			}
			keys[key] = true
		}
		for _, lang := range locale.Langs() {
			spoken(t, ui.Bundle().In(lang), f)
		}
	}
	for _, c := range append(Standard(Facts{}), Check{Codes: []Code{couldNotLook}}) {
		for _, code := range c.Codes {
			if !codes[code.Code] {
				t.Errorf("no finding is made up for %s", code.Code)
			}
		}
	}
	unused := []string{ // for cases of a newer box
		"webkit.finding.CHECK-COULD-NOT-LOOK.title", "webkit.finding.CERTIFICATE-MISSING.why", "webkit.finding.SERVICE-STOPPED.why",
	}
	for _, key := range ui.Bundle().Keys("en") {
		if strings.HasPrefix(key, "webkit.finding.") && !strings.HasPrefix(key, "webkit.finding.BOX-") && !keys[key] && !slices.Contains(unused, key) {
			t.Errorf("no finding uses %s", key)
		}
	}
}

func spoken(t *testing.T, l *locale.Locale, f appliance.Finding) {
	t.Helper()
	s := webkit.ExplainFinding(l, f.Code, f.Args, webkit.Sentences{})
	if s.Title == "" || s.Why == "" || len(s.Next.Steps) == 0 {
		t.Errorf("%s: %s %v has no words", l.Lang, f.Code, f.Args)
	}
	for _, text := range append([]string{s.Title, s.What, s.Why}, append(s.Next.Steps, s.Next.Commands...)...) {
		if strings.ContainsAny(text, "{}") {
			t.Errorf("%s: %s: %q has a value left out", l.Lang, f.Code, text)
		}
		if n := len(strings.Fields(text)); n > 40 {
			t.Errorf("%s: %s: %d words are too many: %s", l.Lang, f.Code, n, text)
		}
		if testing.Verbose() {
			t.Log(l.Lang, f.Code, text)
		}
	}
}
