// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/testkit"
)

// release is a folder as people download it: a package, an archive, install.sh
// and SHA256SUMS. program is what is in it. No arch stands for all.
type release struct{ dir, arch, program string }

// build makes a release of this working tree.
func build(t *testing.T, version string) release {
	t.Helper()
	r := release{dir: t.TempDir(), arch: host(t, "dpkg", "--print-architecture")}
	pack(t, r, version, "")
	unpacked := t.TempDir()
	host(t, "tar", "-xzf", filepath.Join(r.dir, "coopkit_"+version+"_"+r.arch+".tar.gz"), "-C", unpacked)
	r.program = filepath.Join(unpacked, "coopkit_"+version+"_"+r.arch, "coopkit")
	return r
}

// with makes a release of another program.
func (r release) with(t *testing.T, version, program string) release {
	t.Helper()
	other := release{dir: t.TempDir(), arch: r.arch, program: program}
	pack(t, other, version, program)
	return other
}

func pack(t *testing.T, r release, version, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "installer/packages.sh", slices.DeleteFunc([]string{r.dir, r.arch}, func(s string) bool { return s == "" })...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "VERSION="+version, "PROGRAM="+program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make packages: %v\n%s", err, out)
	}
}

// script writes a program that is not Coopkit.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coopkit")
	if err := os.WriteFile(path, []byte("#!/bin/bash\n"+strings.Join(lines, "\n")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstall goes through the life of Coopkit on one machine.
func TestInstall(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole machine")
	}
	l := life{box: boot(t, "bookworm"), first: build(t, "1.0.0")}
	l.box.copyIn(t, l.first.dir, "/root/1.0.0")
	alive := t.Run("dry run", l.dryRun) &&
		t.Run("port taken", l.portTaken) &&
		t.Run("bad checksum", l.badChecksum) &&
		t.Run("package", l.installPackage) &&
		t.Run("again", l.installAgain) &&
		t.Run("killed", l.killed) &&
		t.Run("upgrade", l.upgradeUnderLoad) &&
		t.Run("broken upgrade", l.brokenUpgrade) &&
		t.Run("uninstall", l.uninstallKeepsData) &&
		t.Run("archive", l.installArchive) &&
		t.Run("broken archive", l.brokenArchive) &&
		t.Run("from a folder on the web", l.installFrom) &&
		t.Run("purge", l.purge) &&
		t.Run("port 53 taken", l.dnsTaken)
	if !alive {
		journal, _ := l.box.run(t, "journalctl --no-pager -n 40 -u 'coopkit*'")
		t.Log(journal)
	}
}

// life is that of Coopkit on one machine; each step finds what the one before
// left.
type life struct {
	box   *machine
	first release
}

// untouched fails unless the machine is as if Coopkit had never been there.
func untouched(t *testing.T, box *machine) {
	t.Helper()
	if out := box.must(t, `getent passwd coopkit; getent group coopkit; ls -d /var/lib/coopkit /etc/coopkit /run/coopkit \
		/usr/bin/coopkit* /usr/local/bin/coopkit* /usr/lib/coopkit /usr/local/lib/coopkit 2>/dev/null
		find /etc/systemd /usr/lib/systemd -name 'coopkit*'; systemctl list-units --all --no-legend 'coopkit*'
		docker ps -aq; docker volume ls -q; true`); out != "" {
		t.Errorf("something is left:\n%s", out)
	}
}

func (l life) dryRun(t *testing.T) {
	box := l.box
	box.says(t, "/root/1.0.0/install.sh --dry-run", "Debian GNU/Linux 12 (bookworm)", "the container engine is there",
		"would install the package coopkit 1.0.0", "would make the user coopkit", "nothing was changed")
	untouched(t, box)
	box.fails(t, "setpriv --reuid nobody --clear-groups bash /root/1.0.0/install.sh 2>&1 || exit 1", "") // not even readable for others
	box.fails(t, "cp /root/1.0.0/install.sh /tmp && setpriv --reuid nobody --clear-groups bash /tmp/install.sh", "not root", "sudo")
	box.fails(t, "/root/1.0.0/install.sh --purge", "it belongs to --uninstall")
	box.fails(t, "/root/1.0.0/install.sh --nonsense", "it is not one of its options")
}

// listen has a program of the machine hold a port until stop is called.
func listen(t *testing.T, box *machine, kind, address string) (stop func()) {
	t.Helper()
	socket, _, _ := strings.Cut(address, ",")
	unit := "taken-" + strings.NewReplacer(".", "-", "'", "").Replace(socket)
	code := "import socket,time;s=socket.socket(socket.AF_INET,socket." + kind + ");s.bind((" + address + "));"
	if kind == "SOCK_STREAM" {
		code += "s.listen();"
	}
	box.must(t, `systemd-run --quiet --unit `+unit+` python3 -c "`+code+`time.sleep(9999)"`)
	_, port, _ := strings.Cut(address, ",")
	testkit.Eventually(t, 10*time.Second, "the port is held", func() bool {
		out, _ := box.run(t, "ss -Hlntu 'sport = :"+port+"'")
		return out != ""
	})
	return func() { box.must(t, "systemctl stop "+unit) }
}

func (l life) portTaken(t *testing.T) {
	box := l.box
	stop := listen(t, box, "SOCK_STREAM", "'0.0.0.0',80")
	defer stop()
	box.fails(t, "/root/1.0.0/install.sh", "port 80 is taken", "python3 (process ", "systemctl disable --now", "nothing was changed")
	untouched(t, box)
}

func (l life) badChecksum(t *testing.T) {
	box := l.box
	box.must(t, "cp -r /root/1.0.0 /root/bad && printf x >>/root/bad/coopkit_1.0.0_*.deb")
	box.fails(t, "/root/bad/install.sh", "is not what it should be", "SHA256SUMS")
	box.fails(t, "/root/1.0.0/install.sh --from file:///root/bad", "is not what it should be")
	box.must(t, "rm /root/bad/SHA256SUMS")
	box.fails(t, "/root/1.0.0/install.sh --from file:///root/bad", "no readable file SHA256SUMS")
	untouched(t, box)
}

func (l life) installPackage(t *testing.T) {
	box := l.box
	began := time.Now()
	said := box.must(t, "/root/1.0.0/install.sh")
	contains(t, said, "install the package coopkit 1.0.0", "make the user and the group coopkit", "start the agent", "Coopkit runs")
	letIn(t, box, said)
	t.Logf("installed in %v", time.Since(began).Round(100*time.Millisecond))
	installed(t, box)
	box.says(t, "systemctl is-enabled coopkit-agent.service coopkit-agent.socket coopkit-dns.socket", "enabled\nenabled\nenabled")
	box.says(t, "systemctl cat coopkit-desk.service; systemctl is-enabled coopkit-desk.service || true", "desk serve", "disabled")
	box.says(t, "cat /etc/coopkit/agent.env", "--dns :53")
	box.must(t, "systemctl enable --now coopkit-desk.service")
	testkit.Eventually(t, 20*time.Second, "the desk answers", func() bool {
		_, code := box.run(t, "coopkit desk coop list && curl -sk -o /dev/null https://localhost:8430/")
		return code == 0
	})
	box.must(t, "systemctl disable --now coopkit-desk.service && rm -rf /var/lib/coopkit-desk /var/lib/private/coopkit-desk")
	box.must(t, "coopkit name add demo.coop --yes")
	if got := lookUp(t, box, "udp"); got != box.address(t) {
		t.Errorf("ns1.demo.coop is at %q", got)
	}
}

// installed looks at what an installation leaves behind, however it was made.
func installed(t *testing.T, box *machine) {
	t.Helper()
	got := box.must(t, "stat -c '%a %U:%G %n' /var/lib/coopkit /var/lib/coopkit/coopkit.db /etc/coopkit /etc/coopkit/agent.env /run/coopkit /run/coopkit/coopkit.sock")
	want := `750 coopkit:coopkit /var/lib/coopkit
600 coopkit:coopkit /var/lib/coopkit/coopkit.db
755 root:root /etc/coopkit
644 root:root /etc/coopkit/agent.env
755 coopkit:coopkit /run/coopkit
660 coopkit:coopkit /run/coopkit/coopkit.sock`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modes and owners (-want +got):\n%s", diff)
	}
	box.says(t, "coopkit status | tr -s ' '", "agent: runs", "Docker Engine", "https: [::]:443", "http: [::]:80")
	box.says(t, "id coopkit", "(docker)")
	box.says(t, "ps -o user= -p $(systemctl show --property MainPID --value coopkit-agent)", "coopkit")
	box.says(t, "grep -E 'CapEff|NoNewPrivs' /proc/$(systemctl show --property MainPID --value coopkit-agent)/status",
		"CapEff:\t0000000000000400", "NoNewPrivs:\t1") // CAP_NET_BIND_SERVICE only
	box.must(t, "systemd-analyze security --threshold=25 coopkit-agent.service")
	for _, port := range []string{"80", "443"} { // systemd holds them too
		box.says(t, "ss -Hlntp 'sport = :"+port+"'", `"systemd",pid=1`, `"coopkit"`)
	}
}

