// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// TestInstall_withoutSystemd is an ordinary container, and one without an
// engine: that comes from the distribution, as on any other machine.
func TestInstall_withoutSystemd(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole machine")
	}
	box := newMachine(t, "bookworm", nil, "sleep", "infinity")
	box.copyIn(t, build(t, "1.0.0").dir, "/root/1.0.0")
	box.must(t, "dpkg --purge docker.io && ! command -v dockerd")
	box.says(t, "/root/1.0.0/install.sh", "install Docker Engine from the distribution", "no container engine runs", "install the package coopkit 1.0.0",
		"the agent does not start again by itself", "no systemd", "/usr/lib/coopkit/install.sh --start", "Coopkit runs")
	box.must(t, "command -v dockerd")
	box.says(t, "coopkit status | tr -s ' '", "agent: runs", "http: [::]:80")
	box.says(t, "stat -c '%a %U:%G' /var/lib/coopkit /var/log/coopkit /run/coopkit/coopkit.sock", "750 coopkit:coopkit\n750 coopkit:coopkit\n660 coopkit:coopkit")
	box.says(t, "ps -o user=,args= -p $(cat /run/coopkit/agent.pid)", "coopkit  /usr/bin/coopkit agent run --dns :53")
	box.says(t, "grep -E 'CapEff|NoNewPrivs' /proc/$(cat /run/coopkit/agent.pid)/status", "CapEff:\t0000000000000400", "NoNewPrivs:\t1")
	pid := box.must(t, "cat /run/coopkit/agent.pid")
	box.says(t, "/root/1.0.0/install.sh --no-engine", "the package is there: coopkit 1.0.0", "the agent runs (process "+pid+")")

	box.must(t, "kill -9 "+pid)
	testkit.Eventually(t, 10*time.Second, "the agent is gone", func() bool {
		_, code := box.run(t, "coopkit status")
		return code != 0
	})
	box.says(t, "/usr/lib/coopkit/install.sh --start", "start the agent")
	box.says(t, "coopkit status | tr -s ' '", "agent: runs")

	box.must(t, "cd /root && tar -xzf 1.0.0/coopkit_1.0.0_*.tar.gz && mv coopkit_1.0.0_* unpacked")
	box.says(t, "/root/1.0.0/install.sh --uninstall", "remove the package coopkit", "/var/lib/coopkit: the records")
	box.says(t, "/root/unpacked/install.sh --no-engine", "install the program at /usr/local/bin/coopkit", "Coopkit runs")
	box.copyIn(t, script(t, `[ "$1" = version ] || exit 1`), "/root/broken")
	box.fails(t, "/root/unpacked/install.sh --no-engine --wait 5 --binary /root/broken", "the one before was started again")
	box.says(t, "coopkit status | tr -s ' '", "agent: runs")
	box.says(t, "/root/unpacked/install.sh --uninstall --purge --yes", "stop the agent", "remove /var/lib/coopkit")
	if out := box.must(t, "ls -d /var/lib/coopkit /etc/coopkit /run/coopkit /var/log/coopkit /usr/local/bin/coopkit* 2>/dev/null; ps -C coopkit -o stat= | grep -v Z; getent passwd coopkit; true"); out != "" {
		t.Errorf("something is left:\n%s", out)
	}
}

// TestInstall_onTheNextDebian has another systemd and another engine.
func TestInstall_onTheNextDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole machine")
	}
	box := boot(t, "trixie")
	box.copyIn(t, build(t, "1.0.0").dir, "/root/1.0.0")
	box.says(t, "/root/1.0.0/install.sh", "Debian GNU/Linux 13 (trixie)", "Coopkit runs")
	installed(t, box)
	fetch(t, box)
	box.must(t, "/root/1.0.0/install.sh --uninstall --purge --yes")
	untouched(t, box)
}

