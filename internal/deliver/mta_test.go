// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/internal/deliver"
	"coopkit/internal/deliver/delivertest"
	"coopkit/internal/ownca"
	"coopkit/internal/testkit"
)

// exim is a mail server of the world outside: Debian's, unpacked and not
// installed, with a user of its own in a mount namespace of its own.
func exim(t *testing.T) (relay deliver.Relay, mailboxes string) {
	t.Helper()
	root, err := filepath.Abs("../../.cache/exim")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/sbin/exim4")); err != nil {
		testkit.Missing(t, "exim4", "it is not in .cache/exim: installer/devmachine.sh mta .cache/exim")
	}
	if os.Getuid() != 0 {
		testkit.Missing(t, "root", "Exim gives up its rights itself")
	}
	dir := t.TempDir()
	port := testkit.FreePort(t)
	roots := certificateFor(t, dir)
	for _, name := range []string{"passwd", "group"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		line := map[string]string{"passwd": "Debian-exim:x:64999:64999::/nonexistent:/usr/sbin/nologin\n", "group": "Debian-exim:x:64999:\n"}[name]
		write(t, dir, name, strings.TrimSuffix(string(text), "\n")+"\n"+line)
	}
	write(t, dir, "conf", fmt.Sprintf(eximConf, dir, port, root))
	for _, sub := range []string{"spool", "mail"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, sub), 64999, 64999); err != nil {
			t.Fatal(err)
		}
	}
	for _, on := range []string{dir, filepath.Dir(dir)} { // Exim's own user must get there
		if err := os.Chmod(on, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c",
		`mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && exec "$2/usr/sbin/exim4" -C "$1/conf" -bdf`, "sh", dir, root)
	libs, err := filepath.Glob(filepath.Join(root, "usr/lib/*"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libs, ":"))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // before its folder goes
	testkit.Eventually(t, 20*time.Second, "Exim does not listen", func() bool {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return deliver.Relay{
		Host: "127.0.0.1", Port: port, Security: deliver.StartTLS, User: delivertest.User, Password: delivertest.Password, From: delivertest.User, Roots: roots,
	}, filepath.Join(dir, "mail")
}

// certificateFor makes a certificate for 127.0.0.1 in dir, and returns who
// signed it.
func certificateFor(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	ca, err := ownca.Open(filepath.Join(t.TempDir(), "ca"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	key, der := newKey(t)
	cert, err := ca.Sign(key, nil, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "crt.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.RootPEM())
	return roots
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// eximConf is a mail server that asks for a name and a password after STARTTLS,
// keeps mail for example.net in one file, greylists one address and does not know
// another.
const eximConf = `
exim_user = Debian-exim
exim_group = Debian-exim
exim_path = %[3]s/usr/sbin/exim4
deliver_drop_privilege = true
never_users =
keep_environment = LD_LIBRARY_PATH
spool_directory = %[1]s/spool
log_file_path = %[1]s/spool/%%slog
primary_hostname = mta.example
domainlist local_domains = example.net
local_interfaces = 127.0.0.1
daemon_smtp_ports = %[2]d
tls_advertise_hosts = *
tls_certificate = %[1]s/crt.pem
tls_privatekey = %[1]s/key.pem
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
begin acl
rcpt:
  deny message = authentication required
    !authenticated = *
  defer message = greylisted, come back later
    local_parts = later
  deny message = no such user
    local_parts = stranger
  accept
begin routers
all:
  driver = accept
  domains = example.net
  transport = file
begin transports
file:
  driver = appendfile
  file = %[1]s/mail/box
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if and{{eq{$auth2}{box@example.org}}{eq{$auth3}{four-unrelated-words}}}}
  server_set_id = $auth2
`

func TestMail_withAMailServerOfTheWorldOutside(t *testing.T) {
	t.Parallel()
	relay, mailboxes := exim(t)
	send := func(change func(*deliver.Relay), to string) error {
		r := relay
		change(&r)
		return deliver.Mail{Relay: r, To: to}.Deliver(t.Context(), hello)
	}
	as := func(*deliver.Relay) {}
	if err := send(as, "ana@example.net"); err != nil {
		t.Fatal(err)
	}
	var got string
	testkit.Eventually(t, 20*time.Second, "Exim did not put the mail into the mailbox", func() bool {
		text, err := os.ReadFile(filepath.Join(mailboxes, "box"))
		got = string(text)
		return err == nil && got != ""
	})
	for _, want := range []string{"Message-ID: <m-7f3k9q2m@example.org>", "Auto-Submitted: auto-generated", "=?UTF-8?q?La_p=C3=A1gina", "\n.un punto al comienzo\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	isProblem(t, send(as, "later@example.net"), "delivery-later")
	isProblem(t, send(as, "stranger@example.net"), "mail-recipient-refused")
	isProblem(t, send(func(r *deliver.Relay) { r.Password = "guess" }, "ana@example.net"), "mail-signin-refused")
	isProblem(t, send(func(r *deliver.Relay) { r.User, r.Password = "", "" }, "ana@example.net"), "mail-recipient-refused")
	isProblem(t, send(func(r *deliver.Relay) { r.Security = deliver.TLS }, "ana@example.net"), "mail-no-tls")
	isProblem(t, send(func(r *deliver.Relay) { r.Roots = nil }, "ana@example.net"), "delivery-certificate")
}
