// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"io"

	"github.com/spf13/cobra"

	"coopkit/appliance/cli/base"
)

func newPreview(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "preview", Short: "Show exactly what is sent to the support desk",
		Long: "Shows the last report that the desk has confirmed, or before the first one the report that is next. " +
			"It is what is sent, byte for byte but for the line breaks.",
		Example: "  coopkit support preview",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := env.Agent().Desk.Preview(cmd.Context())
			if err != nil {
				return err
			}
			_, err = io.WriteString(env.Out, text)
			return err
		},
	}
}