// TestInstall_besideResolved is a machine like Ubuntu's, and says that it is one:
// systemd-resolved has port 53 of the loopback, all names go through it, its
// firewall is on, and packages are installed by themselves.
func TestInstall_besideResolved(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole machine")
	}
	box := boot(t, "trixie")
	box.must(t, `printf '%s\n' 'PRETTY_NAME="Ubuntu 24.04 LTS"' ID=ubuntu ID_LIKE=debian 'VERSION_ID="24.04"' >/usr/lib/os-release
		apt-get -qq update && apt-get -qq install --yes systemd-resolved ufw 2>&1 && ufw --force enable
		mkdir -p /etc/systemd/resolved.conf.d && sed -n '1i[Resolve]
		s/^nameserver /DNS=/p' /etc/resolv.conf >/etc/systemd/resolved.conf.d/above.conf
		umount /etc/resolv.conf && ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
		systemctl restart systemd-resolved && dpkg --purge docker.io && ! command -v dockerd`)
	release := build(t, "1.0.0")
	box.copyIn(t, release.dir, "/root/1.0.0")
	at := box.address(t)
	said := box.must(t, "/root/1.0.0/install.sh")
	contains(t, said, "Ubuntu 24.04 LTS on "+release.arch, "port 53: systemd-resolve (process ", "the box answers for names at "+at, "install Docker Engine from the distribution", "Coopkit runs")
	if n := strings.Count(said, "port 53:"); n != 1 {
		t.Errorf("port 53 is spoken of %d times:\n%s", n, said)
	}
	openFirewall(t, box, said)
	letIn(t, box, said)
	installed(t, box)
	box.says(t, "coopkit status | tr -s ' '", "dns: "+at+":53")

	box.must(t, "coopkit name add demo.coop --yes")
	for _, network := range []string{"udp", "tcp"} {
		if got := lookUp(t, box, network); got != at {
			t.Errorf("ns1.demo.coop is at %q over %s", got, network)
		}
	}
	// Resolved works on, and reaches the box like any other name server.
	box.must(t, "apt-get -qq -o APT::Update::Error-Mode=any update")
	box.must(t, `printf '[Resolve]\nDNS=`+at+`\n' >/etc/systemd/resolved.conf.d/above.conf && systemctl restart systemd-resolved`)
	box.says(t, "cat /etc/resolv.conf && getent ahostsv4 ns1.demo.coop", "nameserver 127.0.0.53", at)

	const sockets = "systemctl show --property InvocationID --value coopkit-agent.socket coopkit-dns.socket"
	pid, held := box.pid(t), box.must(t, sockets)
	again := box.must(t, "/root/1.0.0/install.sh")
	contains(t, again, "port 53: systemd-resolve", "the agent runs")
	if strings.Contains(again, "keeps others out") {
		t.Errorf("what was told about the firewall is not enough:\n%s", again)
	}
	box.copyIn(t, release.with(t, "1.1.0", release.program).dir, "/root/1.1.0")
	box.must(t, `systemd-run --quiet python3 -c "import fcntl,time;f=open('/var/lib/dpkg/lock-frontend','w');fcntl.lockf(f,fcntl.LOCK_EX);open('/run/locked','w');time.sleep(3)"`)
	testkit.Eventually(t, 10*time.Second, "packages are being installed", func() bool {
		_, code := box.run(t, "ls /run/locked")
		return code == 0
	})
	box.says(t, "/root/1.1.0/install.sh", "wait for another program", "in place of 1.0.0", "Coopkit runs")
	if now := box.must(t, sockets); now != held {
		t.Error("the ports were closed during an upgrade")
	}
	if box.pid(t) == pid {
		t.Error("the agent was not replaced")
	}
	box.must(t, "/root/1.1.0/install.sh --uninstall --purge --yes")
	box.says(t, "systemctl is-active systemd-resolved && cat /etc/resolv.conf", "active", "nameserver 127.0.0.53")
	untouched(t, box)
}

// openFirewall types what the installer said about the firewall, which keeps
// everybody out until then.
func openFirewall(t *testing.T, box *machine, said string) {
	t.Helper()
	contains(t, said, "the firewall of this machine keeps others out", "none of its rules names port 80 443 8420 53")
	console := net.JoinHostPort(box.address(t), "8420")
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(t.Context(), "tcp", console); err == nil {
		t.Error("there is no firewall", conn.Close())
	}
	told := regexp.MustCompile(`(?m)^next: .*: (ufw allow .*)$`).FindAllStringSubmatch(said, -1)
	if len(told) != 3 {
		t.Errorf("it tells %d things to do:\n%s", len(told), said)
	}
	for _, line := range told {
		box.must(t, line[1])
	}
	conn, err := dialer.DialContext(t.Context(), "tcp", console)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
