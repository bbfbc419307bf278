// SPDX-License-Identifier: AGPL-3.0-or-later

// Package journey holds no code but tests: people's ways through console and
// desk, in a real Chromium against real processes of the built program. They
// use the keyboard alone, or no scripts, or both hands; look at every page in
// three languages, on a phone and on a screen, in light and dark, for barriers
// (axe-core) and for what does not fit; and take the pictures of the README and
// the tutorial.
package journey
