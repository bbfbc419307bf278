// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	webhook "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"coopkit/internal/problem"
)

// Ntfy is a topic of an ntfy server, to which the apps of people listen.
type Ntfy struct {
	Server string // as https://ntfy.sh
	Topic  string
	Token  Secret // empty: the topic is open to everybody who knows its name
	Dial   Dialer // nil: that of Guard
}

// topicName is what ntfy takes as a topic.
var topicName = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// Check says what is wrong in it: a Problem "delivery-url-invalid" or
// "ntfy-topic-invalid".
func (n Ntfy) Check() error {
	if _, err := checkURL(n.Server); err != nil {
		return err
	}
	if !topicName.MatchString(n.Topic) {
		return &problem.Problem{
			Code: "ntfy-topic-invalid", Kind: problem.Invalid, What: "this is not the name of a topic",
			Why:  "a topic has at most 64 letters, digits, hyphens and underscores",
			Next: []string{"write a name that nobody guesses, such as bakery-7f3k9q2m"},
		}
	}
	return nil
}

// Deliver implements Channel.
func (n Ntfy) Deliver(ctx context.Context, m Message) error {
	if err := n.Check(); err != nil {
		return err
	}
	u, err := checkURL(n.Server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	seen := &outcome{}
	service := &ntfy.Service{}
	at := url.URL{Scheme: ntfy.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/") + "/" + n.Topic, RawQuery: "scheme=" + u.Scheme}
	if n.Token != "" {
		at.User = url.UserPassword("", string(n.Token)) // ntfy takes a token as the password of nobody
	}
	if err := service.Initialize(&at, nil); err != nil {
		return err
	}
	service.SetHTTPClient(client(ctx, n.Dial, u, seen))
	params := types.Params{"title": m.Subject}
	if m.Urgent {
		params["priority"] = "high"
	}
	if m.Link != "" {
		params["click"] = m.Link
	}
	return seen.fault(ctx, u, service.Send(cut(m.Text, maxNtfy), &params))
}

// maxNtfy is how long a message may be: ntfy makes an attachment of what has more
// than 4096 bytes.
const maxNtfy = 4000

// cut ends a text that is too long, at the end of a letter.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

// Webhook is a program that is called with what happened, as JSON and signed
// (https://www.standardwebhooks.com).
type Webhook struct {
	URL    string
	Secret Secret // whsec_ and base64; see NewSecret
	Dial   Dialer // nil: that of Guard
}

// Check says what is wrong in it: a Problem "delivery-url-invalid" or
// "webhook-secret-invalid".
func (h Webhook) Check() error {
	if _, err := checkURL(h.URL); err != nil {
		return err
	}
	if _, err := h.signer(); err != nil {
		return err
	}
	return nil
}

func (h Webhook) signer() (*webhook.Webhook, error) {
	s, err := webhook.NewWebhook(string(h.Secret))
	if err != nil || len(h.Secret) < len(secretPrefix)+32 || !strings.HasPrefix(string(h.Secret), secretPrefix) {
		return nil, &problem.Problem{
			Code: "webhook-secret-invalid", Kind: problem.Invalid, What: "this is not the secret of a webhook",
			Why:  "it begins with whsec_, and 24 or more random bytes in base64 follow",
			Next: []string{"leave it empty: the box makes one and shows it"}, Err: err,
		}
	}
	return s, nil
}

// Deliver implements Channel: it posts m.Data, with the headers webhook-id,
// webhook-timestamp and webhook-signature.
func (h Webhook) Deliver(ctx context.Context, m Message) error {
	u, err := checkURL(h.URL)
	if err != nil {
		return err
	}
	signer, err := h.signer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.Data))
	if err != nil {
		return err
	}
	now := time.Now()
	signature, err := signer.Sign(m.ID, now, m.Data)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Coopkit")
	req.Header.Set(webhook.HeaderWebhookID, m.ID)
	req.Header.Set(webhook.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(webhook.HeaderWebhookSignature, signature)
	seen := &outcome{}
	resp, err := client(ctx, h.Dial, u, seen).Do(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return seen.fault(ctx, u, err)
}

// checkURL reads the address of a receiver; the error is a Problem
// "delivery-url-invalid".
func checkURL(typed string) (*url.URL, error) {
	u, err := url.Parse(typed)
	if err == nil && (u.Scheme != "https" && u.Scheme != "http" || !isHost(u.Hostname()) || u.User != nil || u.Fragment != "" || len(typed) > 2000) {
		err = errors.New("not an address of http or https")
	}
	if err != nil {
		return nil, &problem.Problem{
			Code: "delivery-url-invalid", Kind: problem.Invalid, What: "messages cannot be sent to this address",
			Next: []string{"write one that begins with https://, such as https://ha.example.org/api/webhook/coopkit"}, Err: err,
		}
	}
	return u, nil
}
