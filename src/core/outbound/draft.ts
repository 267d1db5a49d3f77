/**
 * Drafts: messages that grow while an answer is made (R8).
 *
 * A draft is a message of the outbox like any other, posted once under a nonce
 * of its own, so a crash leaves none that nobody knows of. What the turn says
 * in the end is frozen as if there had been none; only then is decided which of
 * its messages take the place of a draft, and which drafts go.
 *
 * @module
 */

import type { MessageId } from "../discord/ids.ts";
import { nonceOf } from "./nonce.ts";
import type { Frozen, OutboundMessage, Part } from "./outbound.ts";

/** A draft of one answer, as the outbox has it. */
export interface DraftRow {
  readonly message: DraftMessage;
  /**
   * - `untried`: no attempt was made to post it.
   * - `open`: an attempt may have reached Discord; its lane is still at it.
   * - `there`: it was posted.
   *
   * One that was refused, or of which nobody can tell, is none of them.
   */
  readonly state: "untried" | "open" | "there";
  /** Known once it is `there`, unless somebody deleted it before we heard. */
  readonly messageId?: MessageId;
}

/** Its kind is `draft`, and its part that of the message whose place it holds. */
export type DraftMessage = OutboundMessage & { readonly of: Part };

/** What the end of a turn makes of its drafts. */
export interface PlacedDrafts {
  /** In the order in which it is to be sent. */
  readonly outbox: readonly Frozen[];
  /** Nonces of drafts that are not to be posted any more. */
  readonly withdraw: readonly string[];
}

/**
 * Decides what becomes of an answer's drafts, within the transaction that ends its turn (T3).
 *
 * The first messages of a reply take the places of the drafts that stand there. From the first
 * one that cannot, none does: what is posted now stands below every draft, so a draft behind it
 * would be out of order. What is edited goes first, then what is in the way is taken away, then
 * the rest is posted.
 *
 * @param drafts All that there are of the answer, in any order.
 * @param outbox What the turn says, as it would be without drafts; nothing where it says nothing.
 */
export function placeDrafts(drafts: readonly DraftRow[], outbox: readonly Frozen[]): PlacedDrafts {
  const standing = new Map(
    drafts.filter(({ state }) => state !== "untried").map((row) => [row.message.of.part, row]),
  );
  const edited: Frozen[] = [];
  for (const frozen of outbox) {
    const { of } = frozen.message;
    const draft = of?.kind === "reply" && standing.get(of.part);
    if (!draft || !canBecome(draft, frozen)) break;
    standing.delete(of.part);
    edited.push({ ...frozen, draft: { nonce: draft.message.nonce, becomes: "this" } });
  }
  const inTheWay = [...standing.values()].sort((a, b) => a.message.of.part - b.message.of.part);
  return {
    outbox: [...edited, ...inTheWay.map(removalOf), ...outbox.slice(edited.length)],
    withdraw: drafts.filter(({ state }) => state === "untried").map(({ message }) => message.nonce),
  };
}

/** A message cannot be edited into a reply to another one, nor out of it. */
function canBecome({ message }: DraftRow, { message: final }: Frozen): boolean {
  return message.quote === final.quote && message.channelId === final.channelId;
}

/** What takes a draft away. */
export function removalOf({ message }: Pick<DraftRow, "message">): Frozen {
  const { quote: _quote, ...rest } = message;
  return {
    message: {
      ...rest,
      // Never sent: it only keeps the row apart from that of the draft.
      nonce: nonceOf({ ...message.of, kind: "draft" }, -1 - message.of.part),
      content: "",
      pings: { users: [], roles: [], quotedAuthor: false },
    },
    files: [],
    draft: { nonce: message.nonce, becomes: "nothing" },
  };
}