// installAgain: a second run changes no file and does not touch the agent.
func (l life) installAgain(t *testing.T) {
	box := l.box
	const look = "find /etc /usr/bin/coopkit* /usr/lib/coopkit /usr/lib/systemd/system -newer /root/mark ! -type d; true"
	pid := box.pid(t)
	box.must(t, "touch /root/mark")
	box.says(t, "/root/1.0.0/install.sh", "the package is there: coopkit 1.0.0", "the agent runs", "Its console: https://"+box.address(t)+":8420")
	if out := box.must(t, look); out != "" {
		t.Errorf("files were changed:\n%s", out)
	}
	if now := box.pid(t); now != pid {
		t.Errorf("the agent was restarted: %s, now %s", pid, now)
	}
	box.must(t, "echo '# mine' >>/etc/coopkit/agent.env && /root/1.0.0/install.sh && grep mine /etc/coopkit/agent.env")
}

func (l life) killed(t *testing.T) {
	box := l.box
	pid := box.pid(t)
	box.must(t, "kill -9 "+pid)
	fetch(t, box) // waits until there is an agent again
	testkit.Eventually(t, 20*time.Second, "the agent runs again", func() bool {
		_, code := box.run(t, "coopkit status")
		return code == 0 && box.pid(t) != pid
	})
}

