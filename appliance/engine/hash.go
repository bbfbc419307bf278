// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"coopkit/recipes"
)

// hashFormat is part of every hash. Raise it when engine/docker makes
// containers differently, so that existing ones are made anew.
const hashFormat = 1

// ConfigHash is a stable hash of everything that a container is made from: the
// service as data, the exact image, the address. Two services with the same
// hash give the same container. The content of secrets enters through the hash
// only. What does not shape the container (depends_on, the image's name, the
// order of capabilities) is left out.
func ConfigHash(s Service) string {
	r := s.Service
	r.Image, r.DependsOn = "", nil
	r.Entrypoint = orNil(r.Entrypoint)
	r.Command = orNil(r.Command)
	r.CapAdd = sortedOrNil(r.CapAdd)
	r.Tmpfs = sortedOrNil(r.Tmpfs)
	r.Mounts = orNil(r.Mounts)
	r.Files = orNil(r.Files)
	if len(r.Environment) == 0 {
		r.Environment = nil
	}
	b, err := json.Marshal(struct {
		Format  int
		Service recipes.Service
		Image   string
		Address string
	}{hashFormat, r, s.Resolved.ID, s.Address.String()})
	if err != nil { // plain data: only a new field of a type without JSON form gets here
		return "unhashable: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// HostsLine is the names of a Spec in one text, to be compared.
func HostsLine(spec Spec) string { return strings.Join(slices.Sorted(slices.Values(spec.Hosts)), " ") }

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

func sortedOrNil(s []string) []string {
	return orNil(slices.Sorted(slices.Values(s)))
}
