// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// healthy are facts of a box where nothing is wrong, in a made-up system.
func healthy(t *testing.T) Facts {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable: 3000000 kB\n")
	write(t, dir, "proc/self/cgroup", "1:name=systemd:/x\n0::/system.slice/coopkit-agent.service\n")
	write(t, dir, "cgroup/system.slice/coopkit-agent.service/memory.events", "low 0\noom_kill 3\n")
	write(t, dir, "proc/stat", "cpu 1 2 3\nbtime 1700000000\n")
	write(t, dir, "proc/sys/kernel/osrelease", "6.1.0-1-amd64\n")
	return Facts{
		StateDir: filepath.Join(dir, "state"), Now: func() time.Time { return noon },
		Engine: func(context.Context) (engine.Info, error) {
			return engine.Info{Version: "20.10.24", APIVersion: "1.41"}, nil
		},
		LastBackup: func(context.Context, appliance.InstallName) (time.Time, error) { return noon.Add(-time.Hour), nil },
		host: host{
			proc: filepath.Join(dir, "proc"), run: filepath.Join(dir, "run"), boot: filepath.Join(dir, "boot"), cgroup: filepath.Join(dir, "cgroup"),
			disk: func(string) (diskSpace, error) { return diskSpace{device: 1, free: 90 << 30, total: 100 << 30}, nil },
			sync: func() (bool, error) { return true, nil },
		},
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wiki(containers ...engine.Container) App {
	return App{
		Install:  appliance.Install{Name: "wiki", Wanted: appliance.WantRunning, Release: 1},
		Title:    "Wiki",
		Services: []AppService{{Name: "app"}, {Name: "seed", OneShot: true}},
		Containers: append(containers,
			engine.Container{Service: "seed", State: engine.Exited, ExitCode: 0}),
	}
}

func apps(all ...App) func(context.Context) ([]App, error) {
	return func(context.Context) ([]App, error) { return all, nil }
}

func certificate(life, left time.Duration, last *problem.Problem) func(context.Context) ([]appliance.Certificate, error) {
	end := noon.Add(left)
	return func(context.Context) ([]appliance.Certificate, error) {
		return []appliance.Certificate{{Host: "demo.coop", NotBefore: end.Add(-life), NotAfter: end, Problem: last}}, nil
	}
}

// fault is one case: what is changed in a box where nothing is wrong, and the
// severity, code and subject of what the doctor then shows.
type fault struct {
	change func(*Facts)
	want   string
}

// find looks at each box.
func find(t *testing.T, faults map[string]fault) {
	t.Helper()
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			c.change(&f)
			r := registry(t, nil, Standard(f)...)
			report, err := r.Now(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, one := range report.Findings {
				line := strings.TrimSpace(one.Severity.String() + " " + one.Code + " " + strings.Replace(one.Subject, f.StateDir, "STATE", 1))
				got = append(got, strings.Join(append([]string{line}, one.Hides...), " > "))
				complete(t, one)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("found %q, want %q", text, c.want)
			}
		})
	}
}

// full is a disk with so much free of so much.
func full(free, total uint64) func(*Facts) {
	return func(f *Facts) {
		f.host.disk = func(string) (diskSpace, error) { return diskSpace{device: 1, free: free, total: total}, nil }
	}
}

// service is a wiki whose one service is so.
func service(c engine.Container) func(*Facts) {
	return func(f *Facts) { c.Service = "app"; f.Apps = apps(wiki(c)) }
}

var running = engine.Container{Service: "app", State: engine.Running}

func TestStandard_findsWhatIsWrongWithTheBox(t *testing.T) {
	find(t, map[string]fault{
		"nothing":              {func(*Facts) {}, ""},
		"disk full":            {full(100<<20, 100<<30), "critical DISK-FULL disk:STATE"},
		"disk nearly full":     {full(5<<30, 100<<30), "warning DISK-NEARLY-FULL disk:STATE"},
		"a big disk with room": {full(30<<30, 4000<<30), ""},
		"disk cannot be asked": {func(f *Facts) {
			f.host.disk = func(string) (diskSpace, error) { return diskSpace{}, errors.New("gone") }
		}, "notice CHECK-COULD-NOT-LOOK check:disk"},
		"clock alone": {func(f *Facts) { f.host.sync = func() (bool, error) { return false, nil } }, "notice CLOCK-NOT-SET-BY-NETWORK"},
		"engine away": {func(f *Facts) {
			f.Engine = func(context.Context) (engine.Info, error) { return engine.Info{}, errors.New("no") }
		}, "critical ENGINE-UNREACHABLE"},
		"engine old":    {func(f *Facts) { f.Engine = info("19.3.1", "1.40") }, "warning ENGINE-TOO-OLD"},
		"engine new":    {func(f *Facts) { f.Engine = info("99.0.1", "1.99") }, "notice ENGINE-NOT-TRIED"},
		"store damaged": {func(f *Facts) { f.Integrity = func(context.Context) error { return errors.New("page 3") } }, "critical STORE-DAMAGED"},
	})
}

