// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/dns"
	"coopkit/dns/zonefile"
	"coopkit/internal/atomicfile"
	"coopkit/internal/hostname"
)

// addZoneSteps returns the steps that add a zone. Whoever starts the job asks
// planAddZone first: the steps themselves take a zone that is there for one that
// an interrupted run of theirs has made.
func (n *Names) addZoneSteps(name hostname.Name) []jobs.Step {
	args := map[string]string{"name": string(name)}
	return []jobs.Step{
		{
			Code: appliance.StepAddZone, Args: args,
			Do:   func(ctx context.Context, p appliance.Progress) error { return n.addZone(ctx, name, p) },
			Undo: func(ctx context.Context) error { return n.undoAddZone(ctx, name) },
		},
		{
			Code: appliance.StepVerifyZone, Args: args,
			Do:     func(ctx context.Context, _ appliance.Progress) error { return n.verifyZone(ctx, name) },
			Commit: true,
		},
	}
}

func (n *Names) addZone(ctx context.Context, name hostname.Name, p appliance.Progress) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	z, err := n.find(ctx, name)
	switch {
	case err == nil && !z.pristine():
		return zoneExists(name)
	case err == nil:
		return n.serve(ctx)
	case !errors.Is(err, noSuchZone(name)):
		return err
	}
	if z, err = n.newZone(name); err != nil {
		return err
	}
	if err := n.d.Store.ReplaceZone(ctx, z.stored()); err != nil {
		return fmt.Errorf("store zone %s: %w", name, err)
	}
	jobs.AddFact(ctx, appliance.FactZone, "serial", strconv.FormatUint(uint64(z.Serial), 10))
	p.Log(fmt.Sprintf("serial %d", z.Serial))
	return n.serve(ctx)
}

// undoAddZone removes the zone unless somebody has put records into it.
func (n *Names) undoAddZone(ctx context.Context, name hostname.Name) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	z, err := n.find(ctx, name)
	switch {
	case errors.Is(err, noSuchZone(name)):
		return nil
	case err != nil:
		return err
	case !z.pristine():
		return nil
	}
	if err := n.d.Store.DeleteZone(ctx, z.Name); err != nil {
		return fmt.Errorf("delete zone %s: %w", name, err)
	}
	return n.serve(ctx)
}

func (n *Names) verifyZone(ctx context.Context, name hostname.Name) error {
	z, err := n.find(ctx, name)
	if err != nil {
		return err
	}
	d := dns.Diff{Zone: z.Name, Keep: z.Records}
	for _, r := range z.All() {
		if r.Type == "NS" && r.Name == z.Name {
			d.Keep = append(d.Keep, r)
		}
	}
	if err := n.verify(ctx, d); err != nil {
		return err
	}
	jobs.AddFact(ctx, appliance.FactVerified, "records_count", strconv.Itoa(len(d.Keep)))
	return nil
}

// removeZoneSteps returns the steps that remove a zone. Its records stay in a
// zone file.
func (n *Names) removeZoneSteps(name hostname.Name) []jobs.Step {
	return []jobs.Step{
		{
			Code: appliance.StepKeepZone,
			Do:   func(ctx context.Context, p appliance.Progress) error { return n.keepZone(ctx, name, p) },
			Undo: func(ctx context.Context) error { return n.dropKept(ctx, name) },
		},
		{
			Code: appliance.StepRemoveZone, Destroys: true, Args: map[string]string{"name": string(name)},
			Do:     func(ctx context.Context, _ appliance.Progress) error { return n.removeZone(ctx, name) },
			Undo:   func(ctx context.Context) error { return n.undoRemoveZone(ctx, name) },
			Commit: true,
		},
	}
}

// kept is the path of a file about a removed zone.
func (n *Names) kept(name hostname.Name, suffix string) string {
	return filepath.Join(n.d.Dir, string(name)+suffix)
}

// keepZone writes the zone twice: as it is in the store, for the way back, and
// as a zone file for people and other servers, which no later removal replaces.
func (n *Names) keepZone(ctx context.Context, name hostname.Name, p appliance.Progress) error {
	z, err := n.find(ctx, name)
	if errors.Is(err, noSuchZone(name)) {
		if _, err := os.Stat(n.kept(name, ".json")); err == nil {
			return nil // an interrupted run has kept and removed it
		}
	}
	if err != nil {
		return err
	}
	if err := z.unused(); err != nil {
		return err
	}
	raw, err := json.Marshal(z.stored())
	if err != nil {
		return fmt.Errorf("write zone %s: %w", name, err)
	}
	var file bytes.Buffer
	if err := zonefile.Format(&file, z.Zone); err != nil {
		return err
	}
	if err := os.MkdirAll(n.d.Dir, 0o750); err != nil {
		return fmt.Errorf("make folder for removed zones: %w", err)
	}
	path := n.kept(name, fmt.Sprintf("-%d.zone", z.Serial))
	jobs.AddFact(ctx, appliance.FactSaved, "file", path)
	p.Log("kept as " + path)
	return errors.Join(
		atomicfile.Write(n.kept(name, ".json"), raw, 0o640),
		atomicfile.Write(path, file.Bytes(), 0o640),
	)
}

// dropKept deletes what keepZone wrote of a zone that stays after all.
func (n *Names) dropKept(ctx context.Context, name hostname.Name) error {
	z, err := n.find(ctx, name)
	if errors.Is(err, noSuchZone(name)) {
		return nil // what is kept is of another removal
	}
	if err != nil {
		return err
	}
	for _, suffix := range []string{".json", fmt.Sprintf("-%d.zone", z.Serial)} {
		if err := os.Remove(n.kept(name, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop kept zone %s: %w", name, err)
		}
	}
	return nil
}

func (n *Names) removeZone(ctx context.Context, name hostname.Name) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	z, err := n.find(ctx, name)
	if err == nil {
		err = z.unused()
	} else if errors.Is(err, noSuchZone(name)) {
		return n.serve(ctx)
	}
	if err != nil {
		return err
	}
	if err := n.d.Store.DeleteZone(ctx, string(name)); err != nil {
		return fmt.Errorf("delete zone %s: %w", name, err)
	}
	return n.serve(ctx)
}

// undoRemoveZone puts the zone back as keepZone kept it.
func (n *Names) undoRemoveZone(ctx context.Context, name hostname.Name) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.find(ctx, name); !errors.Is(err, noSuchZone(name)) {
		return err
	}
	s, err := n.readKept(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := n.d.Store.ReplaceZone(ctx, s); err != nil {
		return fmt.Errorf("store zone %s: %w", name, err)
	}
	return n.serve(ctx)
}

// readKept reads the zone of that name that was removed last. The error is
// fs.ErrNotExist if none was.
func (n *Names) readKept(name hostname.Name) (StoredZone, error) {
	var s StoredZone
	raw, err := os.ReadFile(n.kept(name, ".json"))
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return StoredZone{}, fmt.Errorf("read kept zone %s: %w", name, err)
	}
	return s, nil
}
