/**
 * Writes receipts: one line about the lasting effects of a turn's calls (R15a).
 *
 * A model may say "done" when nothing was done. So the line comes from the stored calls and their ends,
 * and has no words of the model, of a result, or of a server. Links are Discord's mentions: Discord
 * shows the name of a channel only to people who may see it.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ToolCall } from "../../core/model.ts";
import type { RefusalReason } from "../../core/refused_call.ts";
import { PERMISSIONS } from "../../core/rights/permissions.ts";
import type { Step, ToolResult } from "../../core/step.ts";
import type { CallEffect, Tool } from "../../core/turn/tool.ts";
import { changesNothing } from "../turn/edited_turn.ts";
import { clip } from "../../lib/text/cut.ts";

/** A call's effect, with its end. */
export interface Receipt extends CallEffect {
  readonly end: ToolResult["end"];
  /** Why it failed, in fixed words; absent: it did not. */
  readonly why?: string;
  /** Number of its change on Discord; absent: it cannot be taken back. */
  readonly change?: number;
  /** Set if a person or a call has taken it back. */
  readonly isUndone?: boolean;
}

/** The line of a turn that had tools with effects, and used none. */
export const NOTHING = "Nothing was changed";

/** Maximum number of receipts in a line, and of characters of a tool's name. */
const MAX_ITEMS = 8;
const MAX_NAME = 32;

interface CallWithEnd {
  readonly call: ToolCall;
  result?: ToolResult;
  hasBegun?: true;
}

/**
 * Reads the receipts of a message's turn, in the order of its calls.
 *
 * @param tools The tools of the turn. Of another one, only a call with a `begun` step has a receipt.
 * @param undone Numbers of the turn's changes that were taken back.
 */
export function receiptsOf(
  steps: readonly Step[],
  tools: readonly Tool[],
  message: Pick<InboundMessage, "channelId" | "guildId">,
  undone: ReadonlySet<number> = new Set(),
): readonly Receipt[] {
  const all = callsOf(steps).flatMap((called) => {
    const receipt = receiptOf(called, tools, message);
    const isUndone = receipt?.change !== undefined && undone.has(receipt.change);
    return receipt ? [{ ...receipt, isUndone }] : [];
  });
  // The model has corrected its arguments, so the first try says nothing.
  return all.filter(({ object, did, why }, at) =>
    why !== WHY.bad_arguments ||
    !all.slice(at).some((later) =>
      later.end === "done" && later.did === did && later.object.startsWith(object)
    )
  );
}

function callsOf(steps: readonly Step[]): readonly CallWithEnd[] {
  const all: CallWithEnd[] = [];
  const newest = new Map<string, CallWithEnd>();
  const read = (step: Step, agent: number): void => {
    if (step.kind === "inner") return read(step.step, step.number);
    if (step.kind === "answer") {
      for (const call of step.calls) {
        const called: CallWithEnd = { call };
        all.push(called);
        newest.set(`${agent}:${call.id}`, called);
      }
    }
    if (step.kind !== "begun" && step.kind !== "result") return;
    const called = newest.get(`${agent}:${step.callId}`);
    if (!called) return;
    if (step.kind === "begun") called.hasBegun = true;
    else called.result = step;
  };
  for (const step of steps) read(step, 0);
  return all;
}

function receiptOf(
  { call, result, hasBegun }: CallWithEnd,
  tools: readonly Tool[],
  message: Pick<InboundMessage, "channelId" | "guildId">,
): Receipt | undefined {
  const { end = "unknown", text = "", refused } = result ?? {};
  if (NO_CALL.test(refused ?? "")) return undefined;
  const tool = tools.find(({ name }) => name === call.name);
  const input = inputOf(call);
  const effect = tool?.effect
    ? tool.effect(input, message, end === "done" ? text : undefined)
    : (tool ? !changesNothing(tool, input) : hasBegun)
    ? { object: nameOf(call.name), did: "called" }
    : undefined;
  const change = end === "done" ? Number(/ To undo: undo\(id (\d+)\)\. /.exec(text)?.[1]) : NaN;
  return effect && {
    ...effect,
    end,
    ...(end === "failed" && { why: whyOf(refused, text) }),
    ...(change > 0 && { change }),
  };
}

function inputOf({ arguments: written }: ToolCall): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

/** `mcp__github__create_issue` is `github: create_issue`; a server chooses the name. */
function nameOf(name: string): string {
  const shown = name.replace(/^mcp__/, "").replace("__", ": ").replace(/[^\w:. -]+/g, "");
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

function whyOf(refused: RefusalReason | undefined, text: string): string {
  if (refused !== "permission" && refused !== "bot_permission") {
    return refused === undefined ? "it failed" : WHY[refused] ?? "refused";
  }
  const named = Object.keys(PERMISSIONS).filter((name) => text.includes(name));
  const whole = named.filter((name) => !named.some((one) => one !== name && one.includes(name)));
  const lack = refused === "permission" ? "you lack" : "I lack";
  return `${lack} ${whole.join(" or ") || "a permission"}`;
}

/** The line; `undefined` if there are no receipts. Equal receipts become one with their number. */
export function lineOf(receipts: readonly Receipt[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of receipts.map(textOf)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const items = [...counts].map(([text, count]) => count === 1 ? text : `${text} ×${count}`);
  if (items.length === 0) return undefined;
  const left = items.length - MAX_ITEMS;
  return [...items.slice(0, MAX_ITEMS), ...(left > 0 ? [`+ ${left} more`] : [])].join(" · ");
}

function textOf({ object, did, links = [], end, why, isUndone }: Receipt): string {
  const linked = links.length === 0 ? "" : ` ${links.join(" ")}`;
  switch (end) {
    case "done":
      return `${isUndone ? "↩" : "✓"} ${object} ${did}${linked}`;
    case "failed":
      return `✗ ${object} not ${did}${linked}: ${why ?? "it failed"}`;
    case "unknown":
      return `? ${object} perhaps ${did}${linked}`;
  }
}

/**
 * Marks the receipts of changes that were taken back, in the lines under an answer. The other words
 * stay: the turn's tools may have gone since.
 */
export function withUndone(lines: string, receipts: readonly Receipt[]): string {
  const groups = Map.groupBy(receipts, (one) => textOf({ ...one, isUndone: false }));
  return [...groups].reduce((text, [item, all]) => {
    const undone = all.filter(({ isUndone }) => isUndone).length;
    const shown = (count: number) => count === 1 ? item : `${item} ×${count}`;
    const [at, length] = [text.lastIndexOf(shown(all.length)), shown(all.length).length];
    if (undone === 0 || at === -1) return text;
    const left = all.length - undone;
    const items = [`↩${shown(undone).slice(1)}`, ...(left > 0 ? [shown(left)] : [])];
    return text.slice(0, at) + items.join(" · ") + text.slice(at + length);
  }, lines);
}