func TestStandard_findsWhatIsWrongWithApps(t *testing.T) {
	find(t, map[string]fault{
		"app well":              {service(running), ""},
		"service ended":         {service(engine.Container{State: engine.Exited, ExitCode: 3}), "critical SERVICE-STOPPED app:wiki/app"},
		"service gone":          {func(f *Facts) { f.Apps = apps(wiki()) }, "critical SERVICE-STOPPED app:wiki/app"},
		"service restarting":    {service(engine.Container{State: engine.Restarting, Restarts: 9}), "critical SERVICE-RESTARTING app:wiki/app"},
		"service unhealthy":     {service(engine.Container{State: engine.Running, Health: "unhealthy"}), "warning SERVICE-UNHEALTHY app:wiki/app"},
		"service out of memory": {service(engine.Container{State: engine.Restarting, OOMKilled: true}), "critical SERVICE-OUT-OF-MEMORY app:wiki/app"},
		"app stopped on purpose": {func(f *Facts) {
			a := wiki()
			a.Install.Wanted = appliance.WantStopped
			f.Apps = apps(a)
		}, "notice APP-STOPPED app:wiki"},
		"app in a job": {func(f *Facts) { a := wiki(); a.Busy = true; f.Apps = apps(a) }, ""},
		"app not answering": {func(f *Facts) {
			a := wiki(running)
			a.Contract = func(context.Context) error { return errors.New("500") }
			f.Apps = apps(a)
		}, "critical APP-NOT-ANSWERING app:wiki"},
	})
}

func TestStandard_hidesWhatIsOnlyAConsequence(t *testing.T) {
	find(t, map[string]fault{
		"one service explains that the app does not answer": {func(f *Facts) {
			a := wiki(engine.Container{Service: "app", State: engine.Exited})
			a.Contract = func(context.Context) error { return errors.New("refused") }
			f.Apps = apps(a)
		}, "critical SERVICE-STOPPED app:wiki/app > APP-NOT-ANSWERING app:wiki"},
		"data that is gone explains that the app does not run": {func(f *Facts) {
			a := wiki()
			a.Contract = func(context.Context) error {
				return &problem.Problem{Code: "data-missing", What: "the data of wiki is not where it was", Next: []string{"look"}}
			}
			f.Apps = apps(a)
		}, "critical DATA-MISSING app:wiki > SERVICE-STOPPED app:wiki/app"},
		"without engine nobody can look at apps": {func(f *Facts) {
			f.Engine = func(context.Context) (engine.Info, error) { return engine.Info{}, errors.New("no") }
			f.Apps = func(context.Context) ([]App, error) { return nil, errors.New("no engine") }
		}, "critical ENGINE-UNREACHABLE > CHECK-COULD-NOT-LOOK check:apps > CHECK-COULD-NOT-LOOK check:backups"},
		"name elsewhere explains the certificate": {func(f *Facts) {
			f.Certificates = certificate(90*day, -time.Minute, nil)
			f.Names = func(context.Context) ([]appliance.NameCheck, error) {
				return []appliance.NameCheck{{Host: "demo.coop", Found: []string{"192.0.2.9"}, Want: []string{"192.0.2.1"}}, {Host: "www.demo.coop", OK: true}}, nil
			}
		}, "critical NAME-LEADS-ELSEWHERE host:demo.coop > CERTIFICATE-EXPIRED host:demo.coop"},
	})
}

