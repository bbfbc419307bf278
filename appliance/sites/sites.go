// SPDX-License-Identifier: AGPL-3.0-or-later

// Package sites keeps the static sites of this box: it unpacks what is sent
// into drafts, makes them numbered versions at an address, publishes one of
// those, goes back to an older one, and keeps what was removed for a while. It
// must not know HTTP, DNS or SQL; the front door serves the folder that Root
// names. Its tests send real and hostile archives into real folders; reading
// them is fuzzed.
package sites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// The limits that New puts where Deps has none.
const (
	DefaultMaxBytes  = 4 << 30
	DefaultMaxFiles  = 200_000
	DefaultFreeBytes = 64_000_000
)

const (
	keepVersions = 5                   // of each site
	keepRemoved  = 30 * 24 * time.Hour // sites that were removed
	removedDir   = ".removed"
)

// Deps is what Sites needs.
type Deps struct {
	Store    Store
	Dir      string // the folder that holds all sites; this package owns it
	Log      *slog.Logger
	Now      func() time.Time
	MaxBytes int64 // of one version, unpacked; 0 means DefaultMaxBytes
	MaxFiles int   // of one version; 0 means DefaultMaxFiles
	// FreeBytes is how much may come out of any archive, however little came in; 0
	// means DefaultFreeBytes.
	FreeBytes int64
}

// Store keeps what is known of the sites. Its methods are safe for concurrent
// use.
type Store interface {
	// Sites returns all sites, sorted by host.
	Sites(ctx context.Context) ([]StoredSite, error)
	// PutSite inserts a site, or replaces the one of the same host with all its
	// versions, as a whole or not at all.
	PutSite(ctx context.Context, s StoredSite) error
	// DeleteSite removes a site; it is no error if there is none.
	DeleteSite(ctx context.Context, host string) error
}

// StoredSite is a site and its versions.
type StoredSite struct {
	Host      string    `json:"host"`
	Published int       `json:"published"` // number of the published version; 0: none
	Last      int       `json:"last"`      // the highest number ever given
	Versions  []Version `json:"versions"`  // those that are kept, oldest first
	// Unreadable says why the store cannot tell the versions: the published one is
	// served, and nothing of the site is changed or tidied.
	Unreadable error `json:"-"`
}

