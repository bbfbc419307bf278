// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Messages is what the box tells people by itself: through which mail server it sends,
// to whom, and how.
type Messages interface {
	// Relay is how outgoing mail is set, without its password.
	Relay(ctx context.Context) (appliance.RelaySetting, error)
	// SetRelay sets outgoing mail; the setting of before can be put back. The error
	// is a Problem "relay-invalid" with the field in Args.
	SetRelay(ctx context.Context, r appliance.Relay) error
	RemoveRelay(ctx context.Context) error
	// UndoRelay puts back the setting of before the last change, or gives a Problem
	// "relay-undo-none".
	UndoRelay(ctx context.Context) error
	// TestRelay sends a test message; the error is a Problem that says why it was
	// not accepted.
	TestRelay(ctx context.Context, t appliance.TestMail) error

	// Receivers are all people with an account that is open.
	Receivers(ctx context.Context) ([]appliance.Receiver, error)
	SetWishes(ctx context.Context, w appliance.Wishes) error
	// SetChannel sets a channel and sends a test message by it, unless it is
	// removed. The answer has the secret of a webhook when one was made. A Problem
	// of the test is in the answer; the setting stays.
	SetChannel(ctx context.Context, c appliance.ChannelChange) (appliance.Channel, error)
	// TestChannel sends a test message anew.
	TestChannel(ctx context.Context, c appliance.ChannelCode) (appliance.Channel, error)
	// ProveChannel takes the code of the test message: from then on the channel is
	// used. A wrong one gives a Problem "channel-code-wrong".
	ProveChannel(ctx context.Context, c appliance.ChannelCode) error
	// Outgoing are the newest messages, those that wait first.
	Outgoing(ctx context.Context) ([]appliance.Sent, error)
}

var messagesArea = localrpc.Area[Agent, Messages]{Part: func(a Agent) Messages { return a.Messages }}

var (
	relay       = localrpc.Get(&messagesArea, "/v1/relay", "The mail server through which the box sends, without its password.", localrpc.Bare(Messages.Relay))
	setRelay    = localrpc.Put(&messagesArea, "/v1/relay", "Sets the mail server.", localrpc.Silent(Messages.SetRelay))
	removeRelay = localrpc.Delete(&messagesArea, "/v1/relay", "Sends no mail any more.", func(m Messages, ctx context.Context, _ localrpc.None) (localrpc.None, error) {
		return localrpc.None{}, m.RemoveRelay(ctx)
	})
	undoRelay = localrpc.Post(&messagesArea, "/v1/relay/undo", "Puts back the mail server of before the last change.", func(m Messages, ctx context.Context, _ localrpc.None) (localrpc.None, error) {
		return localrpc.None{}, m.UndoRelay(ctx)
	})
	testRelay    = localrpc.Post(&messagesArea, "/v1/relay/test", "Sends a test message through the mail server.", localrpc.Silent(Messages.TestRelay))
	receivers    = localrpc.Get(&messagesArea, "/v1/receivers", "The people of this box, and how messages reach them.", localrpc.Bare(Messages.Receivers))
	setWishes    = localrpc.Put(&messagesArea, "/v1/receivers/{person}", "Sets what a person is told, and when.", localrpc.Silent(Messages.SetWishes))
	setChannel   = localrpc.Put(&messagesArea, "/v1/receivers/{person}/channels/{kind}", "Sets a channel of a person and sends a test message by it; without a receiver it removes the channel.", Messages.SetChannel)
	testChannel  = localrpc.Post(&messagesArea, "/v1/receivers/{person}/channels/{kind}/test", "Sends a test message by a channel.", Messages.TestChannel)
	proveChannel = localrpc.Post(&messagesArea, "/v1/receivers/{person}/channels/{kind}/code", "Takes the code of the test message; the channel is used from then on.", localrpc.Silent(Messages.ProveChannel))
	outgoing     = localrpc.Get(&messagesArea, "/v1/messages", "The newest messages to people, those that wait first.", localrpc.Bare(Messages.Outgoing))
)

type messagesClient struct{ *localrpc.Client }

func (c messagesClient) Relay(ctx context.Context) (appliance.RelaySetting, error) {
	return relay.Do(ctx, c.Client, localrpc.None{})
}

func (c messagesClient) SetRelay(ctx context.Context, r appliance.Relay) error {
	_, err := setRelay.Do(ctx, c.Client, r)
	return err
}

func (c messagesClient) RemoveRelay(ctx context.Context) error {
	_, err := removeRelay.Do(ctx, c.Client, localrpc.None{})
	return err
}

func (c messagesClient) UndoRelay(ctx context.Context) error {
	_, err := undoRelay.Do(ctx, c.Client, localrpc.None{})
	return err
}

func (c messagesClient) TestRelay(ctx context.Context, t appliance.TestMail) error {
	_, err := testRelay.Do(ctx, c.Client, t)
	return err
}

func (c messagesClient) Receivers(ctx context.Context) ([]appliance.Receiver, error) {
	return receivers.Do(ctx, c.Client, localrpc.None{})
}

func (c messagesClient) SetWishes(ctx context.Context, w appliance.Wishes) error {
	_, err := setWishes.Do(ctx, c.Client, w)
	return err
}

func (c messagesClient) SetChannel(ctx context.Context, ch appliance.ChannelChange) (appliance.Channel, error) {
	return setChannel.Do(ctx, c.Client, ch)
}

func (c messagesClient) TestChannel(ctx context.Context, ch appliance.ChannelCode) (appliance.Channel, error) {
	return testChannel.Do(ctx, c.Client, ch)
}

func (c messagesClient) ProveChannel(ctx context.Context, ch appliance.ChannelCode) error {
	_, err := proveChannel.Do(ctx, c.Client, ch)
	return err
}

func (c messagesClient) Outgoing(ctx context.Context) ([]appliance.Sent, error) {
	return outgoing.Do(ctx, c.Client, localrpc.None{})
}
