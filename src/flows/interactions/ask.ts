/**
 * Starts turns for questions by commands (K6).
 *
 * The question is a message in the inbox with the id of its interaction. The store keeps each id once,
 * so a command that a RESUME repeats starts one turn. Policy judges it like a message of the asker.
 */

import type { BotAccount } from "../../account/account.ts";
import { wakeTurns } from "../../account/per_account.ts";
import { createdAtMs, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage, type Quoted } from "../../core/inbound/inbound.ts";
import type { CommandCall, CommandTarget, Origin } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { openDirect } from "../../discord/rest/requests/guild_reads.ts";
import { slashKeyOf } from "../../session/session.ts";
import { waitingRules } from "../inbound/stored.ts";
import { judge, routeOf } from "../judging/judge.ts";
import { isAnswerRefused } from "../inbound/interactions.ts";

/**
 * Starts a turn in the asker's name. The same call starts one turn.
 *
 * @returns Where the answer will be; `refused` by the policy, `full` if too many messages wait,
 * `nowhere` if the bot may not post.
 */
export async function ask(
  account: BotAccount,
  call: CommandCall,
  { text, about, origin = { kind: "command" }, isSlash, first }: {
    readonly text: string;
    /** The message that it is about. */
    readonly about?: CommandTarget;
    /** Absent: the command. */
    readonly origin?: Origin;
    /** Whether the turn has the session of the person's slash commands (S1). */
    readonly isSlash?: boolean;
    /** Runs before a turn that the policy allows; a rejection begins none. */
    readonly first?: () => Promise<unknown>;
  },
): Promise<"here" | "direct" | "refused" | "full" | "nowhere"> {
  const { store, rest, now } = account;
  const { accountId, guildId, place, sender, isElsewhere } = call;
  // Before a model is paid for an answer that cannot come.
  if (call.cannotAnswer || isAnswerRefused(account, call.id)) return "nowhere";
  const id = questionId(call);
  const channelId = isElsewhere ? await openDirect(rest, sender.id) : call.channelId;
  const asked = await judged(account, {
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
    origin,
  }, isSlash);
  if (asked.verdict.kind !== "accept") return "refused";
  await first?.();
  const waiting = waitingRules(account);
  const batch = { accountId, judged: [asked], echoes: [], guilds: [], waiting };
  const { unanswered } = await store.inbox.acceptBatch(batch, now());
  if (unanswered.length > 0) return "full";
  wakeTurns(account);
  return isElsewhere ? "direct" : "here";
}

async function judged(
  account: BotAccount,
  message: InboundMessage,
  isSlash = false,
): Promise<Judged> {
  const { store } = account;
  const { accountId, place, sender } = message;
  const isPaired = place.kind !== "guild" && await store.pairing.isPaired(accountId, sender.id);
  const verdict = judge(account, message, {
    isUnproxied: true, // PluralKit has no part in a message that Discord does not have
    isPaired: isPaired || undefined,
  });
  const route = routeOf(account, message);
  const { agentId } = route;
  const sessionKey = isSlash ? slashKeyOf(agentId, sender.id, message.channelId) : route.sessionKey;
  return { ...verdict, message, route: { agentId, sessionKey } };
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
