// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

// words are the sentences of one page. {name} stands for what people call the
// address. One message is one whole sentence or more, never a fragment.
type words struct{ title, text, link string }

// Pages that are not reasons to hold.
const (
	unreachable = HoldReason("unreachable") // the service does not answer
	busy        = HoldReason("busy")        // the service has as much to do as it can
	misdirected = HoldReason("misdirected") // nothing in the table has the name
	notFound    = HoldReason("not-found")   // a site has no such page
)

// languages of pages; the first is for everybody else. pageWords has one entry
// for each, and a test compares their keys.
var pageWords = map[string]map[HoldReason]words{
	"en": {
		Starting:         {"{name} is starting", "It takes a minute or two. This page looks again by itself.", ""},
		Stopped:          {"{name} is closed at the moment", "The people who look after it have stopped it. What was saved is still there. Ask them when it opens again.", ""},
		Failing:          {"{name} does not answer", "The program behind this address has a fault. The box tries to bring it back by itself, and this page looks again. If it lasts, tell the people who look after it.", ""},
		ClosedUntilOwner: {"{name} is not open yet", "It is being set up. It opens once its first account is made. This page looks again by itself.", ""},
		unreachable:      {"{name} does not answer right now", "It may be starting or very busy. Nothing needs to be done: this page looks again by itself.", ""},
		busy:             {"{name} is very busy", "More people want something there than it can serve at once. Nothing needs to be done: this page looks again by itself.", ""},
		misdirected:      {"There is nothing at {name}", "This box does not know that name. Check how it is written, or ask the people who gave it to you.", ""},
		notFound:         {"This page does not exist", "The address may be old, or a letter in it may be different.", "Go to the first page"},
	},
	"es": {
		Starting:         {"{name} está arrancando", "Tarda uno o dos minutos. Esta página vuelve a mirar por sí sola.", ""},
		Stopped:          {"{name} está cerrado por ahora", "Las personas que lo cuidan lo han parado. Lo guardado sigue ahí. Pregúntales cuándo vuelve a abrir.", ""},
		Failing:          {"{name} no responde", "El programa de esta dirección tiene un fallo. La caja intenta recuperarlo por sí sola y esta página vuelve a mirar. Si dura, avisa a las personas que lo cuidan.", ""},
		ClosedUntilOwner: {"{name} aún no está abierto", "Se está preparando. Abre cuando exista su primera cuenta. Esta página vuelve a mirar por sí sola.", ""},
		unreachable:      {"{name} no responde ahora mismo", "Puede que esté arrancando o muy ocupado. No hay que hacer nada: esta página vuelve a mirar por sí sola.", ""},
		busy:             {"{name} está muy ocupado", "Hay más personas que quieren algo de las que puede atender a la vez. No hay que hacer nada: esta página vuelve a mirar por sí sola.", ""},
		misdirected:      {"No hay nada en {name}", "Esta caja no conoce ese nombre. Revisa cómo está escrito o pregunta a quien te lo dio.", ""},
		notFound:         {"Esta página no existe", "Puede que la dirección sea antigua o que tenga una letra distinta.", "Ir a la primera página"},
	},
	"fr": {
		Starting:         {"{name} démarre", "Cela prend une minute ou deux. Cette page se rafraîchit d’elle-même.", ""},
		Stopped:          {"{name} est fermé pour le moment", "Les personnes qui s’en occupent l’ont arrêté. Ce qui était enregistré est toujours là. Demandez-leur quand l’adresse rouvrira.", ""},
		Failing:          {"{name} ne répond pas", "Le programme à cette adresse a une panne. Le boîtier essaie de le relancer de lui-même et cette page se rafraîchit. Si cela dure, prévenez les personnes qui s’en occupent.", ""},
		ClosedUntilOwner: {"{name} n’est pas encore ouvert", "L’adresse est en préparation. Elle ouvrira dès que son premier compte existera. Cette page se rafraîchit d’elle-même.", ""},
		unreachable:      {"{name} ne répond pas en ce moment", "Le programme démarre peut-être ou est très occupé. Il n’y a rien à faire : cette page se rafraîchit d’elle-même.", ""},
		busy:             {"{name} est très occupé", "Plus de personnes demandent quelque chose que ce qu’il peut servir à la fois. Il n’y a rien à faire : cette page se rafraîchit d’elle-même.", ""},
		misdirected:      {"Il n’y a rien à l’adresse {name}", "Ce boîtier ne connaît pas ce nom. Vérifiez son orthographe ou demandez à la personne qui vous l’a donné.", ""},
		notFound:         {"Cette page n’existe pas", "L’adresse est peut-être ancienne, ou une lettre est différente.", "Aller à la première page"},
	},
}
