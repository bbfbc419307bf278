// SPDX-License-Identifier: AGPL-3.0-or-later

// Package engine turns the desired state of an install into steps, and steps
// into containers. Plan is pure: data in, steps out. Apply runs the steps
// against an Engine. Of recipes it
// knows only the plain types of a rendered project, and nothing of SQL or HTTP
// routes; the Docker client is behind the Engine interface, in engine/docker. One
// conformance suite (engine/enginetest) runs against a fake and the real one.
package engine

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	"coopkit/appliance"
	"coopkit/recipes"
)

// Spec is the desired state of one install: what a release needs of the engine.
type Spec struct {
	Install  appliance.InstallName
	Release  int
	Recipe   string // for labels
	Version  string // of the recipe, for labels
	Subnet   netip.Prefix
	Services []Service // any order; Plan sorts by dependency
	Volumes  []string  // names within the install, e.g. "db"
	Stopped  bool      // the containers exist but do not run
	Hosts    []string  // names that lead its containers to the host itself, by way of Gateway(Subnet)
}

// Service is one container of an install: what the recipe asks, the exact
// image, and its fixed address.
type Service struct {
	recipes.Service
	Resolved appliance.Image
	Address  netip.Addr // within Subnet; given by AssignAddresses
}

// Observed is what the engine has of one install of this box now.
type Observed struct {
	Install    appliance.InstallName
	Network    *Network
	Volumes    []string    // names within the install
	Containers []Container // by name
	Foreign    []Foreign   // what bears the install's name and is not this box's
}

// Empty reports whether the engine has nothing at all under the install's name.
func (o Observed) Empty() bool {
	return o.Network == nil && len(o.Volumes)+len(o.Containers)+len(o.Foreign) == 0
}

// Foreign is something that bears the name of an install and does not belong
// to this box. It is never started, changed or removed.
type Foreign struct {
	Kind string // container, network or volume
	Name string // the engine's name for it
	Box  string // the box that made it; "" if it names none
}

// Network is the install's network.
type Network struct {
	ID     string
	Subnet netip.Prefix
}

// ContainerState is a container's state in the engine's words.
type ContainerState string

// The states that matter to us.
const (
	Created    ContainerState = "created"
	Running    ContainerState = "running"
	Restarting ContainerState = "restarting"
	Exited     ContainerState = "exited"
	Dead       ContainerState = "dead"
)

// Container is one container of an install as the engine has it.
type Container struct {
	ID         string
	Name       string // coopkit-<install>-<service>-1
	Service    string
	Release    int
	ConfigHash string // of the Service that it was made from
	Hosts      string // HostsLine of the Spec that it was made from
	ImageID    string
	State      ContainerState
	Health     string // "", starting, healthy, unhealthy
	ExitCode   int
	Restarts   int
	OOMKilled  bool
	Address    netip.Addr
	Started    time.Time
}

// Info is what the engine says of itself.
type Info struct {
	Name       string // "Docker Engine"
	Version    string
	APIVersion string
	RootDir    string // where images and volumes live
	Arch       string // amd64, arm64 …, as Go names them
}

// Event says that something of an install changed in the engine. It carries
// no state: the reader looks again (level-triggered).
type Event struct {
	Install appliance.InstallName
	Service string
	Action  string // start, die, health_status …, or RanOutOfMemory
}

// RanOutOfMemory is the Action of an event that says that the system ended a
// program of the service for want of memory.
const RanOutOfMemory = "oom"

// Build says how to build an image.
type Build struct {
	Tag     string    // name for the result, e.g. "coopkit/wordpress:6.1.9-1"
	Context io.Reader // a tar stream with the Dockerfile at its root
	Args    map[string]string
	Labels  map[string]string
	Hosts   map[string]string // names that the build's commands must find, with their addresses, beside what DNS gives
	NoCache bool
}

// ImageInfo is an image that the engine has.
type ImageInfo struct {
	ID      string
	Tags    []string
	Digests []string
	Labels  map[string]string
	Bytes   int64
	Created time.Time
	Arch    string
}

// Usage is what a running service uses of the machine at one time.
type Usage struct {
	Install     appliance.InstallName
	Service     string
	Container   string        // its id: another one counts Processor from 0 again, and so does a restart
	MemoryBytes uint64        // without files in memory that were not used lately, which the kernel drops first
	Processor   time.Duration // time on all processors since it started
}

// Exec is a command to run inside a running service.
type Exec struct {
	Service string
	Command []string
	Env     map[string]string
	User    string
	Stdin   io.Reader
	Stdout  io.Writer // nil: dropped
	Stderr  io.Writer // nil: dropped
}

