/**
 * Drafts: messages that grow while the model writes an answer (R8), and the progress line, one message
 * about the turn's current work, with a Stop button (R8a).
 *
 * A draft is an ordinary message of the outbox, posted once under its own nonce. So a crash leaves
 * no draft that the store does not know. At the turn's end, Barnacle freezes the answer as if there
 * were no drafts. Only then it decides which messages replace a draft, and which drafts it deletes.
 * A progress line is a draft that no message ever replaces, because it has notified no one: the
 * transaction that ends the turn deletes it, also after a crash.
 */

import type { MessageId } from "../discord/ids.ts";
import {
  type AnswerKey,
  type AnswerPart,
  type Frozen,
  nonceOf,
  type OutboundMessage,
  STOP_BUTTON,
} from "./outbound.ts";

/** A message of an answer in the outbox, which a later one may replace: a draft, or a part. */
export interface AnswerMessage {
  /** The message as it was first posted. */
  readonly message: OutboundMessage & { readonly of: AnswerPart };
  /**
   * - `untried`: no attempt was made to post it.
   * - `open`: an attempt may have reached Discord, and its channel queue still works on it.
   * - `there`: Discord has it.
   *
   * A draft that Discord refused, or that may or may not exist, is not listed.
   */
  readonly state: "untried" | "open" | "there";
  /** Set if it is `there`, unless a person deleted it before Barnacle learned its id. */
  readonly messageId?: MessageId;
}

export type DraftRow = AnswerMessage & { readonly message: DraftMessage };

/** A message of kind `draft`. Its part is that of the message whose place it holds. */
export type DraftMessage = OutboundMessage & { readonly of: AnswerPart };

/**
 * Decides about an answer's drafts, within the transaction that ends its turn (T3).
 *
 * The first messages of a reply replace the drafts in the same places, by an edit. From the first
 * message that cannot, none does: a new message stands below every draft, so a later draft would be
 * out of order. The edits come first, then the deletions of the other drafts, then the new
 * messages.
 *
 * @param outbox The turn's messages as they would be without drafts; empty if the turn says
 * nothing.
 * @returns Messages in the order in which to send them, and nonces of drafts that must not be posted any
 * more.
 */
export function placeDrafts(
  drafts: readonly AnswerMessage[],
  outbox: readonly Frozen[],
): { readonly outbox: readonly Frozen[]; readonly withdraw: readonly string[] } {
  const attempted = new Map(
    drafts.filter(({ state }) => state !== "untried").map((row) => [row.message.of.part, row]),
  );
  const edited: Frozen[] = [];
  for (const frozen of outbox) {
    const { of } = frozen.message;
    const draft = of?.kind === "reply" && attempted.get(of.part);
    if (!draft || !canBecome(draft, frozen)) break;
    attempted.delete(of.part);
    edited.push({ ...frozen, draft: { nonce: draft.message.nonce, becomes: "this" } });
  }
  const inTheWay = [...attempted.values()].sort((a, b) => a.message.of.part - b.message.of.part);
  return {
    outbox: [...edited, ...inTheWay.map(removalOf), ...outbox.slice(edited.length)],
    withdraw: drafts.filter(({ state }) => state === "untried").map(({ message }) => message.nonce),
  };
}

/** No edit can turn a message into a reply to another one or into a voice message, or back. */
function canBecome({ message }: AnswerMessage, { message: final }: Frozen): boolean {
  return message.quote === final.quote && message.channelId === final.channelId &&
    !message.voice && !final.voice;
}

/** The outbox message that deletes a draft or a part of an answer, and posts nothing. */
export function removalOf({ message }: Pick<AnswerMessage, "message">): Frozen {
  const { quote: _quote, voice: _voice, ...rest } = message;
  return {
    message: {
      ...rest,
      // Never sent: it only makes the row's nonce differ from the draft's.
      nonce: nonceOf(message.of, -1 - message.of.part),
      content: "",
      pings: { users: [], roles: [], quotedAuthor: false },
    },
    files: [],
    draft: { nonce: message.nonce, becomes: "nothing" },
  };
}