// Version is one numbered, immutable state of a site.
type Version struct {
	Number   int       `json:"number"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	Created  time.Time `json:"created"` // when it was received
	Warnings []string  `json:"warnings,omitempty"`
	// Pending is set from when it was received until it is published the first
	// time. At a start, nobody will publish it any more.
	Pending bool `json:"pending,omitempty"`
}

// Sites keeps the static sites. Its methods are safe for concurrent use.
type Sites struct {
	d  Deps
	mu sync.Mutex // held over each read, change and write of the store

	roots sync.Map // hostname.Name → folder of the published version

	room     chan struct{} // for those who send at this moment
	draftsMu sync.Mutex
	drafts   map[string]appliance.Draft // by id
}

// New returns the sites of a box. Load comes before anything else.
func New(d Deps) *Sites {
	d.MaxBytes = cmp.Or(d.MaxBytes, DefaultMaxBytes)
	d.MaxFiles = cmp.Or(d.MaxFiles, DefaultMaxFiles)
	d.FreeBytes = cmp.Or(d.FreeBytes, DefaultFreeBytes)
	d.Log = d.Log.With(logkey.Component, "sites")
	return &Sites{d: d, room: make(chan struct{}, receiving), drafts: map[string]appliance.Draft{}}
}

// Load first lets Root know every published site, so that they are served
// whatever comes of the rest. Then it makes the folder fit for use:
// drafts and versions that were never published go, folders that the store does
// not know are set aside with the removed sites, and those that were removed 30
// days ago are deleted.
// The error says what of it did not work, and which records cannot be read.
func (s *Sites) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Join(s.d.Dir, removedDir), 0o755); err != nil { //nolint:gosec // the pages are public
		return fmt.Errorf("make folder for sites: %w", err)
	}
	sites, err := s.d.Store.Sites(ctx)
	if err != nil {
		return fmt.Errorf("read sites: %w", err)
	}
	known := map[string]StoredSite{}
	errs := []error{s.emptyDrafts()}
	for _, site := range sites {
		s.setRoot(site)
		site, err := s.dropPending(ctx, site)
		if len(site.Versions) > 0 || site.Unreadable != nil {
			known[site.Host] = site
		}
		errs = append(errs, err)
	}
	errs = append(errs, s.sweep(known), s.forgetRemoved())
	for _, site := range sites {
		if site.Unreadable != nil {
			errs = append(errs, appliance.Unreadable("the site "+site.Host, site.Unreadable))
		}
	}
	return errors.Join(errs...)
}

// dropPending deletes what was received before this start and not published: a
// job that was to do it is undone.
func (s *Sites) dropPending(ctx context.Context, site StoredSite) (StoredSite, error) {
	var kept []Version
	var errs []error
	for _, v := range site.Versions {
		if !v.Pending {
			kept = append(kept, v)
			continue
		}
		s.d.Log.Info("version that was not published removed", logkey.Host, site.Host, "version", v.Number)
		errs = append(errs, os.RemoveAll(s.path(hostname.Name(site.Host), v.Number)))
	}
	if len(kept) == len(site.Versions) {
		return site, nil
	}
	site.Versions = kept
	if len(kept) == 0 {
		errs = append(errs, s.d.Store.DeleteSite(ctx, site.Host))
	} else {
		errs = append(errs, s.d.Store.PutSite(ctx, site))
	}
	return site, errors.Join(errs...)
}

// sweep tidies the folders of all sites.
func (s *Sites) sweep(known map[string]StoredSite) error {
	hosts, err := os.ReadDir(s.d.Dir)
	if err != nil {
		return fmt.Errorf("read folder of sites: %w", err)
	}
	var errs []error
	for _, h := range hosts {
		if h.Name() == removedDir || h.Name() == draftsDir || !h.IsDir() || known[h.Name()].Unreadable != nil {
			continue
		}
		versions, err := os.ReadDir(filepath.Join(s.d.Dir, h.Name()))
		errs = append(errs, err)
		for _, v := range versions {
			errs = append(errs, s.sweepVersion(known[h.Name()], h.Name(), v.Name()))
		}
		if _, ok := known[h.Name()]; !ok {
			errs = append(errs, removeEmpty(filepath.Join(s.d.Dir, h.Name())))
		}
	}
	return errors.Join(errs...)
}

func (s *Sites) sweepVersion(site StoredSite, host, name string) error {
	path := filepath.Join(s.d.Dir, host, name)
	if strings.HasSuffix(name, ".partial") { // half received by a version of ours that had no drafts
		return os.RemoveAll(path)
	}
	number, err := strconv.Atoi(name)
	if err == nil && site.has(number) {
		return nil
	}
	s.d.Log.Warn("unknown folder set aside", logkey.Path, path)
	_, err = s.setAside(path, host+"-"+name)
	return err
}

// setAside moves a folder to the removed ones and returns its new path.
func (s *Sites) setAside(path, name string) (string, error) {
	base := filepath.Join(s.d.Dir, removedDir, name+"-"+s.d.Now().UTC().Format("20060102T150405"))
	for i := range 1000 {
		to := base
		if i > 0 {
			to += "-" + strconv.Itoa(i)
		}
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(path, to); err != nil {
			return "", fmt.Errorf("set folder aside: %w", err)
		}
		// The time of removal is the folder's own, so that it can be forgotten later.
		now := s.d.Now()
		return to, os.Chtimes(to, now, now)
	}
	return "", fmt.Errorf("set folder aside: %s is taken", base)
}

// forgetRemoved deletes what was set aside long ago.
func (s *Sites) forgetRemoved() error {
	dir := filepath.Join(s.d.Dir, removedDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read folder of removed sites: %w", err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || s.d.Now().Sub(info.ModTime()) < keepRemoved {
			continue
		}
		s.d.Log.Info("removed site deleted for good", logkey.Path, e.Name())
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}

func removeEmpty(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove folder: %w", err)
	}
	return nil
}

// Root returns the folder of the published version of the site at host.
func (s *Sites) Root(host hostname.Name) (dir string, ok bool) {
	v, ok := s.roots.Load(host)
	if !ok {
		return "", false
	}
	return v.(string), true
}

func (s *Sites) setRoot(site StoredSite) {
	host := hostname.Name(site.Host)
	if site.Published == 0 {
		s.roots.Delete(host)
		return
	}
	s.roots.Store(host, s.path(host, site.Published))
}

// path returns the folder of a version.
func (s *Sites) path(host hostname.Name, number int) string {
	return filepath.Join(s.d.Dir, string(host), strconv.Itoa(number))
}

// List returns every published site, sorted by host.
func (s *Sites) List(ctx context.Context) ([]appliance.Site, error) {
	sites, err := s.d.Store.Sites(ctx)
	if err != nil {
		return nil, fmt.Errorf("read sites: %w", err)
	}
	var out []appliance.Site
	for _, site := range sites {
		v, ok := site.version(site.Published)
		if site.Unreadable != nil && site.Published != 0 {
			v, ok = Version{Number: site.Published}, true
		}
		if ok {
			out = append(out, site.site(v))
		}
	}
	return out, nil
}

// Versions returns the versions of a site that are kept, newest first. The
// error is a Problem "no-such-site".
func (s *Sites) Versions(ctx context.Context, host hostname.Name) ([]appliance.Site, error) {
	site, err := s.find(ctx, host)
	if err != nil {
		return nil, err
	}
	var out []appliance.Site
	for _, v := range slices.Backward(site.Versions) {
		out = append(out, site.site(v))
	}
	return out, nil
}

// find returns a site. The error is a Problem "no-such-site".
func (s *Sites) find(ctx context.Context, host hostname.Name) (StoredSite, error) {
	sites, err := s.d.Store.Sites(ctx)
	if err != nil {
		return StoredSite{}, fmt.Errorf("read sites: %w", err)
	}
	i := slices.IndexFunc(sites, func(site StoredSite) bool { return site.Host == string(host) })
	if i < 0 {
		return StoredSite{}, noSuchSite(host)
	}
	if err := sites[i].Unreadable; err != nil {
		return sites[i], appliance.Unreadable("the site "+string(host), err)
	}
	return sites[i], nil
}

// unreadable is what the error of find is compared with by those that need no
// versions.
var unreadable = &problem.Problem{Code: "record-unreadable"}

func (site StoredSite) version(number int) (Version, bool) {
	i := slices.IndexFunc(site.Versions, func(v Version) bool { return v.Number == number })
	if i < 0 {
		return Version{}, false
	}
	return site.Versions[i], true
}

func (site StoredSite) has(number int) bool {
	_, ok := site.version(number)
	return ok
}

func (site StoredSite) site(v Version) appliance.Site {
	return appliance.Site{
		Host: hostname.Name(site.Host), Version: v.Number, Published: v.Number == site.Published,
		Files: v.Files, Bytes: v.Bytes, Created: v.Created,
	}
}

func noSuchSite(host hostname.Name) error {
	return &problem.Problem{
		Code: "no-such-site", Kind: problem.NotFound,
		What: "there is no site at " + string(host),
		Next: []string{"coopkit site list", "coopkit site push <folder> " + string(host)},
		Args: map[string]string{"host": string(host)},
	}
}
