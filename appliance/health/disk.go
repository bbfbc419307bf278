// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"coopkit/appliance"
)

// The limits of the disk check.
const (
	diskReserve  = 512 << 20      // less is full: databases begin to fail
	diskSampling = time.Hour      // one sample each
	diskMemory   = 14 * 24        // samples kept: two weeks
	diskSpan     = 24 * time.Hour // a forecast needs that much history
	day          = 24 * time.Hour
)

// sample is how much of a disk was used at one time.
type sample struct {
	At   time.Time `json:"at"`
	Used uint64    `json:"used"`
}

func diskCheck(f Facts) Check {
	past := historyOf[map[string][]sample](f.StateDir, "disk")
	return Check{
		Name: "disk", Title: "room on the disks", Every: 30 * time.Second,
		Codes: []Code{
			{
				Code: "DISK-FULL", Severity: appliance.Critical, BoxWide: true, VisibleAfter: 1,
				Means: "Less than 512 MiB is free, or less than 2 % and 2 GiB. Apps stop saving what members do.",
			},
			{
				Code: "DISK-NEARLY-FULL", Severity: appliance.Warning, DependsOn: []string{"DISK-FULL"},
				Means: "Less than 10 % is free, and less than 20 GiB.",
			},
			{
				Code: "DISK-FILLING", Severity: appliance.Warning, DependsOn: []string{"DISK-FULL", "DISK-NEARLY-FULL"},
				Means: "At the pace of the last two weeks the disk is full in less than 30 days (a notice) or 7 days (a warning).",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) { return lookAtDisks(ctx, f, past) },
	}
}

func lookAtDisks(ctx context.Context, f Facts, past history[map[string][]sample]) ([]appliance.Finding, error) {
	places := []string{f.StateDir}
	if f.Engine != nil {
		if info, err := f.Engine(ctx); err == nil && info.RootDir != "" {
			places = append(places, info.RootDir) // an engine that is away has its own check
		}
	}
	samples, errs := past.load()
	if samples == nil {
		samples = map[string][]sample{}
	}
	var found []appliance.Finding
	seen, grew := map[uint64]bool{}, false
	for _, place := range places {
		d, err := f.host.disk(place)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		if seen[d.device] {
			continue
		}
		seen[d.device] = true
		now := sample{At: f.Now(), Used: d.total - d.free}
		if before := samples[place]; len(before) == 0 || now.At.Sub(before[len(before)-1].At) >= diskSampling {
			samples[place] = append(before, now)[max(0, len(before)+1-diskMemory):]
			grew = true
		}
		found = append(found, judgeDisk(place, d, samples[place])...)
	}
	if grew && len(found) == 0 { // a full disk is not written to
		errs = errors.Join(errs, past.save(samples))
	}
	return found, errs
}

func judgeDisk(place string, d diskSpace, past []sample) []appliance.Finding {
	finding := appliance.Finding{
		Subject: "disk:" + place, Who: appliance.You,
		Next: []string{"Remove what is no longer needed, or add a bigger disk: see docs/how-to/read-the-doctor.md"},
		Args: map[string]string{"place": place, "free_bytes": number(d.free), "total_bytes": number(d.total)},
	}
	room := fmt.Sprintf("%s of %s are free on the disk of %s", size(d.free), size(d.total), place)
	switch {
	case d.free < diskReserve || d.free*50 < d.total && d.free < 2<<30:
		finding.Code, finding.Severity = "DISK-FULL", appliance.Critical
		finding.What = "The disk is full: apps can no longer save what members do"
		finding.Why = room + "."
	case d.free*10 < d.total && d.free < 20<<30:
		finding.Code, finding.Severity = "DISK-NEARLY-FULL", appliance.Warning
		finding.What = "The disk is nearly full; everything still works"
		finding.Why = room + ". When it is full, apps stop saving."
	default:
		left, ok := forecast(past, d.free)
		if !ok || left >= 30*day {
			return nil
		}
		finding.Code, finding.Severity = "DISK-FILLING", appliance.Notice
		if left < 7*day {
			finding.Severity = appliance.Warning
		}
		finding.What = fmt.Sprintf("The disk will be full in about %d days; everything still works", int(left/day))
		finding.Args["days_count"] = strconv.Itoa(int(left / day))
		finding.Why = room + ", and it fills at the pace of the last days."
	}
	return []appliance.Finding{finding}
}

// forecast says how long the free room lasts at the pace of the samples, by a
// straight line through them. ok is false without enough of them, and when the
// disk does not fill.
func forecast(past []sample, free uint64) (left time.Duration, ok bool) {
	if len(past) < 6 || past[len(past)-1].At.Sub(past[0].At) < diskSpan {
		return 0, false
	}
	var sx, sy, sxx, sxy float64
	for _, s := range past {
		x, y := s.At.Sub(past[0].At).Hours(), float64(s.Used)-float64(past[0].Used)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(past))
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx) // bytes an hour
	if hours := float64(free) / slope; slope > 0 && hours < 24*365 {
		return time.Duration(hours * float64(time.Hour)), true
	}
	return 0, false
}

// size writes bytes for people.
func size(bytes uint64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
