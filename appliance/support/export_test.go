// SPDX-License-Identifier: AGPL-3.0-or-later

package support

// DropWay breaks the connection to the desk.
func (s *Support) DropWay() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.dropWay()
}
