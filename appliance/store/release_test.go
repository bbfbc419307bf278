// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
)

func release(version string) appliance.Release {
	return appliance.Release{
		Install: "wordpress", Version: version, Created: time.UnixMilli(5).UTC(), Settings: map[string]string{"title": "Demo"}, Program: "1.2.0",
		Images: map[string]appliance.Image{"app": {Ref: "r", ID: "sha256:" + version, Source: appliance.FromDebian}},
	}
}

func TestRelease_isInsertedThenActivated(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := s.CreateInstall(ctx, wordpress()); err != nil {
		t.Fatal(err)
	}
	active := func() int {
		t.Helper()
		in, err := s.Install(ctx, "wordpress")
		if err != nil {
			t.Fatal(err)
		}
		return in.Release
	}
	draft := release("6.1.9-1")
	images := draft.Images
	draft.Images = nil
	for want := 1; want <= 2; want++ {
		if got, err := s.InsertRelease(ctx, draft, []byte{byte(want)}); got != want || err != nil {
			t.Fatalf("number %d, %v; want %d", got, err, want)
		}
	}
	if err := s.Activate(ctx, "wordpress", 1); !errors.Is(err, errNoRow) || active() != 0 {
		t.Errorf("a release without images is active: %v, release %d", err, active())
	}
	if err := errors.Join(s.SetImages(ctx, "wordpress", 1, images), s.SetImages(ctx, "wordpress", 2, images), s.Activate(ctx, "wordpress", 2)); err != nil || active() != 2 {
		t.Errorf("release %d is active, %v", active(), err)
	}
	if err := s.SetImages(ctx, "wordpress", 1, release("other").Images); !errors.Is(err, errNoRow) {
		t.Errorf("the images of a release were changed: %v", err)
	}
	if err := s.Activate(ctx, "wordpress", 3); !errors.Is(err, errNoRow) || active() != 2 {
		t.Errorf("a release that does not exist is active: %v", err)
	}
	if err := s.Activate(ctx, "wordpress", 1); err != nil || active() != 1 {
		t.Errorf("going back: %v, release %d", err, active())
	}
	if got, err := s.InsertRelease(ctx, release("6.2.0-1"), []byte{3}); got != 3 || err != nil {
		t.Errorf("after going back the next number is %d, %v", got, err)
	}
	all, err := s.Releases(ctx, "wordpress")
	if err != nil || len(all) != 3 {
		t.Fatalf("%d releases, %v", len(all), err)
	}
	want := draft
	want.Number, want.Images = 1, images
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Error(diff)
	}
	for _, r := range all {
		if one, err := s.Release(ctx, "wordpress", r.Number); err != nil || !cmp.Equal(one, r) {
			t.Errorf("release %d alone is %+v, %v", r.Number, one, err)
		}
		if folder, err := s.ReleaseFolder(ctx, "wordpress", r.Number); err != nil || len(folder) != 1 || int(folder[0]) != r.Number {
			t.Errorf("release %d keeps the folder %v, %v", r.Number, folder, err)
		}
	}
	if _, err := s.Release(ctx, "wordpress", 4); !errors.Is(err, errNoRow) {
		t.Errorf("an unknown release: %v", err)
	}
}

func TestPlaces_stay(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := s.CreateInstall(ctx, wordpress()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		s.SetPlaces(ctx, "wordpress", map[string]int{"app": 2, "db": 3}),
		s.SetPlaces(ctx, "wordpress", map[string]int{"app": 9, "cache": 4}),
	); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPlaces(ctx, "wordpress", map[string]int{"another": 3}); err == nil {
		t.Error("two services have the same place")
	}
	got, err := s.Places(ctx, "wordpress")
	if diff := cmp.Diff(map[string]int{"app": 2, "db": 3, "cache": 4}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
