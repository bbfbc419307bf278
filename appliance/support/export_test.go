// SPDX-License-Identifier: AGPL-3.0-or-later

package support

// DropWay breaks the connection to the desk.
func (s *Support) DropWay() {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.dropWay()
}
