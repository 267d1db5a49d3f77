/**
 * Shows people a turn's progress: the typing indicator, the acknowledging reaction, and either the
 * growing draft of the answer or a line about the turn's steps.
 */

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/config.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { OutboxRow, Refusal } from "../../core/outbound/outbound.ts";
import type { Messages } from "../../core/outbound/requests.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  createReactions,
  createShowTyping,
} from "../../discord/rest/requests/typing_and_reactions.ts";
import { type Acks, createAcks } from "../../flows/turn/progress/acks.ts";
import { createDrafts, type DraftPorts } from "../../flows/turn/progress/drafts.ts";
import {
  createProgressLines,
  type ProgressLines,
} from "../../flows/turn/progress/progress_lines.ts";
import { createUnansweredReactions } from "../../flows/inbound/unanswered_reactions.ts";
import { createTyping } from "../../flows/turn/progress/typing.ts";
import { cleanSecrets, secretTail } from "../../account/secrets.ts";
import type { AccountContext } from "../account_context.ts";

interface ProgressParts {
  readonly messages: Messages;
}

export function createTurnProgress(account: AccountContext, parts: ProgressParts) {
  const { config, schedule, now, rest: client } = account;
  const { log } = account.forPart("turns");
  const requests = requestsOf(account, parts);
  const common = { refusalOf, schedule, now, log };
  const typing = createTyping(common, { refusalOf, show: createShowTyping(client) });
  const reactions = createReactions(client);
  const drafts = createDrafts({
    ...requests,
    cleanSecrets: (text) => cleanSecrets(account, text),
    get maxLength() {
      return config().discord.textChunkLimit;
    },
    secretTail: (text) => secretTail(account, text),
    schedule,
    now,
    log,
  });
  const lines = createProgressLines({ ...common, ...requests });
  let rules = config().messages;
  let acks = acksBy(rules);

  function acksBy(rules: Config["messages"]): Acks {
    return createAcks({ ...common, isNoEmoji, rules, reactions });
  }

  return {
    /** Shows that messages get no answer. */
    unanswered: createUnansweredReactions({
      ...common,
      reactions: createReactions(client, { priority: "background" }),
    }),
    typing,
    /** Messages wait for an answer, for that reason. */
    accepted: ((message, why) => acks.accepted(message, why)) satisfies Acks["accepted"],
    cut: (messageId: MessageId): void => acks.answered(messageId, "notice"),
    /** Shows answers while they grow, if the config says so. */
    drafts,
    /** Shows a line about each turn, if the config says so. */
    lines,
    /** Shows such a line only while a slow server reads a prompt. */
    readingLines: {
      begin: (place, rules, mayShow) => lines.begin(place, rules, mayShow, true),
    } satisfies Pick<ProgressLines, "begin">,
    reconfigured(): void {
      if (isDeepStrictEqual(rules, config().messages)) return;
      rules = config().messages;
      acks = acksBy(rules); // reactions of an earlier config stay
    },
    delivered({ message: { of, nonce } }: OutboxRow, end: Delivery): void {
      if (!of || (end.kind !== "created" && end.kind !== "found")) return;
      if (of.kind === "draft") {
        drafts.posted(nonce, end.messageId);
        lines.posted(nonce, end.messageId);
      }
      if (of.kind !== "tool") acks.answered(of.cause, of.kind);
    },
  };
}

/** The requests of drafts and lines: edits only if rate limits leave room. */
function requestsOf(
  { store, events }: AccountContext,
  { messages }: ProgressParts,
): Pick<DraftPorts, "outbox" | "edit" | "events"> {
  return {
    outbox: store.outbox,
    edit: (messageId, message) => messages.edit(messageId, message, [], "spare"),
    events,
  };
}

/** The reason of Discord's refusal; a request that never left, or got no answer, has none. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof RestError)) return undefined;
  return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
}

/** Discord's codes for an unknown or malformed emoji. */
const NO_EMOJI: ReadonlySet<number | undefined> = new Set([10014, 50035]);

function isNoEmoji(error: unknown): boolean {
  return error instanceof RestError && NO_EMOJI.has(error.code);
}