func TestStandard_findsMissingBackups(t *testing.T) {
	find(t, map[string]fault{
		"no backup": {func(f *Facts) {
			f.Apps, f.LastBackup = apps(wiki(running)), nil
		}, "warning BACKUP-NONE app:wiki"},
		"old backup": {func(f *Facts) {
			f.Apps = apps(wiki(running))
			f.LastBackup = func(context.Context, appliance.InstallName) (time.Time, error) { return noon.Add(-5 * day), nil }
		}, "warning BACKUP-OLD app:wiki"},
	})
}

func TestStandard_findsWhatIsWrongWithNamesAndCertificates(t *testing.T) {
	find(t, map[string]fault{
		"certificate fresh":                 {func(f *Facts) { f.Certificates = certificate(90*day, 60*day, nil) }, ""},
		"certificate being renewed":         {func(f *Facts) { f.Certificates = certificate(90*day, 29*day, nil) }, ""},
		"certificate at a third":            {func(f *Facts) { f.Certificates = certificate(90*day, 20*day, nil) }, "notice CERTIFICATE-EXPIRES-SOON host:demo.coop"},
		"certificate at a third and failed": {func(f *Facts) { f.Certificates = certificate(90*day, 29*day, &problem.Problem{What: "no"}) }, "notice CERTIFICATE-EXPIRES-SOON host:demo.coop"},
		"certificate at a sixth":            {func(f *Facts) { f.Certificates = certificate(90*day, 14*day, nil) }, "warning CERTIFICATE-EXPIRES-SOON host:demo.coop"},
		"certificate ended":                 {func(f *Facts) { f.Certificates = certificate(90*day, -time.Minute, nil) }, "critical CERTIFICATE-EXPIRED host:demo.coop"},
		"certificate missing": {func(f *Facts) {
			f.Certificates = func(context.Context) ([]appliance.Certificate, error) {
				return []appliance.Certificate{{Host: "demo.coop", Problem: &problem.Problem{Why: "port 80 is shut", Next: []string{"open it"}}}, {Host: "new.demo.coop"}}, nil
			}
		}, "critical CERTIFICATE-MISSING host:demo.coop"},
		"one name could not be looked up": {func(f *Facts) {
			f.Names = func(context.Context) ([]appliance.NameCheck, error) {
				return []appliance.NameCheck{{Host: "demo.coop", Unanswered: true, Problem: "no Internet"}, {Host: "www.demo.coop"}}, nil
			}
		}, "critical NAME-LEADS-ELSEWHERE host:www.demo.coop, notice CHECK-COULD-NOT-LOOK check:names"},
	})
}

func info(version, api string) func(context.Context) (engine.Info, error) {
	return func(context.Context) (engine.Info, error) {
		return engine.Info{Version: version, APIVersion: api}, nil
	}
}

// complete checks that a finding says everything that a person needs, shortly.
func complete(t *testing.T, f appliance.Finding) {
	t.Helper()
	if f.What == "" || f.Why == "" || len(f.Next) == 0 || f.Who == "" {
		t.Errorf("%s leaves something unsaid: %+v", f.Code, f)
	}
	for _, text := range append([]string{f.What, f.Why}, f.Next...) {
		if n := len(strings.Fields(text)); n > 25 {
			t.Errorf("%s: %d words are too many: %s", f.Code, n, text)
		}
	}
}

func TestStandard_forecastsWhenADiskIsFull(t *testing.T) {
	f := healthy(t)
	used := uint64(10 << 30)
	now := noon
	f.Now = func() time.Time { return now }
	f.host.disk = func(string) (diskSpace, error) {
		return diskSpace{device: 1, free: 100<<30 - used, total: 100 << 30}, nil
	}
	check := diskCheck(f)
	for range 30 { // 30 hours at half a GiB an hour
		found, err := check.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now.Sub(noon) < diskSpan && len(found) > 0 {
			t.Fatalf("a forecast after %v: %+v", now.Sub(noon), found)
		}
		now, used = now.Add(time.Hour), used+512<<20
	}
	found, err := diskCheck(f).Run(t.Context()) // another process: the history is in the file
	if err != nil || len(found) != 1 || found[0].Code != "DISK-FILLING" || found[0].Severity != appliance.Warning ||
		!strings.Contains(found[0].What, "about 6 days") {
		t.Errorf("found %+v, %v", found, err)
	}
}