func (l life) brokenUpgrade(t *testing.T) {
	box := l.box
	for version, program := range map[string]string{
		"1.2.0": script(t, "echo out of order >&2; exit 1"),
		"1.3.0": script(t, "sleep 9999"),
		// It changes the records to a newer form before it fails, having kept a copy as the real one does.
		"1.4.0": script(t, `cd /var/lib/coopkit && { [ -e coopkit.db.before-v99 ] || cp coopkit.db coopkit.db.before-v99; }
			echo newer >/var/lib/coopkit/coopkit.db; sleep 1; exit 1`),
	} {
		box.copyIn(t, l.first.with(t, version, program).dir, "/root/"+version)
		box.fails(t, "/root/"+version+"/install.sh --wait 8", "the one before runs again", "journalctl -u coopkit-agent")
		box.says(t, "coopkit status | tr -s ' '", "agent: runs")
		box.says(t, "coopkit name list", "demo.coop")
		fetch(t, box)
	}
	box.says(t, "/root/1.0.0/install.sh", "install the package coopkit 1.0.0 in place of 1.", "Coopkit runs")
	installed(t, box)
}

func (l life) uninstallKeepsData(t *testing.T) {
	box := l.box
	box.must(t, `docker volume create --label coop.coopkit.install=trial --label coop.coopkit.box=$(cat /var/lib/coopkit/box) coopkit-trial_data
		docker volume create --label coop.coopkit.install=trial --label coop.coopkit.box=another coopkit-trial_theirs
		echo 'Amara, Bo' >"$(docker volume inspect --format '{{.Mountpoint}}' coopkit-trial_theirs)/members"`)
	box.says(t, "/usr/lib/coopkit/install.sh --uninstall", "remove the package coopkit", "what stays:", "/var/lib/coopkit: the records", "with 0 containers of apps, which run on, and 1 volumes")
	box.says(t, "stat -c %U /var/lib/coopkit/coopkit.db", "coopkit")
	if out := box.must(t, "ls -d /usr/bin/coopkit* /usr/lib/coopkit 2>/dev/null; systemctl list-units --all --no-legend 'coopkit*'; ss -Hlntu 'sport = :80 or sport = :443 or sport = :53'"); out != "" {
		t.Errorf("something is left:\n%s", out)
	}
	box.says(t, "/root/1.0.0/install.sh --uninstall", "Coopkit is not installed here")
}

