// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
)

func TestUpstreamVersion_leavesOutWhatDebianAdded(t *testing.T) {
	for debian, want := range map[string]string{
		"6.1.9+dfsg1-0+deb12u1":    "6.1.9",
		"1:10.11.14-0+deb12u2":     "10.11.14",
		"0.0.20220731.a-2":         "0.0.20220731.a",
		"3.1.8-2":                  "3.1.8",
		"2:4.17.12+dfsg-0+deb12u1": "4.17.12",
		"1.0":                      "1.0",
		"1.2-3-4":                  "1.2-3",
	} {
		if got := upstreamVersion(debian); got != want {
			t.Errorf("%s: got %q, want %q", debian, got, want)
		}
	}
}

func TestPackagedVersion_isOfThePackageItself(t *testing.T) {
	list := "radicale-doc 9.9-1\nradicale 3.1.8-2\npython3-radicale 8.8-1\n"
	if got := packagedVersion(list, "radicale"); got != "3.1.8" {
		t.Errorf("got %q", got)
	}
	if got := packagedVersion(list, "wordpress"); got != "" {
		t.Errorf("got %q of a package that is not there", got)
	}
}

// listing is an engine in which every image has the packages of a wiki.
type listing struct{ *enginetest.Fake }

func (l listing) BuildImage(ctx context.Context, b engine.Build, p appliance.Progress) (engine.ImageInfo, error) {
	info, err := l.Fake.BuildImage(ctx, b, p)
	if strings.HasPrefix(b.Tag, "coopkit/throwaway:") {
		for _, line := range []string{"coopkit-begin", "apache2 2.4.62-1~deb12u2", "wiki 1:6.1.9+dfsg1-0+deb12u1", "coopkit-end"} {
			p.Log(line)
		}
	}
	return info, err
}

// TestEnsure_knowsWhatRuns also for an image that another agent built at the
// same engine, whose packages nobody listed here.
func TestEnsure_knowsWhatRuns(t *testing.T) {
	e := enginetest.NewFake()
	first := fakeImages(t, listing{e})
	fakeBase(t, first, e, "aa", time.Now())
	w := tiny("wiki", "FROM ${BASE}\n")
	for name, im := range map[string]*Images{"built": first, "found": fakeImages(t, listing{e})} {
		got, err := im.ensure(t.Context(), w, appliance.FromDebian, appliance.Quiet{})
		if err != nil || got.Version != "6.1.9" {
			t.Errorf("%s: version %q, %v", name, got.Version, err)
		}
		got.Version = ""
		if again := im.DebianVersion("wiki", got); again != "6.1.9" {
			t.Errorf("%s, for a release that did not record it: %q", name, again)
		}
	}
}