// LogOptions says which log lines are wanted.
type LogOptions struct {
	Service string // "": all
	Tail    int    // lines per service; 0: all
	Follow  bool
	Since   time.Time // zero: from the first
	Until   time.Time // zero: to the last; not with Follow
	Times   bool      // begin each text with when the engine received it (RFC 3339) and a space
}

// Glance is how long what a person looks at waits for an engine, and Answer how
// long a plan does: one that hangs counts as one that does not answer.
const (
	Glance = 2 * time.Second
	Answer = 5 * time.Second
)

// ErrNotMeasured says that the size of a volume cannot be told: its files are
// not on this machine, or there are too many to look at.
var ErrNotMeasured = errors.New("not measured")

// Engine runs the containers of one box. It sees, changes and removes only what
// that box made; where a name that it needs is taken by something else, it
// gives the Problem of Foreign.Taken. Implementations are safe for concurrent use. Every
// Remove… and Stop… succeeds when the thing is gone or stopped already, so
// that undoing is idempotent. An engine that does not answer gives a Problem
// with code "engine-unreachable". Nothing here ever publishes a port.
type Engine interface {
	// Info asks the engine for its version; it is the cheapest liveness check.
	Info(ctx context.Context) (Info, error)
	// Observe returns what exists of an install; an empty Observed if nothing.
	Observe(ctx context.Context, install appliance.InstallName) (Observed, error)
	// Installs names every install of this box of which anything (but images) exists.
	Installs(ctx context.Context) ([]appliance.InstallName, error)
	// UsedSubnets lists the subnets of every network of the engine, ours or not.
	UsedSubnets(ctx context.Context) ([]netip.Prefix, error)

	CreateNetwork(ctx context.Context, install appliance.InstallName, subnet netip.Prefix) error
	RemoveNetwork(ctx context.Context, install appliance.InstallName) error
	CreateVolume(ctx context.Context, install appliance.InstallName, volume string) error
	RemoveVolume(ctx context.Context, install appliance.InstallName, volume string) error

	// CreateContainer makes the container of a service, without starting it.
	CreateContainer(ctx context.Context, spec Spec, service Service) error
	StartContainer(ctx context.Context, install appliance.InstallName, service string) error
	StopContainer(ctx context.Context, install appliance.InstallName, service string) error
	RemoveContainer(ctx context.Context, install appliance.InstallName, service string) error

	// Usage returns what each running service of this box uses now, in no
	// particular order. One that cannot be measured is left out; it is cheap
	// enough to be asked several times a minute.
	Usage(ctx context.Context) ([]Usage, error)
	// VolumeBytes measures how much room the content of a volume takes on disk,
	// gently, because it looks at every file; that can take minutes. The error
	// wraps ErrNotMeasured where this engine cannot tell.
	VolumeBytes(ctx context.Context, install appliance.InstallName, volume string) (uint64, error)

	// Exec runs a command in a running service and returns its exit code. An
	// error means that it could not be run at all.
	Exec(ctx context.Context, install appliance.InstallName, cmd Exec) (int, error)
	// Logs writes log lines ("service | text") to w until the end, or until
	// ctx ends when following.
	Logs(ctx context.Context, install appliance.InstallName, opts LogOptions, w io.Writer) error
	// ReadVolume returns a tar stream of a volume's content; the caller closes it.
	// It works whether the install runs or not.
	ReadVolume(ctx context.Context, install appliance.InstallName, volume string) (io.ReadCloser, error)

	// Image returns the image that ref (a tag, a name@digest or an id) names;
	// ok is false when the engine does not have it.
	Image(ctx context.Context, ref string) (info ImageInfo, ok bool, err error)
	// Images lists images that carry the label key (any value).
	Images(ctx context.Context, label string) ([]ImageInfo, error)
	// Pull fetches ref from its registry. A registry that cannot be reached
	// gives a Problem with code "registry-unreachable".
	Pull(ctx context.Context, ref string, p appliance.Progress) (ImageInfo, error)
	// Import makes an image of a root file system tar stream.
	Import(ctx context.Context, tag string, labels map[string]string, rootfs io.Reader) (ImageInfo, error)
	// BuildImage builds with the engine's builder, streaming its output to p.
	BuildImage(ctx context.Context, b Build, p appliance.Progress) (ImageInfo, error)
	// RemoveImage removes an image; one in use stays and gives an error.
	RemoveImage(ctx context.Context, ref string) error

	// Watch sends events until ctx ends or the engine goes away, then closes
	// the channel; the caller connects again.
	Watch(ctx context.Context) (<-chan Event, error)
	// Close frees the connection.
	Close() error
}
