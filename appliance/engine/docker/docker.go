// SPDX-License-Identifier: AGPL-3.0-or-later

// Package docker is the Docker Engine behind engine.Engine, and the only
// importer of the Docker client. It owns how a service becomes a container:
// names, labels, limits, what is dropped. It knows nothing of recipes' files,
// jobs or the store, and decides nothing: package engine plans. It is tested by
// the conformance suite of engine/enginetest against a real engine.
package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	dockerclient "github.com/docker/docker/client"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// Owner says whose things an Engine sees, changes and removes.
type Owner struct {
	Box string // the box's identity, on everything that it makes
	// Unlabelled reports whether networks and volumes of an install may lack
	// the box's label, because a program from before that label made them; nil:
	// of none.
	Unlabelled func(context.Context, appliance.InstallName) (bool, error)
}

// Engine is what one box has in a Docker Engine, or in what speaks its API from
// version 1.41 on. It is safe for concurrent use.
type Engine struct {
	cli     *dockerclient.Client
	owner   Owner
	cgroups cgroups

	met   atomic.Bool // the engine answered once
	mu    sync.Mutex
	facts engine.Info // as they were
	asked time.Time   // then; zero: never
}

var _ engine.Engine = (*Engine)(nil)

// New returns what owner has in the engine at host ("unix:///var/run/docker.sock");
// an empty host means DOCKER_HOST, or the default socket. It does not connect:
// an engine that is down shows at the first call.
func New(host string, owner Owner) (*Engine, error) {
	if owner.Box == "" {
		return nil, errors.New("use an engine: an owner without an identity")
	}
	opts := []dockerclient.Opt{dockerclient.FromEnv, dockerclient.WithAPIVersionNegotiation()}
	if host != "" {
		opts = append(opts, dockerclient.WithHost(host))
	}
	cli, err := dockerclient.NewClientWithOpts(opts...)
	if err != nil {
		return nil, &problem.Problem{
			Code: "engine-address-invalid", Kind: problem.Invalid,
			What: "the address of the container engine is not valid", Why: err.Error(),
			Next: []string{"write it like unix:///var/run/docker.sock", "look at the environment variable DOCKER_HOST"},
		}
	}
	return &Engine{cli: cli, owner: owner, cgroups: "/sys/fs/cgroup"}, nil
}

// Close frees the connection.
func (e *Engine) Close() error { return e.cli.Close() }

// meet asks an engine that never answered yet whether it does. The client
// settles the version of the API at its first call, and has all others wait for
// it without a limit: an engine that hangs would hold them for ever.
func (e *Engine) meet(ctx context.Context) error {
	if e.met.Load() {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	pong, err := e.cli.Ping(limited)
	if err != nil {
		return e.wrap(err, "ask whether the engine answers")
	}
	e.cli.NegotiateAPIVersionPing(pong)
	e.met.Store(true)
	return nil
}

// factsFor is how long an engine's facts are taken to be true.
const factsFor = time.Minute

// Info asks whether the engine answers, and for its facts if they are not
// known: a Docker Engine starts several programs to say them.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	if err := e.meet(ctx); err != nil {
		return engine.Info{}, err
	}
	if _, err := e.cli.Ping(ctx); err != nil {
		return engine.Info{}, e.wrap(err, "ask whether the engine answers")
	}
	if facts, ok := e.known(); ok {
		return facts, nil
	}
	v, err := e.cli.ServerVersion(ctx)
	if err != nil {
		return engine.Info{}, e.wrap(err, "ask for the engine's version")
	}
	i, err := e.cli.Info(ctx)
	if err != nil {
		return engine.Info{}, e.wrap(err, "ask for the engine's facts")
	}
	facts := engine.Info{
		Name: "Docker Engine", Version: v.Version, APIVersion: e.cli.ClientVersion(),
		RootDir: i.DockerRootDir, Arch: v.Arch,
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts, e.asked = facts, time.Now()
	return facts, nil
}

func (e *Engine) known() (engine.Info, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.facts, !e.asked.IsZero() && time.Since(e.asked) < factsFor
}

// wrap says what was tried; an engine that does not answer becomes a Problem.
func (e *Engine) wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &problem.Problem{
			Code: "engine-unreachable", Kind: problem.Unavailable,
			What: "the container engine does not answer",
			Why:  "Docker Engine takes the question and gives no answer in time: it hangs, or the machine is very busy",
			Next: []string{
				"try again in a minute",
				"systemctl restart docker; apps stop for a moment and come back",
				"journalctl -u docker -n 50",
			},
			Err: fmt.Errorf("%s: %w", doing, err),
		}
	}
	if !dockerclient.IsErrConnectionFailed(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &problem.Problem{
		Code: "engine-unreachable", Kind: problem.Unavailable,
		What: "the container engine does not answer",
		Why:  "Docker Engine is not installed, does not run, or this user may not use " + e.cli.DaemonHost(),
		Next: []string{
			"systemctl status docker, and systemctl start docker if it is stopped",
			"apt-get install docker.io if it is missing",
			"journalctl -u docker -n 50 if it stops again; it is often a full disk (df -h)",
		},
		Err: fmt.Errorf("%s: %w", doing, err),
	}
}

// ignoreMissing makes removing and stopping idempotent.
func ignoreMissing(err error) error {
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// cause prefers why the context ended over what the client made of it.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}