// installArchive: the archive works the same, below /usr/local, and finds the data.
func (l life) installArchive(t *testing.T) {
	box := l.box
	box.must(t, "cd /root && tar -xzf 1.0.0/coopkit_1.0.0_*.tar.gz && mv coopkit_1.0.0_* unpacked")
	box.says(t, "/root/unpacked/install.sh", "install the program at /usr/local/bin/coopkit", "Coopkit runs")
	installed(t, box)
	box.says(t, "coopkit name list", "demo.coop")
	pid := box.pid(t)
	box.says(t, "/root/unpacked/install.sh", "the program is there: /usr/local/bin/coopkit", "the agent runs")
	if now := box.pid(t); now != pid {
		t.Errorf("the agent was restarted: %s, now %s", pid, now)
	}
}

func (l life) brokenArchive(t *testing.T) {
	box := l.box
	box.copyIn(t, script(t, `[ "$1" = version ] || exit 1`), "/root/broken")
	box.fails(t, "/root/unpacked/install.sh --binary /root/broken", "the one before runs again")
	box.says(t, "coopkit status | tr -s ' '", "agent: runs")
	box.fails(t, "/root/unpacked/install.sh --binary /root/missing", "cannot be read")
	box.copyIn(t, script(t, "exit 1"), "/root/broken")
	box.fails(t, "/root/unpacked/install.sh --binary /root/broken", "is not a program for this machine")
}

// installFrom: a package takes the place of the archive.
func (l life) installFrom(t *testing.T) {
	box := l.box
	box.says(t, "cp /root/1.0.0/install.sh /tmp && /tmp/install.sh --from file:///root/1.0.0", "fetching coopkit_1.0.0_", "install the package coopkit 1.0.0", "Coopkit runs")
	if out := box.must(t, "ls -d /usr/local/bin/coopkit* /etc/systemd/system/coopkit* 2>/dev/null; true"); out != "" {
		t.Errorf("the archive's files are in the way:\n%s", out)
	}
	installed(t, box)
	box.says(t, "coopkit name list", "demo.coop")
	box.fails(t, "/root/unpacked/install.sh", "Coopkit is installed as a package here")
}

func (l life) purge(t *testing.T) {
	box := l.box
	box.fails(t, "/root/1.0.0/install.sh --uninstall --purge </dev/null", "There is no way back", "nobody is there who could agree")
	box.says(t, "coopkit status | tr -s ' '", "agent: runs")
	box.says(t, "dpkg --purge coopkit", "The data of the box stays in /var/lib/coopkit")
	box.must(t, "ls /var/lib/coopkit/coopkit.db && /root/1.0.0/install.sh")
	box.says(t, "/root/1.0.0/install.sh --uninstall --purge --yes", "remove 1 volume(s) of apps", "remove /var/lib/coopkit")
	box.says(t, `cat "$(docker volume inspect --format '{{.Mountpoint}}' coopkit-trial_theirs)/members"`, "Amara, Bo")
	box.must(t, "docker volume rm coopkit-trial_theirs")
	untouched(t, box)
}

// dnsTaken: what systemd-resolved does leaves the other addresses free.
func (l life) dnsTaken(t *testing.T) {
	box := l.box
	stop := listen(t, box, "SOCK_DGRAM", "'127.0.0.53',53")
	box.says(t, "/root/1.0.0/install.sh", "has it for this machine itself", "Coopkit runs")
	at := box.address(t)
	box.says(t, "coopkit status | tr -s ' '", "dns: "+at+":53")
	box.must(t, "coopkit name add demo.coop --yes")
	for _, network := range []string{"udp", "tcp"} {
		if got := lookUp(t, box, network); got != at {
			t.Errorf("ns1.demo.coop is at %q over %s", got, network)
		}
	}
	stop()
	box.must(t, "/root/1.0.0/install.sh --uninstall --purge --yes")
	defer listen(t, box, "SOCK_DGRAM", "'0.0.0.0',53")()
	box.says(t, "/root/1.0.0/install.sh", "this box will not answer for names itself", "python3 (process ", "Coopkit runs")
	box.says(t, "systemctl is-active coopkit-agent.service; systemctl is-enabled coopkit-dns.socket || true", "active\ndisabled")
	box.must(t, "/root/1.0.0/install.sh --uninstall --purge --yes")
	untouched(t, box)
}
