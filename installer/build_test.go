// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// TestInstall_buildsFromDebian is a box to which no registry answers: its agent
// makes the images of an app from Debian's packages.
func TestInstall_buildsFromDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole machine")
	}
	box := boot(t, "bookworm")
	box.copyIn(t, build(t, "1.0.0").dir, "/root/1.0.0")
	box.says(t, "/root/1.0.0/install.sh --build-from-debian", "install debootstrap from the distribution", "Coopkit runs")
	box.must(t, `sed -i 's/--dns :53/& --issuer local/' /etc/coopkit/agent.env && systemctl restart coopkit-agent`)
	box.says(t, "ps -o user= -p $(systemctl show --property MainPID --value coopkit-agent)", "root")
	box.must(t, "coopkit name add demo.coop --yes")

	began := time.Now()
	box.says(t, "coopkit app add radicale --address calendar.demo.coop --images debian --yes", "https://calendar.demo.coop")
	t.Logf("added in %v", time.Since(began).Round(100*time.Millisecond))
	box.says(t, "docker image ls --format '{{.Repository}}'", "coopkit/debian-base", "coopkit/radicale-app")
	browser := trusting(t, box)
	browser.sees(t, "https://calendar.demo.coop/admin/", http.StatusUnauthorized)
	browser.sees(t, "https://calendar.demo.coop/.web/", http.StatusOK)

	pid := box.pid(t)
	box.says(t, "systemctl restart coopkit-agent && /root/1.0.0/install.sh", "the agent runs")
	if box.pid(t) == pid {
		t.Error("the agent was not restarted")
	}
	browser.sees(t, "https://calendar.demo.coop/admin/", http.StatusUnauthorized)

	box.must(t, "coopkit app remove radicale --no-export --yes")
	browser.sees(t, "http://calendar.demo.coop/admin/", http.StatusMisdirectedRequest) // no longer led to HTTPS
	if out := box.must(t, "docker ps -aq; docker volume ls -q"); out != "" {
		t.Errorf("something is left of the app:\n%s", out)
	}
	box.must(t, "/root/1.0.0/install.sh --uninstall --purge --yes")
	untouched(t, box)
}

// visitor is somebody on the same network who trusts the box's own authority.
type visitor struct{ client *http.Client }

func trusting(t *testing.T, box *machine) visitor {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(box.must(t, "cat /var/lib/coopkit/certificates/ca/root.crt"))) {
		t.Fatal("the box has no authority of its own")
	}
	address := box.address(t)
	return visitor{&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, named string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(named)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
		},
	}}}
}

// sees opens a page and waits until it has the status; its certificate has to
// be good.
func (v visitor) sees(t *testing.T, url string, status int) {
	t.Helper()
	testkit.Eventually(t, 30*time.Second, fmt.Sprintf("%s answers %d", url, status), func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := v.client.Do(request)
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == status
	})
}
