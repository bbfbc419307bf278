// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import "time"

// Project is a recipe's compose.yaml with its variables filled in, in plain
// types.
type Project struct {
	Services []Service
	Volumes  []string // named volumes, sorted
}

// Service is one service of a Project.
type Service struct {
	Name        string
	Image       string // reference with digest; empty if only built from debian/
	Entrypoint  []string
	Command     []string
	Environment map[string]string
	User        string
	WorkingDir  string
	Mounts      []Mount
	Tmpfs       []string
	Files       []File   // Compose configs and secrets
	CapAdd      []string // everything else is dropped
	ReadOnly    bool
	MemoryBytes int64 // limit; 0: none
	PIDs        int64 // limit; 0: 512
	ShmBytes    int64 // 0: the engine's default
	Init        bool
	StopSignal  string
	StopGrace   time.Duration // 0: 10 s
	Health      *HealthCheck
	DependsOn   []Dependency
	OneShot     bool // restart: "no"; it runs to completion, another service waits for its success
}

// Mount attaches a named volume.
type Mount struct {
	Volume   string
	Target   string
	ReadOnly bool
}

// File is a small config or secret file inside the container. Its content is
// never logged or shown in a plan.
type File struct {
	Target  string
	Content []byte
	Mode    uint32 // permission bits; 0: 0444
}

// HealthCheck is a service's own health check, as Compose has it. Without a
// Test, the image's own is used, with these times; a Test of "NONE" switches
// the image's own off.
type HealthCheck struct {
	Test          []string
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration `json:",omitempty"` // between checks in the start period; older engines do not know it
	Retries       int
}

// Runs reports whether the recipe itself says what is checked, so that it can be
// waited for: of an image's own check nobody knows whether it exists.
func (h *HealthCheck) Runs() bool { return h != nil && len(h.Test) > 0 && h.Test[0] != noCheck }

// noCheck is Compose's and the engine's word for no health check at all.
const noCheck = "NONE"

// Condition is what a service waits for before it starts.
type Condition string

// The conditions of the Compose Specification.
const (
	Started               Condition = "service_started"
	Healthy               Condition = "service_healthy"
	CompletedSuccessfully Condition = "service_completed_successfully"
)

// Dependency is an entry of depends_on.
type Dependency struct {
	Service   string
	Condition Condition
}
