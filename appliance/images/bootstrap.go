// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// upgradeScript brings a fresh root up to date, security updates included.
// Mounts made here are gone with the process: it has a mount namespace of its own.
const upgradeScript = `set -eu
mount -t proc proc "$1/proc"
chroot "$1" apt-get update
chroot "$1" apt-get -y dist-upgrade
chroot "$1" apt-get clean
`

// policyRC denies every service start: no package may start a daemon while an
// image is built.
const policyRC = "#!/bin/sh\n# No service is started while an image is built.\nexit 101\n"

// aptDefaults keeps images small and builds patient.
const aptDefaults = `APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
`

// bootstrap fills root with a minimal, updated and trimmed Debian.
func (im *Images) bootstrap(ctx context.Context, root string, host packageHost, p appliance.Progress) error {
	env := []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
	}
	if host.proxy != "" {
		env = append(env, "http_proxy="+host.proxy)
	}
	p.Log("making a Debian base from " + host.archive)
	err := runQuietly(ctx, p, env, "debootstrap", "--variant=minbase", "--include=ca-certificates",
		"--force-check-gpg", "--keyring="+im.Apt.Keyring, im.Suite, root, host.archive)
	if err != nil {
		return err
	}
	conf := aptDefaults + strings.Join(host.conf, "\n") + "\n"
	for _, f := range []struct {
		path, text string
		mode       fs.FileMode
	}{
		{"etc/apt/sources.list", host.sourcesList(im.Suite), 0o644},
		{"etc/apt/apt.conf.d/90coopkit", conf, 0o644},
		{"usr/sbin/policy-rc.d", policyRC, 0o755},
	} {
		if err := os.WriteFile(filepath.Join(root, f.path), []byte(f.text), f.mode); err != nil {
			return fmt.Errorf("write %s of the base: %w", f.path, err)
		}
		if err := os.Chmod(filepath.Join(root, f.path), f.mode); err != nil { // whatever the umask says
			return fmt.Errorf("write %s of the base: %w", f.path, err)
		}
	}
	for _, name := range []string{"/etc/resolv.conf", "/etc/hosts"} { // for the upgrade only
		if err := copyFile(filepath.Join(root, name), name); err != nil {
			return err
		}
	}
	p.Log("installing Debian's updates")
	if err := runQuietly(ctx, p, env, "sh", "-c", upgradeScript, "sh", root); err != nil {
		return err
	}
	return trim(root)
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from) //nolint:gosec // fixed names
	if err != nil {
		return fmt.Errorf("copy %s into the base: %w", from, err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil { //nolint:gosec // readable by all, as on any system
		return fmt.Errorf("copy %s into the base: %w", from, err)
	}
	return nil
}

// trimmed are paths that an image does not need, or that say when and where it
// was made. Copyright files stay: licences ask for it.
var trimmed = []string{
	"var/lib/apt/lists/*", "var/cache/apt/*", "var/cache/debconf/*-old", "var/cache/ldconfig/*", "var/log/*.log", "var/log/*/*",
	"var/lib/dpkg/*-old", "usr/share/man/*/*", "usr/share/info/*", "usr/share/lintian", "tmp/*", "dev/*",
	"etc/hostname", "etc/resolv.conf", "etc/hosts", "etc/machine-id", "var/lib/dbus/machine-id", "debootstrap",
}

func trim(root string) error {
	for _, pattern := range trimmed {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return fmt.Errorf("trim the base: %w", err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("trim the base: %w", err)
			}
		}
	}
	return filepath.WalkDir(filepath.Join(root, "usr/share/doc"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "copyright" {
			return err
		}
		return os.Remove(path) //nolint:gosec // nobody else writes below our own folder
	})
}

// importRoot streams the root folder into the engine. Sorted names, numeric
// owners and times no later than today's midnight make the same packages give
// the same bytes on the same day.
func (im *Images) importRoot(ctx context.Context, root, tag string, labels map[string]string) (engine.ImageInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tar", "--create", "--directory="+root, "--sort=name", //nolint:gosec // our own folder
		"--numeric-owner", "--one-file-system", "--xattrs", "--clamp-mtime",
		"--mtime="+im.Now().UTC().Format("2006-01-02"), ".")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return engine.ImageInfo{}, fmt.Errorf("pack the base: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return engine.ImageInfo{}, fmt.Errorf("pack the base: %w", err)
	}
	info, err := im.Engine.Import(ctx, tag, labels, out)
	if err != nil {
		cancel()
		_ = cmd.Wait()
		return engine.ImageInfo{}, fmt.Errorf("import the base: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		_ = im.Engine.RemoveImage(context.WithoutCancel(ctx), info.ID)
		return engine.ImageInfo{}, fmt.Errorf("pack the base: %w: %s", err, said.String())
	}
	return info, nil
}
