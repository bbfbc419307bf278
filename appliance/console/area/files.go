// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"embed"
	"io/fs"
)

//go:embed templates/*.html messages/*.json
var files embed.FS

// Files returns the templates and messages that all areas share.
func Files() fs.FS { return files }
