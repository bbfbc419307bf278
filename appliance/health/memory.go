// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
)

const (
	memoryReserve = 150 << 20 // bytes
	killedRecent  = time.Hour // how long a killed program is worth a word
)

func memoryCheck(f Facts) Check {
	var own killWatch
	return Check{
		Name: "memory", Title: "memory", Every: time.Minute,
		Codes: []Code{
			{
				Code: "MEMORY-RAN-OUT", Severity: appliance.Critical, VisibleAfter: 1,
				Means: "In the last hour the system had to end a program of an app or of the agent, because no memory was left or because an app reached its own limit. Other programs of the machine do not count.",
			},
			{
				Code: "MEMORY-LOW", Severity: appliance.Warning, DependsOn: []string{"MEMORY-RAN-OUT"}, VisibleAfter: 5, HoldAfter: 5,
				Means: "Less than 150 MiB or 5 % of memory is available, for five minutes.",
			},
		},
		Run: func(context.Context) ([]appliance.Finding, error) {
			info, err := numbers(filepath.Join(f.host.proc, "meminfo"), 1024)
			if err != nil {
				return nil, err
			}
			var found []appliance.Finding
			if f.OutOfMemory != nil {
				found = appsRanOut(f.OutOfMemory(), info, f.Now())
			}
			if n := own.recent(f.host.ownKills(), f.Now()); n > 0 {
				found = append(found, agentRanOut(n, info))
			}
			if free, all := info["MemAvailable"], info["MemTotal"]; free < memoryReserve || free*20 < all {
				found = append(found, appliance.Finding{
					Code: "MEMORY-LOW", Severity: appliance.Warning,
					What: "The box is short of memory: apps become slow",
					Why: fmt.Sprintf("%s of %s are available. When it runs out, the system ends programs.",
						size(free), size(all)),
					Next: []string{"Stop an app that is not needed: coopkit app stop NAME", "Or give the box more memory"},
					Who:  appliance.You,
					Args: map[string]string{"free_bytes": number(free), "total_bytes": number(all)},
				})
			}
			return found, nil
		},
	}
}

// appsRanOut is the finding about programs of apps that were ended lately.
func appsRanOut(all []OutOfMemory, info map[string]uint64, now time.Time) []appliance.Finding {
	var apps []string
	var n uint64
	for _, one := range all {
		if now.Sub(one.At) > killedRecent {
			continue
		}
		n++
		if !slices.Contains(apps, one.App) {
			apps = append(apps, one.App)
		}
	}
	if n == 0 {
		return nil
	}
	slices.Sort(apps)
	names := strings.Join(apps, ", ")
	return []appliance.Finding{{
		Code: "MEMORY-RAN-OUT", Severity: appliance.Critical,
		What: "For want of memory a program of " + names + " was ended; the last change made there may be lost",
		Why: fmt.Sprintf("In the last hour it happened %s: an app reached the box's memory or its own limit. %s of %s are available.",
			occasions(n), size(info["MemAvailable"]), size(info["MemTotal"])),
		Next: []string{"See whether an app keeps stopping: coopkit app list", "Stop an app that is not needed, or give the box more memory"},
		Who:  appliance.You,
		Args: map[string]string{
			"apps": names, "programs_count": number(n),
			"free_bytes": number(info["MemAvailable"]), "total_bytes": number(info["MemTotal"]),
		},
	}}
}

func agentRanOut(n uint64, info map[string]uint64) appliance.Finding {
	return appliance.Finding{
		Code: "MEMORY-RAN-OUT", Subject: "part:agent", Severity: appliance.Critical,
		What: "For want of memory a program that the agent ran was ended; a change that was under way may have failed",
		Why: fmt.Sprintf("In the last hour it happened %s. %s of %s are available.",
			occasions(n), size(info["MemAvailable"]), size(info["MemTotal"])),
		Next: []string{"See what became of the change: coopkit job list", "Stop an app that is not needed, or give the box more memory"},
		Who:  appliance.You,
		Args: map[string]string{
			"case": "agent", "programs_count": number(n),
			"free_bytes": number(info["MemAvailable"]), "total_bytes": number(info["MemTotal"]),
		},
	}
}

func occasions(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// ownKills is how many programs of the agent's own service the system has ended
// for want of memory; 0 where it is no service of systemd, because other programs
// would count then.
func (h host) ownKills() uint64 {
	text, err := os.ReadFile(filepath.Join(h.proc, "self", "cgroup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok || filepath.Base(group) != agentUnit {
			continue
		}
		events, err := numbers(filepath.Join(h.cgroup, group, "memory.events"), 1)
		if err != nil {
			return 0
		}
		return events["oom_kill"]
	}
	return 0
}

// agentUnit is the agent's service, as the installer names it.
const agentUnit = "coopkit-agent.service"

// killWatch turns a counter of the system into how many programs
// were ended lately. The zero value is ready.
type killWatch struct {
	mu     sync.Mutex
	known  bool
	count  uint64
	lately []kill
}

type kill struct {
	at time.Time
	n  uint64
}

func (k *killWatch) recent(count uint64, now time.Time) (n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known && count > k.count {
		k.lately = append(k.lately, kill{now, count - k.count})
	}
	k.known, k.count = true, count
	for len(k.lately) > 0 && now.Sub(k.lately[0].at) > killedRecent {
		k.lately = k.lately[1:]
	}
	for _, one := range k.lately {
		n += one.n
	}
	return n
}

// numbers reads a file of /proc with "name: number unit" or "name number" on
// each line. Numbers are multiplied by unit.
func numbers(path string, unit uint64) (map[string]uint64, error) {
	b, err := os.ReadFile(path) //nolint:gosec // a file of /proc
	if err != nil {
		return nil, fmt.Errorf("read memory state: %w", err)
	}
	found := map[string]uint64{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if n, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
			found[strings.TrimSuffix(fields[0], ":")] = n * unit
		}
	}
	return found, nil
}
