// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	var kills killWatch
	return Check{
		Name: "memory", Title: "memory", Every: time.Minute,
		Codes: []Code{
			{
				Code: "MEMORY-RAN-OUT", Severity: appliance.Critical, VisibleAfter: 1,
				Means: "In the last hour the system had to end a program, because no memory was left or because an app reached its own limit.",
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
			stat, err := numbers(filepath.Join(f.host.proc, "vmstat"), 1)
			if err != nil {
				return nil, err
			}
			var found []appliance.Finding
			if n := kills.recent(stat["oom_kill"], f.Now()); n > 0 {
				found = append(found, appliance.Finding{
					Code: "MEMORY-RAN-OUT", Severity: appliance.Critical,
					What: "A program was ended for want of memory; an app may have lost its last change",
					Why: fmt.Sprintf("In the last hour %d reached the box's memory or an app's own limit. %s of %s are available.",
						n, size(info["MemAvailable"]), size(info["MemTotal"])),
					Next: []string{"See whether an app keeps stopping: coopkit app list", "Stop an app that is not needed, or give the box more memory"},
					Who:  appliance.You,
					Args: map[string]string{"programs_count": number(n), "free_bytes": number(info["MemAvailable"]), "total_bytes": number(info["MemTotal"])},
				})
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

// killWatch turns the system's counter since its start into how many programs
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
