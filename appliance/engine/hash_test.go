// SPDX-License-Identifier: AGPL-3.0-or-later

package engine_test

import (
	"net/netip"
	"testing"
	"time"

	"coopkit/appliance/engine"
	"coopkit/recipes"
)

func TestConfigHash_changesWithWhatShapesTheContainer(t *testing.T) {
	base := engine.ConfigHash(*webOf(blog()))
	for name, change := range map[string]func(*engine.Service){
		"image":       func(s *engine.Service) { s.Resolved.ID = "sha256:other" },
		"address":     func(s *engine.Service) { s.Address = netip.MustParseAddr("10.213.0.40") },
		"environment": func(s *engine.Service) { s.Environment["PASSWORD"] = "other" },
		"command":     func(s *engine.Service) { s.Command = []string{"other"} },
		"memory":      func(s *engine.Service) { s.MemoryBytes = 1 << 20 },
		"file":        func(s *engine.Service) { s.Files = []recipes.File{{Target: "/x"}} },
		"capability":  func(s *engine.Service) { s.CapAdd = []string{"CHOWN"} },
		"one shot":    func(s *engine.Service) { s.OneShot = true },
		"grace":       func(s *engine.Service) { s.StopGrace = time.Minute },
	} {
		s := webOf(blog())
		change(s)
		if engine.ConfigHash(*s) == base {
			t.Errorf("%s: the hash did not change", name)
		}
	}
}

func TestConfigHash_staysWithWhatDoesNot(t *testing.T) {
	base := engine.ConfigHash(*webOf(blog()))
	for name, change := range map[string]func(*engine.Service){
		"nothing":             func(*engine.Service) {},
		"name of the image":   func(s *engine.Service) { s.Resolved.Ref, s.Image = "other.example/web:1", "other" },
		"dependencies":        func(s *engine.Service) { s.DependsOn = nil },
		"empty and not there": func(s *engine.Service) { s.Command, s.CapAdd, s.Files = []string{}, []string{}, []recipes.File{} },
	} {
		s := webOf(blog())
		change(s)
		if engine.ConfigHash(*s) != base {
			t.Errorf("%s: the hash changed", name)
		}
	}
	a, b := webOf(blog()), webOf(blog())
	a.CapAdd, b.CapAdd = []string{"CHOWN", "SETUID"}, []string{"SETUID", "CHOWN"}
	if engine.ConfigHash(*a) != engine.ConfigHash(*b) {
		t.Error("the order of capabilities changed the hash")
	}
}

func webOf(s engine.Spec) *engine.Service { return service(&s, "web") }
