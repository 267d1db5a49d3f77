/**
 * Explains to people why a turn failed, with the calls of tools that have run before (R11), and the
 * reasons of verdicts. `scripts/reference/commands.ts` writes these to `docs/reasons.md`, too.
 */

import type {
  AcceptReason,
  ChallengeReason,
  IgnoreReason,
  UndecidedReason,
} from "../core/inbound/inbox.ts";
import type { Step, TurnFailure } from "../core/step.ts";
import { readerTime } from "../lib/text/units.ts";
import { failedText } from "./sentences.ts";

export const ACCEPTED: Readonly<Record<AcceptReason, string>> = {
  "dm-allowed": "A direct message from an allowed user.",
  "dm-paired": "A direct message from a paired user.",
  "group-dm-allowed": "An allowed group chat, and an allowed sender.",
  "mentioned": "It addresses the bot: by a mention, a reply or a name.",
  "command": "A command that the sender may use; it needs no mention.",
  "mention-not-required": "The bot answers here without a mention.",
  "intent": "It mentions no one, and by its score it is meant for the bot.",
  "hook": "It is an event of another program, by a hook of the config.",
  "triggered": "A passive agent acts on it, by one of its triggers.",
  "allowed": "The sender may talk to the bot here.",
  "owner": "It needs an owner of the bot, and the sender is one.",
};

export const CHALLENGED: Readonly<Record<ChallengeReason, string>> = {
  "pairing": "The sender is neither on the allow list nor paired.",
};

export const UNDECIDED: Readonly<Record<UndecidedReason, string>> = {
  "pluralkit": "From a webhook; Barnacle asks PluralKit whether a person wrote it.",
  "pluralkit-original":
    "PluralKit may repost it in a member's name; it waits two seconds for that.",
};

export const IGNORED: Readonly<Record<IgnoreReason, string>> = {
  "dm-disabled": "Direct messages are disabled.",
  "dm-not-allowed": "The sender is not on the allow list for direct messages.",
  "pairing-pending": "The sender already has a pairing code.",
  "pairing-full": "Too many pairing requests are open, so the sender got no code.",
  "pairing-denied": "The sender's pairing request was denied less than an hour before.",
  "group-dm-disabled": "Group chats are disabled.",
  "group-dm-not-listed": "This group chat is not on the allow list.",
  "guilds-disabled": "Guilds are disabled.",
  "guild-not-listed": "This guild is not on the allow list.",
  "channel-not-listed": "This channel is not on the guild's allow list.",
  "channel-disabled": "This channel is disabled.",
  "sender-not-listed": "The sender is not on the allow list of this place.",
  "bot": "The bot does not answer other bots.",
  "webhook": "The bot does not answer webhooks.",
  "own": "Another account of this Barnacle wrote it.",
  "loop-guard": "Only bots have written here for a while, so the bot answers none of them.",
  "pk-original": "PluralKit reposted it in a member's name; the bot handles that message instead.",
  "no-mention": "It does not mention the bot; the model may see it as context later.",
  "other-account":
    "Another account of this Barnacle answers it; the model may see it as context later.",
  "no-content": "Discord withheld its text, so the bot cannot judge it.",
  "too-old": "Sent while the bot was offline, and too old to answer.",
  "too-many": "Sent while the bot was offline, with too many newer messages after it.",
  "send-off": "An owner has switched my answers off there; the model may see it as context later.",
  "caught-up": "It is /catchup: only its sender saw the answer, and no conversation keeps it.",
  "command-cut": "A restart cut this command, and its sender was told to give it again.",
  "queue-full": "Too many messages of the sender, or of the channel, were waiting for an answer.",
  "creator-gone": "The creator of this schedule has left, or may no longer see the channel.",
  "restored": "This run was due before the data were restored from a backup.",
  "reactions-off": "Reactions are ignored here, or on messages of others.",
  "not-manager": "It needs the right to manage messages here, or an owner of the bot.",
  "not-owner": "It needs an owner of the bot.",
  "not-approver": "It needs an approver of tool calls.",
  "to-others": "It mentions or answers someone else, and not the bot.",
  "no-score": "It mentions no one, and only a message that arrives just now gets a score.",
  "not-for-bot": "By its score it is not meant for the bot; the model may see it as context later.",
  "no-reply-needed": "By its score it needs no answer in words, such as thanks.",
};

const TEXTS: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...ACCEPTED, ...CHALLENGED, ...UNDECIDED, ...IGNORED }),
);

/**
 * Explains a reason in one sentence.
 *
 * @param why A recorded reason, maybe of another version.
 */
export function reasonText(why: string): string {
  return TEXTS.get(why) ?? "Unknown reason: another version recorded it.";
}

