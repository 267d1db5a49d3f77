/**
 * Writes receipts: one line about the lasting effects of a turn's calls (R15a); and keeps them true: a
 * change that was taken back, and a message that has arrived or is lost, get another mark, and the
 * button Undo goes once nothing of the answer can be taken back.
 *
 * A model may say "done" when nothing was done. So the line comes from the stored calls and their ends,
 * and has no words of the model, of a result, or of a server. Links are Discord's mentions: Discord
 * shows the name of a channel only to people who may see it.
 *
 * The upkeep compares the message at Discord with the stored changes and messages. So each look may be
 * repeated, and a crash loses none. An edit is a part of the answer, as those of H6a are.
 */

import type { BotAccount } from "../../account/account.ts";
import { type Loop, loop } from "../../account/per_account.ts";
import { wakeChannels } from "../../account/per_account.ts";
import {
  type AccountId,
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
} from "../../core/discord/ids.ts";
import { type OutboxRow, SMALL, UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import type { ToolCall } from "../../core/model.ts";
import type { RefusalReason } from "../../core/turn/tool.ts";
import { PERMISSIONS } from "../../core/rights/rights.ts";
import type { Step, ToolResult } from "../../core/step.ts";
import { UNDO_MINUTES } from "../../core/turn/discord_place.ts";
import { type CallEffect, changesNothing, type Tool } from "../../core/turn/tool.ts";
import type { MadeChange } from "../../store/changes/changes.ts";
import type { Store } from "../../store/store.ts";
import { CHANGES_KEPT_MS } from "../../store/schema/agent.ts";
import { clip } from "../../lib/text/quoted.ts";
import { TOOLS } from "../../tools/registry.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { EndedTurn } from "../turn/steps.ts";

export interface Receipt extends CallEffect {
  readonly end: ToolResult["end"];
  /** Why it was refused, in fixed words; absent: it was not. */
  readonly why?: string;
  /** Whether a person or a call has taken it back. */
  readonly isUndone: boolean;
}

/** Unix time in milliseconds until which a change can be taken back; 0: it cannot be. */
export const undoEnds = ({ undo, isUndone, madeAt }: MadeChange): number =>
  undo && !isUndone ? madeAt + UNDO_MINUTES * 60_000 : 0;

/** Reads the receipts of a turn from the store, as they are by now. */
export async function storedReceipts(
  { accountId, store: { turns, changes, outbox } }: {
    readonly accountId: AccountId;
    readonly store: Store;
  },
  tools: readonly Tool[],
  id: MessageId,
  place: Asked,
): Promise<readonly Receipt[]> {
  const made = await changes.ofTurn(accountId, id);
  const receipts = receiptsOf(await turns.stepsOf(id), tools, place, made);
  const sends = await outbox.sendResultsOf(receipts.flatMap(({ waits = [] }) => waits));
  const kinds = new Map(sends.map((send) => [send.id, send.kind]));
  return receipts.map((one) => {
    const ends = one.waits?.map((row) => kinds.get(row));
    if (ends?.includes("failed")) return { ...one, end: "failed", why: WHY.discord };
    return ends?.every((end) => end === "sent") ? { ...one, end: "done" } : one;
  });
}

/** The line of a turn that had tools with effects, and used none. */
const NOTHING = "Nothing was changed";

/** Maximum number of receipts in a line; those of failed calls always stand there. */
const MAX_ITEMS = 8;
/** Maximum characters of those of failed calls in a line, which fits a message. */
const MAX_FAILED_CHARS = 900;
/** Maximum characters of a tool's name. */
const MAX_NAME = 32;

/** Where a turn's message was asked. */
interface Asked {
  readonly channelId: ChannelId;
  readonly guildId?: GuildId;
}

interface Undoable {
  readonly id: number;
  readonly isUndone: boolean;
}

interface CallWithEnd {
  readonly call: ToolCall;
  result?: ToolResult;
  hasBegun?: true;
}

/**
 * Reads the receipts of a message's turn, in the order of its calls.
 *
 * @param tools Tools of the turn's agents. Of others, the steps tell which calls may have changed things.
 * @param changes The turn's changes on Discord.
 */
export function receiptsOf(
  steps: readonly Step[],
  tools: readonly Tool[],
  message: Asked,
  changes: readonly Undoable[] = [],
): readonly Receipt[] {
  return callsOf(steps).flatMap((one): readonly CallWithEnd[] => [
    one,
    ...one.result?.inner?.map(([call, result]) => ({ call, result })) ?? [],
  ]).flatMap((called) => receiptOf(called, tools, message, changes) ?? []);
}

function callsOf(steps: readonly Step[]): readonly CallWithEnd[] {
  const all: CallWithEnd[] = [];
  const newest = new Map<string, CallWithEnd>();
  for (const step of steps) {
    for (const call of step.kind === "answer" ? step.calls : []) {
      const called: CallWithEnd = { call };
      all.push(called);
      newest.set(call.id, called);
    }
    const called = "callId" in step ? newest.get(step.callId) : undefined;
    if (called && step.kind === "begun") called.hasBegun = true;
    if (called && step.kind === "result") called.result = step;
  }
  return all;
}

function receiptOf(
  { call, result, hasBegun }: CallWithEnd,
  tools: readonly Tool[],
  message: Asked,
  changes: readonly Undoable[],
): Receipt | undefined {
  const { end = "unknown", text = "", refused, effect: noted } = result ?? {};
  if (NO_CALL.test(refused ?? "")) return undefined;
  const tool = tools.find(({ name }) => name === call.name);
  const input = inputOf(call);
  const own = ownEffect(call.name);
  const isNone = noted?.isNone ||
    typeof tool?.isReadOnly === "function" && tool.isReadOnly(input);
  const told = isNone
    ? undefined
    : tool?.effect
    ? tool.effect(input, message)
    : own ?? ((tool ? !changesNothing(tool, input) : hasBegun || result?.mayLast)
      ? { object: nameOf(call.name) }
      : undefined);
  const effect = told && { ...told, ...noted };
  return effect && {
    ...effect,
    end: effect.waits ? "unknown" : effect.failure === undefined ? end : "failed",
    ...(refused && { why: whyOf(refused, text) }),
    isUndone: changes.some(({ id, isUndone }) => isUndone && id === effect.change),
  };
}

/** The receipts of people's own sign-ins (T13a): later readers do not have these tools. */
function ownEffect(name: string): CallEffect | undefined {
  const [, server, tool = ""] = /^mcp__([\w-]+)__(\w+)$/.exec(name) ?? [];
  const did = OWN.get(tool); // a server names its tools
  return did === undefined ? undefined : { object: `\`${server}\``, did };
}

const OWN: ReadonlyMap<string, string> = new Map([
  ["privately", "taken to direct messages"], // it may wait there, or get no answer
  ["sign_in", "signed in"],
  ["show_in_channel", "shown in the channel"],
]);

function inputOf({ arguments: written }: ToolCall): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

/** `mcp__github__create_issue` is `github: create_issue`; a server or a skill chooses the name. */
function nameOf(name: string): string {
  const shown = name.replace(/^(?:mcp|skill)__/, "").replace("__", ": ").replace(/[^\w:. -]+/g, "");
  return `\`${clip(shown, MAX_NAME)}\``;
}

/** Calls of no tool or action: they could have no effect. */
const NO_CALL = /^(?:unknown_(?:tool|action)|too_many_calls|same_id)$/;

/** Fixed words, so that a reason has no name of a hidden thing. */
const WHY: Partial<Readonly<Record<RefusalReason, string>>> = {
  bad_arguments: "the request did not fit",
  budget: "a budget is used up",
  closed_gate: "the config switches it off",
  declined: "a person said no",
  discord: "Discord refused it",
  expired: "no decision in time",
  max_destructive: "too many changes in one turn",
  owners_only: "it is for owners",
  rank: "your role is too low",
  role_rank: "your role is too low",
};

function whyOf(refused: RefusalReason, text: string): string {
  if (refused !== "permission" && refused !== "bot_permission") return WHY[refused] ?? "refused";
  const named = Object.keys(PERMISSIONS).filter((name) => text.includes(name));
  const whole = named.filter((name) => !named.some((one) => one !== name && one.includes(name)));
  const lack = refused === "permission" ? "you lack" : "I lack";
  return `${lack} ${whole.join(" or ") || "a permission"}`;
}

/**
 * The line; `undefined` if there are no receipts. Those of failed calls, and of calls with an unknown
 * end, come first, in the longest form that fits. Equal receipts become one with their number.
 */
export function lineOf(receipts: readonly Receipt[]): string | undefined {
  const { failed = [], unknown = [], done = [] } = Object.groupBy(receipts, ({ end }) => end);
  const forms = [...FORMS, MARK_ALONE].map((form) => counted([...failed, ...unknown].map(form)));
  const first = forms.find((items) => items.join(BETWEEN).length <= MAX_FAILED_CHARS) ?? [];
  const last = counted(done.map(textOf));
  const room = Math.max(0, MAX_ITEMS - first.length);
  const items = [
    ...first,
    ...last.slice(0, room),
    ...last.length > room ? [`+ ${last.length - room} more`] : [],
  ];
  return items.length === 0 ? undefined : items.join(BETWEEN);
}

const BETWEEN = " · ";

/** Texts of a receipt, the longest first: whole, without its links, and without its reason. */
const FORMS: readonly ((one: Receipt) => string)[] = [
  textOf,
  (one) => textOf({ ...one, links: [] }),
  (one) => textOf({ ...one, links: [], failure: undefined, why: one.why && "" }),
];

/** So short that two of them always fit. */
const MARK_ALONE = ({ end }: Receipt): string =>
  end === "failed" ? "✗ call failed or refused" : "? call perhaps run";

const counted = (texts: readonly string[]): readonly string[] =>
  [...Map.groupBy(texts, (text) => text)].map(([text, { length }]) =>
    length === 1 ? text : `${text} ×${length}`
  );

function textOf({ object, did, links = [], end, why, failure, isUndone }: Receipt): string {
  const whole = [did ?? "run", ...links].join(" ");
  if (end === "failed") {
    if (why === undefined && did === undefined) {
      return [`✗ ${object} failed`, ...failure ? [failure] : []].join(": ");
    }
    return `✗ ${object} not ${whole}${why === "" ? "" : `: ${why ?? "it failed"}`}`;
  }
  return end === "done"
    ? `${isUndone ? "↩" : "✓"} ${object} ${whole}`
    : `? ${object} perhaps ${whole}`;
}

/**
 * Brings the receipts in the lines under an answer up to date. The other words stay: the turn's tools
 * may have gone since.
 */
export function withEnds(lines: string, receipts: readonly Receipt[]): string {
  /** Texts of one effect, by each text that it may have had. */
  const known = new Map<string, readonly string[]>();
  for (const form of FORMS.toReversed()) {
    for (const same of Map.groupBy(receipts, (one) => form({ ...one, end: "unknown" })).values()) {
      const texts = counted(same.map(form));
      for (const one of same) {
        for (const before of [{}, ...EARLIER]) known.set(form({ ...one, ...before }), texts);
      }
    }
  }
  return lines.split("\n").map((line) => {
    const items = line.slice(SMALL.length).split(BETWEEN).map((item) =>
      known.get(item.replace(/ ×\d+$/, "")) ?? item
    );
    const texts = [...new Set(items)].flatMap((item) => item);
    return SMALL + texts.toSorted((one, other) => weightOf(one) - weightOf(other)).join(BETWEEN);
  }).join("\n");
}

/** Of an item of a line: the lightest comes first. */
const weightOf = (item: string): number => [/^✗/, /^\?/, /^/].findIndex((mark) => mark.test(item));

const EARLIER: readonly Partial<Receipt>[] = [
  { end: "unknown" },
  { end: "done", isUndone: false },
  { end: "done", isUndone: true },
];

/** Brings receipts under answers up to date. */
export const receipts: Loop<{ look(turnId: MessageId): void; stop(): Promise<void> }> = loop(
  "turns",
  (account) => {
    const { accountId, store, now, schedule } = account;
    const retries = createRetryQueue("Cannot bring receipts up to date", account);
    /** Cancels the look at the end of an answer's time for Undo. */
    const ends = new Map<MessageId, () => void>();

    function look(turnId: MessageId): void {
      retries.add(() => correct(turnId));
    }

    async function correct(turnId: MessageId): Promise<void> {
      const changes = await store.changes.ofTurn(accountId, turnId);
      const end = Math.max(0, ...changes.map(undoEnds));
      const mayUndo = end > now();
      ends.get(turnId)?.();
      ends.delete(turnId);
      if (mayUndo) ends.set(turnId, schedule(() => look(turnId), end - now()));
      const { message, askedIn } = await store.outbox.underAnswer(accountId, turnId) ?? {};
      if (!message) return;
      const { content, footer, buttons = [], guildId, channelId, nonce } = message;
      const place = { guildId, channelId: askedIn ?? channelId };
      const lines = footer && withEnds(footer, await storedReceipts(account, TOOLS, turnId, place));
      const kept = buttons.filter(({ customId }) => mayUndo || !turnOf(customId));
      if (lines === footer && kept.length === buttons.length) return;
      const text = content.slice(0, content.lastIndexOf(footer ?? "")) + (lines ?? "");
      const edited = { ...message, nonce: "", content: text, footer: lines, buttons: kept };
      const draft = { nonce, becomes: "this" } as const;
      await store.outbox.add({ message: edited, files: [], draft }, now());
      wakeChannels(account, [channelId]);
    }

    // All answers with changes or messages of calls, as long as the store keeps changes.
    retries.add(async () => {
      const made = await store.changes.since(accountId, undefined, 0);
      const senders = await store.outbox.callersSince(accountId, now() - CHANGES_KEPT_MS);
      for (const turnId of new Set([...made.map((change) => change.turnId), ...senders])) {
        look(turnId);
      }
    });
    return {
      look,
      async stop() {
        await retries.stop();
        for (const cancel of ends.values()) cancel();
      },
    };
  },
);

/** Looks at an answer, of which a change was taken back. */
export function changeUndone(account: BotAccount, turnId: MessageId): void {
  receipts.of(account)?.look(turnId);
}

/**
 * An attempt to send a message has ended: an answer, before which the ends of its turn's calls may have
 * changed, or a message of a call.
 */
export function receiptAttempted(
  account: BotAccount,
  { message: { of, footer, buttons = [] } }: OutboxRow,
): void {
  const hasMark = footer !== undefined || buttons.some(({ customId }) => turnOf(customId));
  if (of && (hasMark || of.kind === "tool")) receipts.of(account)?.look(of.cause);
}

/** The line under the answer of a turn; `undefined`: the config wants none, or there is none. */
export function receiptUnder(
  { claim: { message }, config, steps, tools, changes }: EndedTurn,
): string | undefined {
  const { receipts: mode } = config.messages;
  if (mode === "off") return undefined;
  // Before a restart, the turn may have had other tools.
  const line = lineOf(receiptsOf(steps, [...tools, ...TOOLS], message, changes));
  if (line !== undefined) return line;
  const hadEffects = tools.some(({ isReadOnly, effect }) => effect ?? isReadOnly !== true);
  return mode === "always" && hadEffects ? NOTHING : undefined;
}

/** The turn of a button Undo; `undefined` for another button. */
const turnOf = (customId: string): MessageId | undefined =>
  customId.startsWith(`${UNDO_BUTTON}:`)
    ? parseSnowflake<"message">(customId.slice(UNDO_BUTTON.length + 1))
    : undefined;
