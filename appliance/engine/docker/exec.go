// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// Exec runs a command in a running service and returns its exit code. When ctx
// ends it stops listening; the command itself may go on in the container.
func (e *Engine) Exec(ctx context.Context, install appliance.InstallName, cmd engine.Exec) (int, error) {
	opts := container.ExecOptions{
		Cmd: cmd.Command, User: cmd.User, AttachStdin: cmd.Stdin != nil, AttachStdout: true, AttachStderr: true,
	}
	for _, k := range slices.Sorted(maps.Keys(cmd.Env)) {
		opts.Env = append(opts.Env, k+"="+cmd.Env[k])
	}
	var made container.ExecCreateResponse
	id, err := e.needContainer(ctx, install, cmd.Service)
	if err == nil {
		made, err = e.cli.ContainerExecCreate(ctx, id, opts)
	}
	if cerrdefs.IsConflict(err) || cerrdefs.IsNotFound(err) {
		return 0, &problem.Problem{
			Code: "service-not-running", Kind: problem.Conflict,
			What: fmt.Sprintf("%s of %s does not run, so nothing can be done in it", cmd.Service, install),
			Next: []string{"coopkit app start " + string(install), "coopkit app logs " + string(install)}, Err: err,
		}
	}
	if err != nil {
		return 0, e.wrap(err, "prepare command")
	}
	conn, err := e.cli.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		return 0, e.wrap(err, "run command")
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()
	if cmd.Stdin != nil {
		go func() { // ends at the end of Stdin, or at the first write after the command ended
			_, _ = io.Copy(conn.Conn, cmd.Stdin)
			_ = conn.CloseWrite()
		}()
	}
	_, err = stdcopy.StdCopy(orDiscard(cmd.Stdout), orDiscard(cmd.Stderr), conn.Reader)
	if err != nil {
		return 0, cause(ctx, e.wrap(err, "read output of command"))
	}
	return e.exitCode(ctx, made.ID)
}

// exitCode waits the moment between the end of the output and the exit.
func (e *Engine) exitCode(ctx context.Context, id string) (int, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		i, err := e.cli.ContainerExecInspect(ctx, id)
		if err != nil {
			return 0, cause(ctx, e.wrap(err, "read exit code of command"))
		}
		if !i.Running {
			return i.ExitCode, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
