// SPDX-License-Identifier: AGPL-3.0-or-later

package console

import (
	"embed"
	"io/fs"
)

//go:embed messages/*.json
var own embed.FS

func messages() fs.FS { return own }
