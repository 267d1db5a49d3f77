/**
 * Reads people's decisions about calls of tools, and declares the errors that make Barnacle ask them
 * (T3).
 */

import type { UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import { ALLOW_ONCE, type Decision, type Question } from "../people/question.ts";
import { type RefusalReason, RefusedCall } from "./tool.ts";
import { describeMissing, type MissingRight } from "../rights/rights.ts";

export class LacksRight extends RefusedCall {
  /** Name of the error class, as logs show it. */
  override name = "LacksRight";
  readonly missing: MissingRight;

  /** Says which right is missing; `decision` is absent before a person with it has decided. */
  constructor(missing: MissingRight, decision: Decision | undefined) {
    super(
      missing.kind,
      `the person who asks may not do that there: ${describeMissing(missing, "asker")}${
        endOf(decision)
      }`,
    );
    this.missing = missing;
  }
}

/** A probe has come to its first change: the asker has all rights so far. */
export class ProbeEnded extends Error {
  /** Name of the error class, as logs show it. */
  override name = "ProbeEnded";
  /** The destructive change that it would make; absent for another one. */
  readonly change: ProbedChange | undefined;

  /** Names the change, if it is destructive. */
  constructor(change?: ProbedChange) {
    super("the probe has come to a change");
    this.change = change;
  }
}

export interface ProbedChange {
  /** Its effect, as the end of "would". */
  readonly what: string;
  /** Whether a person must allow it first (T3). */
  readonly asks: boolean;
}

/** Whether a person has let the turn make more destructive changes. */
export function mayGoOn(decision: Decision | undefined): boolean {
  return decision?.kind === "answered" &&
    decision.about === "limit" &&
    decision.answer.choice === ALLOW_ONCE;
}

/** Whether this person has pressed "Go on". */
export function isPressedBy(decision: Decision | undefined, userId: UserId): boolean {
  return mayGoOn(decision) && decision?.kind === "answered" && decision.by === userId;
}

/**
 * A refusal of a call that needs a person's press.
 *
 * @param what Why it needs one.
 * @param reason Counted if no person has decided.
 */
export function notPressed(
  what: string,
  reason: RefusalReason,
  decision: Decision | undefined,
): RefusedCall {
  if (!decision || mayGoOn(decision)) return new RefusedCall(reason, `${what}; ${UNASKED}`);
  const { kind } = decision;
  return new RefusedCall(kind === "answered" ? "declined" : kind, `${what}${endOf(decision)}`);
}

const UNASKED = "no person was asked: tell the asker, and let them ask for it in a new message";

/** A decision against a call, for the model. */
function endOf(decision: Decision | undefined): string {
  if (!decision || mayGoOn(decision)) return "";
  if (decision.kind === "answered") return "; a person said no";
  return `; ${decision.kind === "expired" ? "no person decided in time" : UNASKED}`;
}

/** A link to a message that Discord shows as its place. */
export function messageLink(
  { guildId, channelId, id }: Pick<InboundMessage, "guildId" | "channelId" | "id">,
): string {
  return `https://discord.com/channels/${guildId ?? "@me"}/${channelId}/${id}`;
}

/** Asker and place of the call of a message's turn, for people who decide about it. */
export function askerFacts(message: InboundMessage): Question["facts"] {
  const { sender, channelId } = message;
  const link = messageLink(message);
  return [
    { name: "Who asks", value: `<@${sender.id}> (${sender.id})` },
    { name: "Where", value: `<#${channelId}> · <${link}>` },
  ];
}

/** The most things that a card names beside its text. */
const MAX_NAMED = 10;

/** Things that Discord shows by their names to each reader; with a press, people see them. */
export function namedFacts(named: readonly string[], name = "About"): Question["facts"] {
  const each = [...new Set(named)];
  if (each.length === 0) return [];
  const more = each.length > MAX_NAMED ? ` and ${each.length - MAX_NAMED} more` : "";
  return [{ name, value: each.slice(0, MAX_NAMED).join(" · ") + more }];
}
