// SPDX-License-Identifier: AGPL-3.0-or-later

package support

// DropWay breaks the connection to the desk.
func (s *Support) DropWay() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.dropWay()
}

// Reason is what people read of a desk's words.
func Reason(title, why string) string { return said{Title: title, Why: why}.reason() }
