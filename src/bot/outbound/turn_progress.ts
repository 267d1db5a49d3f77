/**
 * What people see while they wait: that the bot types, that it has read, and the
 * answer as it grows.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/config.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { Refusal } from "../../core/errors.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { Messages } from "../../discord/rest/calls/messages.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createReactions, createShowTyping } from "../../discord/rest/calls/signs.ts";
import { type Acks, createAcks } from "../../flows/turn/acks.ts";
import { createDrafts, type Drafts } from "../../flows/turn/draft.ts";
import { createTyping, type Typing } from "../../flows/turn/typing.ts";
import { schedule } from "../../lib/schedule.ts";
import type { Logging } from "../../log.ts";
import { createSecretTail } from "../../render/safety/secret_tail.ts";
import type { Store } from "../../store/store.ts";
import { bySecrets } from "../rules/by_secrets.ts";

export interface TurnProgressOptions {
  /** As of now: it may be read again (C9). */
  readonly config: () => Config;
  readonly client: RestClient;
  readonly messages: Messages;
  readonly outbox: Store["outbox"];
  readonly logging: Logging;
  readonly cleanSecrets: (text: string) => string;
  /** The outbox has a new row of that channel. */
  readonly onOutbox: (channelId: ChannelId) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface TurnProgress {
  readonly typing: Typing;
  /** Messages are to be answered, for that reason. */
  accepted: Acks["accepted"];
  /** `undefined`: an answer is shown once it is whole. */
  drafts(): Drafts | undefined;
  /** The config was read again. */
  reconfigured(): void;
  /** A message of the outbox has come to an end of some kind. */
  delivered(row: OutboxRow, end: Delivery): void;
}

export function createTurnProgress(options: TurnProgressOptions): TurnProgress {
  const { config, client, now, logging } = options;
  const log = logging.forPart("turns");
  const common = { refusalOf, schedule, now, log };
  const typing = createTyping({ ...common, show: createShowTyping(client) });
  const reactions = createReactions(client);
  const drafts = draftsOf(options);
  let rules = config().messages;
  let acks = acksBy(rules);

  function acksBy(rules: Config["messages"]): Acks {
    return createAcks({ ...common, isNoEmoji, rules, reactions });
  }

  return {
    typing,
    accepted: (message, why) => acks.accepted(message, why),
    drafts: () => config().discord.streaming === "edit" ? drafts : undefined,
    reconfigured() {
      if (isDeepStrictEqual(rules, config().messages)) return;
      rules = config().messages;
      acks = acksBy(rules); // what was put by other rules stays
    },
    delivered({ message: { of, nonce } }, end) {
      if (!of || (end.kind !== "created" && end.kind !== "found")) return;
      if (of.kind === "draft") drafts.posted(nonce, end.messageId);
      acks.answered(of.cause, of.kind);
    },
  };
}

function draftsOf(
  { config, messages, outbox, logging, cleanSecrets, onOutbox, now }: TurnProgressOptions,
): Drafts {
  return createDrafts({
    outbox,
    edit: (messageId, message) => messages.edit(messageId, message, [], "spare"),
    cleanSecrets,
    get maxLength() {
      return config().discord.textChunkLimit;
    },
    secretTail: bySecrets(logging.secrets, createSecretTail),
    onOutbox,
    schedule,
    now,
    log: logging.forPart("turns"),
  });
}

/** Why Discord refused, where it did: what never left, or was not answered, says nothing. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof RestError)) return undefined;
  return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
}

/** Unknown emoji, and one that is not written as Discord writes them. */
const NO_EMOJI: ReadonlySet<number | undefined> = new Set([10014, 50035]);

function isNoEmoji(error: unknown): boolean {
  return error instanceof RestError && NO_EMOJI.has(error.code);
}
