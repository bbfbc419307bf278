// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"errors"
	"strings"
	"testing"
)

func TestReadScores(t *testing.T) {
	report := `{"requestedUrl":"https://a/","finalDisplayedUrl":"https://a/","categories":{"performance":{"score":0.955},"accessibility":{"score":1},"best-practices":{"score":0.96}}}`
	s, err := readScores([]byte(report))
	if err != nil || s["performance"] != 96 || s["accessibility"] != 100 || s["best-practices"] != 96 {
		t.Errorf("%v, %v", s, err)
	}
	for name, bad := range map[string]string{
		"a sign-in":  strings.Replace(report, `"finalDisplayedUrl":"https://a/"`, `"finalDisplayedUrl":"https://a/signin"`, 1),
		"no page":    strings.Replace(report, `{"requestedUrl"`, `{"runtimeError":{"code":"NO_FCP","message":"nothing was drawn"},"requestedUrl"`, 1),
		"no score":   strings.Replace(report, `"score":0.955`, `"score":null`, 1),
		"no report":  "",
		"no section": strings.Replace(report, "accessibility", "seo", 1),
	} {
		if s, err := readScores([]byte(bad)); err == nil {
			t.Errorf("%s: %v", name, s)
		}
	}
}

func TestLighthouseRow_isTheLowestMedian(t *testing.T) {
	runs := []scores{
		{"performance": 80, "accessibility": 100, "best-practices": 96}, {"performance": 97, "accessibility": 100, "best-practices": 96}, {"performance": 99, "accessibility": 100, "best-practices": 96},
	}
	r := lighthouseRow("desk, fleet, phone", runs)
	if r.ours != 96 || !r.met() || r.what != "Lighthouse, desk, fleet, phone: the lowest of performance 97, accessibility 100, best practices 96" {
		t.Errorf("%+v", r)
	}
	runs[1]["performance"] = 90
	if r := lighthouseRow("x", runs); r.ours != 90 || r.met() {
		t.Errorf("%+v", r)
	}
}

func TestPatiently_triesAgainButNotForEver(t *testing.T) {
	fails := errors.New("NO_NAVSTART")
	for tries, want := range map[int]bool{1: true, lighthouseTries: true, lighthouseTries + 1: false} {
		n := 0
		s, err := patiently(t.Context(), func() (scores, error) {
			if n++; n < tries {
				return nil, fails
			}
			return scores{"performance": 99}, nil
		})
		if (err == nil && s["performance"] == 99) != want {
			t.Errorf("good at try %d: %v, %v", tries, s, err)
		}
	}
}