/** Ends a draft, so that a reader knows that more text follows, or that a crash ended it. */
const DRAFT_MARK = "…";

/**
 * The drafts that show an unfinished answer.
 *
 * @param composed The messages of the answer if it ended here.
 * @param maxLength Maximum UTF-16 units of a message. The last draft has its mark only if it fits.
 */
export function toDrafts(composed: readonly Frozen[], maxLength: number): readonly DraftMessage[] {
  return composed.flatMap(({ message }, index) => {
    const { of, content } = message;
    if (!of) return [];
    const isLast = index === composed.length - 1;
    return [{
      ...message,
      of: { ...of, kind: "draft" as const },
      nonce: nonceOf({ ...of, kind: "draft" }, of.part),
      content: isLast ? withDraftMark(content, maxLength) : content,
    }];
  });
}

/** After a code fence, the mark gets a line of its own, or the fence would not end. */
function withDraftMark(content: string, maxLength: number): string {
  const isFenced = /(?:`{3}|~{3})$/.test(content);
  const withMark = `${content}${isFenced ? "\n" : " "}${DRAFT_MARK}`;
  return withMark.length > maxLength ? content : withMark;
}

/** A draft in the outbox, with the text that Discord shows. */
export interface ShownDraft {
  /** The draft as it was first posted. */
  readonly message: DraftMessage;
  /** Discord's id; absent until it is posted. */
  readonly messageId?: MessageId;
  /**
   * The text at Discord; absent if it is unknown, because an edit got no answer or an earlier
   * process made it.
   */
  readonly content?: string;
}

/** The next step for an answer's drafts. */
export type DraftStep =
  | { readonly kind: "post"; readonly message: DraftMessage }
  | {
    readonly kind: "edit";
    /** Index of the draft within the answer, from 0. */
    readonly part: number;
    readonly messageId: MessageId;
    readonly message: DraftMessage;
  }
  /** All drafts are up to date, or wait for one to be posted. */
  | { readonly kind: "none" };

/**
 * Finds the first draft that is not up to date.
 *
 * Barnacle posts no draft before Discord has the one in front of it, and deletes none. If the
 * answer has become shorter, a surplus draft shows only the mark until the answer's end.
 *
 * @param shown Drafts in the outbox, in the order of their parts.
 * @param wanted Drafts of the answer so far, from {@link toDrafts}.
 */
export function nextDraftStep(
  shown: readonly ShownDraft[],
  wanted: readonly DraftMessage[],
): DraftStep {
  for (const [part, { message: posted, messageId, content }] of shown.entries()) {
    if (messageId === undefined) return { kind: "none" };
    const message = wanted[part] ?? { ...posted, content: DRAFT_MARK };
    if (message.content !== content) return { kind: "edit", part, messageId, message };
  }
  const message = wanted[shown.length];
  return message ? { kind: "post", message } : { kind: "none" };
}

/** Begins each text of a line, so that the history tells a line whose rest has changed. */
export const PROGRESS_MARK = "⏳";

/** Above the number of messages that an answer may have. */
const PART = 10_000;

/** Maximum UTF-16 units at Discord. */
const MAX_LENGTH = 2_000;

/** The place of a line, and the turn that it belongs to. */
export interface ProgressPlace
  extends Omit<AnswerKey, "kind">, Pick<OutboundMessage, "accountId" | "channelId" | "guildId"> {}

export function progressLine(
  { accountId, channelId, guildId, ...answer }: ProgressPlace,
  text: string,
): DraftMessage {
  const of = { ...answer, kind: "draft" as const };
  const customId = `${STOP_BUTTON}:${answer.cause}`;
  return {
    accountId,
    channelId,
    guildId,
    nonce: nonceOf(of, PART),
    content: `${PROGRESS_MARK} ${text}`.slice(0, MAX_LENGTH),
    pings: { users: [], roles: [], quotedAuthor: false },
    isSilent: true,
    of: { ...of, part: PART, parts: PART + 1 },
    buttons: [{ customId, label: "Stop", style: "secondary" }],
  };
}

export function isProgressLine({ of }: OutboundMessage): boolean {
  return of?.kind === "draft" && of.part === PART;
}