const NOT_FOUND =
  "I can't answer: I don't find my model at its address, which only my operator can change.";
const OVERLOADED =
  "My model is overloaded or unreachable at the moment. Please ask me again in a few minutes.";
const BROKEN = "The server of my model failed at this. Please ask me again in a few minutes.";
const LIMIT =
  "My model takes no more requests at the moment. Please ask me again in a few minutes.";
const SLOW = "My model took too long to answer. Please ask me again later.";

/** A sentence for each thing that people can do about a failure; absent: the usual one. */
const SENTENCES: Readonly<Partial<Record<TurnFailure, string>>> = {
  unauthorized:
    "I can't answer: my model's server refuses my key, which only my operator can change.",
  quota: "I can't answer: the credit for my model is used up, which only my operator can change.",
  no_memory:
    "I can't answer: the machine of my model has too little memory for it, which only my " +
    "operator can change.",
  not_found: NOT_FOUND,
  web_page: NOT_FOUND,
  redirected: NOT_FOUND,
  rate_limited: LIMIT,
  unavailable: OVERLOADED,
  server_error: BROKEN,
  context_length: "This is more than my model can read at once. Please send less, or begin a new " +
    "conversation with `/new`.",
  timeout: SLOW,
  late: SLOW,
  steps: "I used all my steps and came to no answer. Please ask me for a smaller part of it.",
  filtered: "My model refuses to answer this. Please ask in other words.",
  unread_call: "I can't answer: my model called a tool, and its server did not understand the " +
    "call, which only my operator can change.",
};

/** Failures after which a server may name the time from which on it takes requests. */
const LIMITED: ReadonlySet<TurnFailure> = new Set([
  "rate_limited",
  "quota",
  "unavailable",
  "server_error",
]);

/** Longest wait in milliseconds that is "a few minutes". */
const FEW_MINUTES_MS = 5 * 60_000;

/**
 * The words to a person about a failed turn.
 *
 * @param steps The steps that it took: the person must learn what has happened already.
 * @param retry The present, and for how long the server takes no requests, in milliseconds.
 */
export function failureText(
  why: TurnFailure,
  id: string,
  steps: readonly Step[],
  { now, afterMs = 0 }: { readonly now: number; readonly afterMs?: number | undefined } = {
    now: 0,
  },
): string {
  const at = now + afterMs;
  const sentence = LIMITED.has(why) && afterMs > FEW_MINUTES_MS
    ? "My model takes no more requests for now. Please ask me again " +
      `${readerTime(at, "R")} (${readerTime(at, "f")}).`
    : SENTENCES[why];
  const lines = [sentence === undefined ? failedText(id) : `${sentence} Error ID: \`${id}\``];
  const { done, unclear } = madeBy(steps);
  if (done.length > 0) lines.push(`This I had done before: ${listOf(done)}.`);
  if (unclear.length > 0) lines.push(`I can't tell whether this happened: ${listOf(unclear)}.`);
  return lines.join("\n");
}

const MAX_CALLS = 10;

function listOf(calls: readonly string[]): string {
  const all = [...new Set(calls)];
  const shown = all.slice(0, MAX_CALLS).map((call) => `\`${call}\``);
  return all.length > shown.length ? `${shown.join(", ")} …` : shown.join(", ");
}

/** Names of the calls that have run, and of those whose outcome is unknown. */
function madeBy(steps: readonly Step[]): Readonly<Record<"done" | "unclear", readonly string[]>> {
  const done: string[] = [];
  const unclear: string[] = [];
  let open = new Map<string, string>();
  const begun = new Set<string>();
  const leave = () => unclear.push(...[...open].flatMap(([id, name]) => begun.has(id) ? name : []));
  for (const step of steps) {
    switch (step.kind) {
      case "answer":
        open = new Map(step.calls.map((call) => [call.id, nameOf(call)]));
        begun.clear();
        break;
      case "begun":
        begun.add(step.callId);
        break;
      case "result": {
        const name = open.get(step.callId);
        open.delete(step.callId);
        if (name !== undefined && step.end === "done") done.push(name);
        if (name !== undefined && step.end === "unknown") unclear.push(name);
        break;
      }
      case "cut":
      case "joined":
      case "spoken":
      case "waits":
    }
  }
  leave();
  return { done, unclear };
}

/** A tool with its action. The model may call a tool that does not exist, by any name. */
function nameOf(call: { readonly name: string; readonly arguments: string }): string {
  const [, action] = /"action"\s*:\s*"(\w{1,40})"/.exec(call.arguments) ?? [];
  const name = call.name.replace(/[^\w-]/g, "").slice(0, 64) || "?";
  return action === undefined ? name : `${name} ${action}`;
}
