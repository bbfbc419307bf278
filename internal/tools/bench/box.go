// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// boxInstalls are the apps that are added before the agent is watched at rest,
// and how many of each: ten, as many as a co-op with a full box has.
var boxInstalls = []struct {
	recipe string
	count  int
	args   []string
}{
	{"radicale", 4, nil},
	{"dokuwiki", 4, []string{"--set", "title=Bench", "--set", "email=steward@bench.example"}},
	{"wordpress", 2, []string{"--set", "title=Bench", "--set", "email=steward@bench.example"}},
}

// How long the agent is left alone, and then watched at rest.
const (
	settling = 2 * time.Minute
	resting  = 30 * time.Second
)

// box is an agent of the bench with a state folder of its own.
type box struct {
	*bench
	state, https, socket string
	console              string // its address
	filled               bool   // it has a site
	args                 []string
}

// boxRows measures the agent itself: its size, its start, and at rest.
func boxRows(ctx context.Context, b *bench) (rows []row, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	size, err := os.Stat(b.program)
	if err != nil {
		return nil, fmt.Errorf("the program is not built: %w", err)
	}
	x, err := b.newBox()
	if err != nil {
		return nil, err
	}
	p, err := x.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { p.stop() }()
	defer func() { err = errors.Join(err, x.empty(context.WithoutCancel(ctx))) }()
	if err := x.fill(ctx); err != nil {
		return nil, err
	}
	if err := x.addApps(ctx); err != nil {
		return nil, err
	}
	var starts []float64
	for round := range b.rounds {
		p.stop()
		begin := time.Now()
		if p, err = x.start(ctx); err != nil {
			return nil, err
		}
		starts = append(starts, time.Since(begin).Seconds())
		b.say("  round %d start to serving: %.3f s", round+1, starts[round])
	}
	p.stop()
	if err := forget(x.program); err != nil {
		return nil, err
	}
	if p, err = x.start(ctx); err != nil {
		return nil, err
	}
	if err := x.live(ctx); err != nil {
		return nil, err
	}
	memory, cpu, err := rest(ctx, p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	return []row{
		{what: "size of the program", ours: float64(size.Size()) / (1 << 20), unit: "MiB", goal: 40, most: true},
		{what: "start to serving a site, 10 installs", ours: median(starts), unit: "s", goal: 0.3, most: true},
		{what: "the agent's own memory (RssAnon) at rest, 10 installs, console used, desk joined", ours: memory.anon, unit: "MiB", goal: 24, most: true},
		{what: "… with the pages of the program's file that are in use (RSS)", ours: memory.all, unit: "MiB", goal: 60, most: true},
		{what: "CPU at rest, the same", ours: cpu, unit: "% of a core", goal: 0.5, most: true},
	}, nil
}

// forget makes the next start read the program from the disk, as a box does that
// is switched on. A file that was just written lies in the memory in pages of
// up to 2 MiB, which count as a whole for each byte that is used.
func forget(file string) error {
	f, err := os.Open(file) //nolint:gosec // the program
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	return errors.Join(err, f.Close())
}

func (b *bench) newBox(args ...string) (*box, error) {
	dir, err := os.MkdirTemp(b.dir, "box")
	if err != nil {
		return nil, err
	}
	addrs := make([]string, 4)
	for i := range addrs {
		if addrs[i], err = freeAddr(); err != nil {
			return nil, err
		}
	}
	x := &box{bench: b, state: filepath.Join(dir, "state"), socket: filepath.Join(dir, "coopkit.sock"), https: addrs[0], console: "https://" + addrs[3]}
	x.args = append([]string{
		"agent", "run", "--state", x.state, "--socket", x.socket, "--https", addrs[0], "--http", addrs[1], "--dns", addrs[2],
		"--console", addrs[3], "--public-address", "127.0.0.1", "--issuer", "local",
	}, args...)
	_, err = b.file("site/index.html", "<p>Hello")
	return x, err
}

// start starts the agent and returns once its HTTPS port answers; a box with a
// site must serve it.
func (x *box) start(ctx context.Context) (*process, error) {
	p, err := start(ctx, x.program, x.args...)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{ServerName: "bench.example", InsecureSkipVerify: true}, //nolint:gosec // only whether it answers counts
	}}
	return p, p.wait(ctx, func() bool {
		if !x.filled {
			_, err := os.Stat(x.socket)
			return err == nil && listens(x.https)()
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+x.https+"/", nil)
		if err != nil {
			return false
		}
		req.Host = "bench.example"
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (x *box) coopkit(ctx context.Context, args ...string) (string, error) {
	return output(ctx, x.program, append([]string{"--socket", x.socket}, args...)...)
}

// fill adds a zone and a site.
func (x *box) fill(ctx context.Context) error {
	if _, err := x.coopkit(ctx, "name", "add", "bench.example", "--yes"); err != nil {
		return err
	}
	if _, err := x.coopkit(ctx, "site", "push", filepath.Join(x.dir, "site"), "bench.example", "--yes"); err != nil {
		return err
	}
	x.filled = true
	return nil
}

// addApps adds the installs of boxInstalls.
func (x *box) addApps(ctx context.Context) error {
	for _, app := range boxInstalls {
		for n := range app.count {
			name := fmt.Sprintf("bench-%s-%d", app.recipe, n+1)
			x.say("  adding %s", name)
			args := append([]string{"app", "add", app.recipe, "--name", name, "--address", name + ".bench.example", "--yes"}, app.args...)
			if _, err := x.coopkit(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// empty removes every app again.
func (x *box) empty(ctx context.Context) error {
	out, err := x.coopkit(ctx, "app", "list", "--json")
	if err != nil {
		return err
	}
	var apps []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(out), &apps); err != nil {
		return fmt.Errorf("read the list of apps: %w", err)
	}
	for _, a := range apps {
		_, err2 := x.coopkit(ctx, "app", "remove", a.Name, "--no-export", "--yes")
		err = errors.Join(err, err2)
	}
	return err
}

// rest waits until what was begun has come to its end, then watches a process
// for a while. It returns its memory in MiB and its use of the processor in
// percent of a core.
func rest(ctx context.Context, pid int) (memory resident, cpu float64, err error) {
	wait := func(d time.Duration) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	wait(settling)
	before, err := ticks(pid)
	if err != nil {
		return memory, 0, err
	}
	wait(resting)
	after, err := ticks(pid)
	if err != nil {
		return memory, 0, err
	}
	if memory, err = residentOf(pid); err != nil {
		return memory, 0, err
	}
	return memory, (after - before) / ticksPerSecond / resting.Seconds() * 100, ctx.Err()
}

// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

func ticks(pid int) (float64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	p, err := parseStat(string(stat))
	return p.ticks, err
}

// resident is what a process holds in memory, in MiB: all of it, and what is
// its own (anonymous). The rest are pages of the program's file, which the
// kernel takes back when it needs room.
type resident struct{ all, anon float64 }

func residentOf(pid int) (resident, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return resident{}, err
	}
	return readResident(string(status))
}

var statusKiB = regexp.MustCompile(`(?m)^(VmRSS|RssAnon):\s+(\d+) kB$`)

// readResident reads proc(5)'s status.
func readResident(status string) (r resident, err error) {
	found := statusKiB.FindAllStringSubmatch(status, -1)
	if len(found) != 2 {
		return r, errors.New("read process memory: no VmRSS and RssAnon")
	}
	for _, m := range found {
		kib, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return r, fmt.Errorf("read process memory: %w", err)
		}
		if m[1] == "VmRSS" {
			r.all = kib / 1024
		} else {
			r.anon = kib / 1024
		}
	}
	return r, nil
}
