// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"coopkit/internal/atomicfile"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// Publish makes a version that was claimed the one that visitors see, and
// returns the number that was published before, 0 for none. The errors are
// Problems: "no-such-site", "no-such-site-version".
func (s *Sites) Publish(ctx context.Context, host hostname.Name, number int) (before int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if err != nil {
		return 0, err
	}
	if number != 0 && !site.has(number) {
		return 0, noSuchVersion(host, number)
	}
	before, site.Published = site.Published, number
	site.Versions = slices.Clone(site.Versions)
	for i := range site.Versions {
		site.Versions[i].Pending = site.Versions[i].Pending && site.Versions[i].Number != number
	}
	if err := s.d.Store.PutSite(ctx, site); err != nil {
		return 0, fmt.Errorf("store site %s: %w", host, err)
	}
	s.setRoot(site)
	s.d.Log.Info("site published", logkey.Host, host, "version", number, "before", before)
	return before, nil
}

// RollbackTarget returns the version to go back to: the one before the present
// one, or the given one if number is not 0. The errors are Problems:
// "no-such-site", "no-such-site-version", "no-older-version".
func (s *Sites) RollbackTarget(ctx context.Context, host hostname.Name, number int) (int, error) {
	site, err := s.find(ctx, host)
	switch {
	case err != nil:
		return 0, err
	case number != 0 && !site.has(number):
		return 0, noSuchVersion(host, number)
	case number != 0:
		return number, nil
	}
	for _, v := range slices.Backward(site.Versions) {
		if v.Number < site.Published {
			return v.Number, nil
		}
	}
	return 0, &problem.Problem{
		Code: "no-older-version", Kind: problem.Conflict,
		What: "there is no older version of " + string(host) + " to go back to",
		Next: []string{"push the site again as it should be"},
		Args: map[string]string{"host": string(host)},
	}
}

// Prune deletes the oldest versions beyond the five that are kept. The
// published one always stays.
func (s *Sites) Prune(ctx context.Context, host hostname.Name) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if err != nil {
		return err
	}
	var gone []Version
	kept := slices.Clone(site.Versions)
	for i := 0; i < len(kept) && len(kept) > keepVersions; {
		if kept[i].Number == site.Published {
			i++
			continue
		}
		gone = append(gone, kept[i])
		kept = slices.Delete(kept, i, i+1)
	}
	if len(gone) == 0 {
		return nil
	}
	site.Versions = kept
	if err := s.d.Store.PutSite(ctx, site); err != nil {
		return fmt.Errorf("store site %s: %w", host, err)
	}
	var errs []error
	for _, v := range gone {
		errs = append(errs, os.RemoveAll(s.path(host, v.Number)))
	}
	return errors.Join(errs...)
}

// Discard drops a version that is not published, and the whole site when that
// was its only one. It is no error when there is no such version.
func (s *Sites) Discard(ctx context.Context, host hostname.Name, number int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if errors.Is(err, noSuchSite(host)) || (err == nil && !site.has(number)) {
		return nil
	}
	if err != nil {
		return err
	}
	if site.Published == number {
		return fmt.Errorf("discard version %d of %s: it is published", number, host)
	}
	site.Versions = slices.DeleteFunc(slices.Clone(site.Versions), func(v Version) bool { return v.Number == number })
	if len(site.Versions) == 0 {
		err = s.d.Store.DeleteSite(ctx, site.Host)
	} else {
		err = s.d.Store.PutSite(ctx, site)
	}
	if err != nil {
		return fmt.Errorf("store site %s: %w", host, err)
	}
	if len(site.Versions) == 0 {
		return os.RemoveAll(filepath.Join(s.d.Dir, site.Host))
	}
	return os.RemoveAll(s.path(host, number))
}

// Remove takes the site off and sets its published version aside for 30 days;
// it returns the folder where that is. It is no error when there is no such
// site any more: kept is then empty.
func (s *Sites) Remove(ctx context.Context, host hostname.Name) (kept string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if errors.Is(err, noSuchSite(host)) {
		return "", nil
	}
	if err != nil && !errors.Is(err, unreadable) {
		return "", err
	}
	s.roots.Delete(host)
	if site.Published != 0 {
		kept, err = s.setAside(s.path(host, site.Published), string(host))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.setRoot(site)
			return "", err
		}
	}
	if err := s.d.Store.DeleteSite(ctx, string(host)); err != nil {
		return kept, fmt.Errorf("delete site %s: %w", host, err)
	}
	s.d.Log.Info("site removed", logkey.Host, host, logkey.Path, kept)
	return kept, errors.Join(
		os.RemoveAll(filepath.Join(s.d.Dir, string(host))),
		atomicfile.SyncDir(s.d.Dir),
	)
}

func noSuchVersion(host hostname.Name, number int) error {
	return &problem.Problem{
		Code: "no-such-site-version", Kind: problem.NotFound,
		What: fmt.Sprintf("there is no version %d of %s", number, host),
		Why:  fmt.Sprintf("the last %d versions are kept", keepVersions),
		Next: []string{"coopkit site versions " + string(host)},
	}
}
