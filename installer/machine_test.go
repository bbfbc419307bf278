// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// machineVersion changes when testdata/machine.sh does.
const machineVersion = "1"

// machineImage returns the image of a whole Debian; the first run on a host
// makes it with debootstrap, which takes one or two minutes.
func machineImage(t *testing.T, suite string) string {
	t.Helper()
	testkit.NeedDocker(t)
	image := "coopkit/machine:" + suite + "-" + machineVersion
	if exec.CommandContext(t.Context(), "docker", "image", "inspect", image).Run() == nil {
		return image
	}
	testkit.NeedProgram(t, "debootstrap")
	host(t, "testdata/machine.sh", suite, image)
	return image
}

// host runs a program on this host and returns what it says.
func host(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(out.String())
}

// machine is a container that acts as a computer.
type machine struct{ name string }

// initially is how a machine begins. Its systemd would mount every control group
// (version 1) that the kernel has, also those that this host does without, whose
// Docker Engine then no longer notices when a container runs out of memory. So it
// is shown those in use only.
const initially = `awk '$2' /proc/cgroups >/run/cgroups && mount --bind /run/cgroups /proc/cgroups
exec /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1` // newer ones want to be told that old control groups are meant

// boot starts a machine with systemd as its first process.
func boot(t *testing.T, suite string) *machine {
	t.Helper()
	groups := controlGroups(t)
	m := newMachine(t, suite, []string{
		"--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device-cgroup-rule", "a *:* rwm",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs", "/run", "--tmpfs", "/tmp:exec",
	}, "/bin/sh", "-c", initially)
	testkit.Eventually(t, time.Minute, "the machine has started", func() bool {
		state, _ := m.run(t, "systemctl is-system-running")
		return state == "running" || state == "degraded"
	})
	if now := controlGroups(t); now != groups {
		t.Errorf("the machine changed the control groups of this host from\n%s\nto\n%s", groups, now)
	}
	return m
}

// controlGroups are those in use on this host: the third column, how many groups
// there are, changes all the time.
func controlGroups(t *testing.T) string {
	t.Helper()
	return host(t, "awk", "{ print $1, $2 }", "/proc/cgroups")
}

// newMachine starts a container that is removed with its volumes at the end.
func newMachine(t *testing.T, suite string, options []string, command ...string) *machine {
	t.Helper()
	m := &machine{name: fmt.Sprintf("coopkit-installer-%d-%s", os.Getpid(), strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())))}
	image := machineImage(t, suite)
	t.Cleanup(func() {
		for _, args := range [][]string{{"rm", "--force", "--volumes", m.name}, {"volume", "rm", "--force", m.name}} {
			if out, err := exec.CommandContext(context.Background(), "docker", args...).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", args, out)
			}
		}
	})
	args := append([]string{"run", "--detach", "--name", m.name, "--hostname", "box", "--volume", m.name + ":/var/lib/docker"}, options...)
	host(t, "docker", append(append(args, image), command...)...)
	return m
}

// run runs a command in the machine; it returns what it says and its exit code.
func (m *machine) run(t *testing.T, command string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", "exec", m.name, "bash", "-c", command)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return strings.TrimSpace(string(out)), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), 0
}

// must runs a command that has to succeed and returns what it says.
func (m *machine) must(t *testing.T, command string) string {
	t.Helper()
	out, code := m.run(t, command)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s", command, code, out)
	}
	return out
}

// fails runs a command that has to end with code 1 and say every one of wants.
func (m *machine) fails(t *testing.T, command string, wants ...string) {
	t.Helper()
	out, code := m.run(t, command)
	if code != 1 {
		t.Errorf("%s: exit code %d; want 1\n%s", command, code, out)
	}
	contains(t, out, wants...)
}

// says runs a command that has to succeed and say every one of wants.
func (m *machine) says(t *testing.T, command string, wants ...string) {
	t.Helper()
	contains(t, m.must(t, command), wants...)
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// copyIn puts a file or folder of this host at a place in the machine.
func (m *machine) copyIn(t *testing.T, from, to string) {
	t.Helper()
	host(t, "docker", "cp", from, m.name+":"+to)
}

// address is where this host reaches the machine.
func (m *machine) address(t *testing.T) string {
	t.Helper()
	return host(t, "docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", m.name)
}

// pid is the process of the agent's service, or "0".
func (m *machine) pid(t *testing.T) string {
	t.Helper()
	return m.must(t, "systemctl show --property MainPID --value coopkit-agent.service")
}
