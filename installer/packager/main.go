// SPDX-License-Identifier: AGPL-3.0-or-later

// Command packager makes the Debian package that an nfpm file describes:
//
//	packager nfpm.yaml coopkit_1.0.0_amd64.deb
//
// It owns nothing but the call of nfpm as a library, whose own command has
// parts that nobody needs here. The time of all files comes from
// SOURCE_DATE_EPOCH. The test of package installer makes packages with it and
// installs them.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: packager nfpm.yaml package.deb")
		os.Exit(2) //nolint:forbidigo // main
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "packager:", err)
		os.Exit(1) //nolint:forbidigo // main
	}
}

func run(description, target string) error {
	cfg, err := nfpm.ParseFile(description)
	if err != nil {
		return fmt.Errorf("read %s: %w", description, err)
	}
	info, err := cfg.Get("deb")
	if err != nil {
		return fmt.Errorf("understand %s: %w", description, err)
	}
	deb, err := nfpm.Get("deb")
	if err != nil {
		return err
	}
	out, err := os.Create(target) //nolint:gosec // the file that the caller wants
	if err != nil {
		return err
	}
	return errors.Join(deb.Package(nfpm.WithDefaults(info), out), out.Close())
}
