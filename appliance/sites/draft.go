// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/atomicfile"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

const (
	draftsDir = ".drafts"
	draftFor  = 30 * time.Minute // how long a draft waits to be published
	receiving = 2                // at the same time
	frontPage = "index.html"
)

// Receive unpacks a zip, tar or tar.gz as a draft: a site without an address,
// which waits for half an hour. Everything is on the disk when it returns; after
// an error nothing of the stream is left. The draft that the same owner had
// before goes. Links, devices, and paths that lead out of the site are refused.
// The errors are Problems: "upload-busy", "site-archive-invalid",
// "site-too-large", "site-empty", "site-disk-full"; or that of the stream.
func (s *Sites) Receive(ctx context.Context, owner string, stream io.Reader) (appliance.Draft, error) {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	default:
		return appliance.Draft{}, &problem.Problem{
			Code: "upload-busy", Kind: problem.Unavailable, What: "other people are sending sites at this moment",
			Why: "the box receives two at a time, so that its disk has room", Next: []string{"send it again in a few minutes"},
		}
	}
	id := strings.ToLower(rand.Text())
	d, err := s.unpack(ctx, s.draft(id), stream)
	if err == nil {
		err = atomicfile.SyncAll(s.draft(id))
	}
	if err != nil {
		return appliance.Draft{}, errors.Join(diskFull(err), os.RemoveAll(s.draft(id)))
	}
	d.ID, d.Owner, d.Expires = id, owner, s.d.Now().UTC().Add(draftFor)
	s.dropDrafts(func(old appliance.Draft) bool { return old.Owner == owner })
	s.addDraft(d)
	time.AfterFunc(draftFor+time.Second, s.forgetDrafts)
	s.d.Log.Info("site received", logkey.Count, d.Files)
	return d, nil
}

// Draft returns a draft that still waits. The error is a Problem "upload-gone".
func (s *Sites) Draft(_ context.Context, id string) (appliance.Draft, error) {
	s.forgetDrafts()
	s.draftsMu.Lock()
	defer s.draftsMu.Unlock()
	d, ok := s.drafts[id]
	if !ok {
		return d, appliance.DraftGone()
	}
	return d, nil
}

// DropDraft forgets a draft; it is no error when it is gone.
func (s *Sites) DropDraft(_ context.Context, id string) error {
	s.dropDrafts(func(d appliance.Draft) bool { return d.ID == id })
	return nil
}

// forgetDrafts drops those that waited for too long.
func (s *Sites) forgetDrafts() {
	now := s.d.Now()
	s.dropDrafts(func(d appliance.Draft) bool { return now.After(d.Expires) })
}

func (s *Sites) addDraft(d appliance.Draft) {
	s.draftsMu.Lock()
	defer s.draftsMu.Unlock()
	s.drafts[d.ID] = d
}

func (s *Sites) dropDrafts(which func(appliance.Draft) bool) {
	s.draftsMu.Lock()
	defer s.draftsMu.Unlock()
	for id, d := range s.drafts {
		if !which(d) {
			continue
		}
		delete(s.drafts, id)
		if err := os.RemoveAll(s.draft(id)); err != nil {
			s.d.Log.Warn("draft not removed", logkey.Path, s.draft(id), logkey.Err, err)
		}
	}
}

// emptyDrafts makes the folder of drafts, which nobody else may read, and takes
// away what a former run left there: nobody knows its owner any more.
func (s *Sites) emptyDrafts() error {
	dir := filepath.Join(s.d.Dir, draftsDir)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return fmt.Errorf("make folder for drafts: %w", err)
	}
	return nil
}

// draft is the folder of a draft.
func (s *Sites) draft(id string) string { return filepath.Join(s.d.Dir, draftsDir, id) }

// scratch makes a file beside the drafts.
func (s *Sites) scratch() (*os.File, error) {
	return os.CreateTemp(filepath.Join(s.d.Dir, draftsDir), "archive-*")
}

// Claim makes a draft the next version of the site at host, which need not
// exist yet, and publishes nothing; strip takes off the folder that everything
// in the draft lies in, if that holds the front page. The number is never given
// again. Release undoes it, for whoever could not start what was to follow: the
// draft waits again. The error is a Problem "upload-gone".
func (s *Sites) Claim(ctx context.Context, host hostname.Name, id string, strip bool) (number int, release func() error, err error) {
	d, err := s.takeDraft(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	v := Version{Files: d.Files, Bytes: d.Bytes, Created: s.d.Now().UTC(), Pending: true}
	folder, top := s.draft(id), ""
	if strip {
		top = d.Top
	}
	if d.Index != top+frontPage {
		v.Warnings = []string{"there is no index.html at the top, so visitors of the bare address find no page"}
	}
	folder = filepath.Join(folder, top)
	if number, err = s.claim(ctx, host, folder, v); err != nil {
		s.addDraft(d)
		return 0, nil, err
	}
	_ = os.RemoveAll(s.draft(id)) // what is above the top; a start removes it too
	return number, func() error {
		err := move(s.path(host, number), folder)
		s.addDraft(d)
		return errors.Join(err, s.Discard(context.WithoutCancel(ctx), host, number))
	}, nil
}

func (s *Sites) takeDraft(ctx context.Context, id string) (appliance.Draft, error) {
	d, err := s.Draft(ctx, id)
	if err != nil {
		return d, err
	}
	s.draftsMu.Lock()
	defer s.draftsMu.Unlock()
	if _, still := s.drafts[id]; !still {
		return d, appliance.DraftGone()
	}
	delete(s.drafts, id)
	return d, nil
}

// claim makes a folder the next version of a site.
func (s *Sites) claim(ctx context.Context, host hostname.Name, folder string, v Version) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if err != nil && !errors.Is(err, noSuchSite(host)) {
		return 0, err
	}
	site.Last++
	site.Host, v.Number = string(host), site.Last
	if err := move(folder, s.path(host, v.Number)); err != nil {
		return 0, err
	}
	site.Versions = append(site.Versions, v)
	if err := errors.Join(atomicfile.SyncDir(s.d.Dir), s.d.Store.PutSite(ctx, site)); err != nil {
		return 0, errors.Join(fmt.Errorf("store site %s: %w", host, err), move(s.path(host, v.Number), folder))
	}
	return v.Number, nil
}

// move gives a folder another place, durably.
func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // the pages are public
		return fmt.Errorf("make folder for the site: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("move site: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(to))
}