// TestStandard_noticesThatMemoryRanOut of an app of this box, or of its agent;
// whatever else runs on the machine does not count.
func TestStandard_noticesThatMemoryRanOut(t *testing.T) {
	f := healthy(t)
	now := noon
	var ended []OutOfMemory
	f.Now, f.OutOfMemory = func() time.Time { return now }, func() []OutOfMemory { return ended }
	check := memoryCheck(f)
	look := func() []appliance.Finding {
		found, err := check.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	dir := filepath.Dir(f.host.proc)
	if got := shown(look()); got != "" {
		t.Errorf("what was before we looked is old: %s", got)
	}
	write(t, dir, "proc/vmstat", "oom_kill 5\n")
	if got := shown(look()); got != "" {
		t.Errorf("of another program of the machine: %s", got)
	}
	ended = []OutOfMemory{{"Wiki", noon}, {"WordPress", noon}, {"Wiki", noon}}
	write(t, dir, "proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 90000 kB\n")
	found := look()
	if shown(found) != "MEMORY-RAN-OUT, MEMORY-LOW" || !strings.Contains(found[0].What, "Wiki, WordPress") || found[0].Args["programs_count"] != "3" {
		t.Errorf("of apps: %+v", found)
	}
	ended = nil
	write(t, dir, "cgroup/system.slice/coopkit-agent.service/memory.events", "low 0\noom_kill 4\n")
	if found = look(); len(found) != 2 || found[0].Code != "MEMORY-RAN-OUT" || found[0].Subject != "part:agent" {
		t.Errorf("of the agent's own service: %+v", found)
	}
	ended = []OutOfMemory{{"Wiki", noon}}
	now = now.Add(2 * time.Hour)
	if got := shown(look()); got != "MEMORY-LOW" {
		t.Errorf("two hours later: %q", got)
	}
	write(t, dir, "proc/self/cgroup", "0::/user.slice/session-1.scope\n")
	if got := f.host.ownKills(); got != 0 {
		t.Errorf("without a service of its own %d count", got)
	}
}

func TestStandard_noticesAClockThatWentBack(t *testing.T) {
	f := healthy(t)
	now := noon
	f.Now = func() time.Time { return now }
	if found, err := clockCheck(f).Run(t.Context()); err != nil || len(found) > 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	now = now.Add(-48 * time.Hour) // the battery was empty
	found, err := clockCheck(f).Run(t.Context())
	if err != nil || shown(found) != "CLOCK-WRONG" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestStandard_noticesAClosedDoor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := healthy(t)
	addr := l.Addr().String()
	f.Listeners = func() []string { return []string{addr} }
	if found, err := doorCheck(f).Run(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("open: %+v, %v", found, err)
	}
	_ = l.Close()
	if found, err := doorCheck(f).Run(t.Context()); err != nil || shown(found) != "DOOR-CLOSED door:"+addr {
		t.Errorf("closed: %+v, %v", found, err)
	}
}

func TestStandard_saysWhenARestartIsDue(t *testing.T) {
	f := healthy(t)
	dir := filepath.Dir(f.host.proc)
	why := func() string {
		t.Helper()
		s, _, err := rebootWhy(f.host)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got := why(); got != "" {
		t.Errorf("a kernel from outside: %q", got)
	}
	write(t, dir, "boot/vmlinuz-6.1.0-1-amd64", "")
	if got := why(); got != "" {
		t.Errorf("only the running kernel: %q", got)
	}
	write(t, dir, "boot/vmlinuz-6.1.0-2-amd64", "") // now, long after btime
	if got := why(); !strings.Contains(got, "6.1.0-2-amd64 is installed") {
		t.Errorf("a newer kernel: %q", got)
	}
	write(t, dir, "run/reboot-required", "*** System restart required ***\n")
	write(t, dir, "run/reboot-required.pkgs", "libc6\nlibc6\nlinux-image-6.1.0-2-amd64\n")
	if got := why(); got != "The system asks for it, because of libc6, linux-image-6.1.0-2-amd64." {
		t.Errorf("asked for: %q", got)
	}
}

// The real places must be readable on the machine that runs the tests.
func TestStandard_looksAtTheRealSystem(t *testing.T) {
	r := registry(t, nil, Standard(Facts{StateDir: t.TempDir()})...)
	report, err := r.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Code == CouldNotLook {
			t.Errorf("%s: %s", f.Subject, f.Why)
		}
		complete(t, f)
	}
	if report.Checks != len(r.Checks()) || report.Checks == 0 {
		t.Errorf("%d checks ran", report.Checks)
	}
}
