/**
 * Starts turns for questions by commands (K6).
 *
 * The question is a message in the inbox with the id of its interaction. The store keeps each id once,
 * so a command that a RESUME repeats starts one turn. Policy judges it like a message of the asker.
 */

import type { OpenDirect } from "../../core/outbound/requests.ts";
import type { BotAccount } from "../../account/account.ts";
import { wakeTurns } from "../../account/wakes.ts";
import { createdAtMs, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage, type Quoted } from "../../core/inbound/inbound.ts";
import type { Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import type { WaitingRules } from "../../core/inbound/waiting_limits.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";

/** Everything that questions need beside their account. */
export interface Asks {
  readonly judge: (message: InboundMessage, known: KnownFacts, source: "not_live") => Judgement;
  readonly route: (message: InboundMessage) => Route;
  readonly openDirect: OpenDirect;
  readonly waiting: () => WaitingRules;
  /** Whether Discord has refused to take an answer to this interaction in its place. */
  readonly isRefused: (interactionId: string) => boolean;
}

export function createAsk(
  account: BotAccount,
  { judge, route, openDirect, waiting, isRefused }: Asks,
): InteractionContext["ask"] {
  const { store, now } = account;
  async function judged(message: InboundMessage): Promise<Judged> {
    const { accountId, place, sender } = message;
    const isPaired = place.kind !== "guild" && await store.pairing.isPaired(accountId, sender.id);
    const verdict = judge(message, {
      isUnproxied: true, // PluralKit has no part in a message that Discord does not have
      isPaired: isPaired || undefined,
    }, "not_live");
    return { ...verdict, message, route: route(message) };
  }

  return async (call, { text, about, own }) => {
    const { accountId, guildId, place, sender, isElsewhere } = call;
    // Before a model is paid for an answer that cannot come.
    if (call.cannotAnswer || isRefused(call.id)) return "nowhere";
    const id = questionId(call);
    const channelId = isElsewhere ? await openDirect(sender.id) : call.channelId;
    const asked = await judged({
      ...ASKED_OTHERWISE,
      accountId,
      id,
      channelId,
      guildId,
      place,
      sender,
      text,
      names: call.names,
      sentAt: createdAtMs(id),
      quoted: about ? quotedOf(about) : undefined,
      asked: true,
      own,
    });
    if (asked.verdict.kind !== "accept") return "refused";
    const batch = { accountId, judged: [asked], echoes: [], guilds: [], waiting: waiting() };
    const { unanswered } = await store.inbox.acceptBatch(batch, now());
    if (unanswered.length > 0) return "full";
    wakeTurns(account);
    return isElsewhere ? "direct" : "here";
  };
}

/** The id of the interaction; beside a message with a command, the next one. */
function questionId({ id, isText }: CommandCall): MessageId {
  const parsed = parseSnowflake<"message">(isText ? String(BigInt(id) + 1n) : id);
  if (!parsed) throw new RangeError(`Cannot name the question of ${id}: it is no id of Discord's`);
  return parsed;
}

function quotedOf({ channelId: _, ...quoted }: NonNullable<CommandCall["target"]>): Quoted {
  return quoted;
}
