// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

// licences are the SPDX identifiers that a recipe may name: those that the OSI
// approved or the FSF calls free and that apps are really under. A licence that
// is missing here is added with the first recipe that needs it.
var licences = []string{
	"0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0",
	"BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CDDL-1.0", "CECILL-2.1", "CECILL-B",
	"ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2",
	"GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later",
	"ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later",
	"MIT", "MIT-0", "MPL-2.0", "MS-PL", "NCSA", "OSL-3.0", "PHP-3.01", "PostgreSQL", "Python-2.0", "PSF-2.0",
	"Ruby", "UPL-1.0", "Unlicense", "Vim", "W3C", "WTFPL", "ZPL-2.1", "Zlib",
}
