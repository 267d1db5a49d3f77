/**
 * Reads people's decisions about calls of tools, and declares the errors that make Barnacle ask them
 * (T3).
 */

import type { UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import { ALLOW_ONCE, type Decision, type Question } from "../people/question.ts";
import { type RefusalReason, RefusedCall } from "../refused_call.ts";
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
        refusalOf(decision)
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

function refusalOf(decision: Decision | undefined): string {
  switch (decision?.kind) {
    case undefined:
      return "";
    case "answered":
      return !mayGoOn(decision) ? "; a person who may allow it said no" : "";
    case "expired":
    case "withdrawn":
      return "; no one has allowed it";
  }
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

/** Why an effect that people elsewhere would see does not happen. */
export function refusedPress(decision: Decision | undefined): RefusedCall {
  const reason = decision === undefined || mayGoOn(decision) ? "readers" : limitReason(decision);
  return new RefusedCall(
    reason,
    "not everyone who would see this may read this conversation, so the person who asks must " +
      `press a button first; ${
        reason === "declined"
          ? "they said no"
          : decision?.kind === "expired"
          ? "they did not answer in time"
          : "they were not asked: tell them, and let them ask for it in a new message"
      }`,
  );
}

/** Why a turn may make no more changes. */
export function limitReached(most: number, decision: Decision | undefined): RefusedCall {
  const why = decision === undefined || decision.kind === "withdrawn"
    ? "a person must approve further ones: tell the asker the rest, and let them ask for it in " +
      "a new message"
    : decision.kind === "expired"
    ? "no person decided about further ones in time"
    : "a person refused further ones";
  return new RefusedCall(
    limitReason(decision),
    `this turn may make ${most} destructive changes by itself; ${why}`,
  );
}

/** Why an action that must be allowed first does not run. */
export function notConfirmed(decision: Decision | undefined): RefusedCall {
  const why = decision === undefined || decision.kind === "withdrawn"
    ? "the question reached no one: tell the asker your plan, and let them ask for it in a new message"
    : decision.kind === "expired"
    ? "no person decided in time"
    : "a person said no";
  return new RefusedCall(
    decision === undefined ? "irreversible" : limitReason(decision),
    `this, or a part of it, cannot be undone, so a person must allow it first; ${why}`,
  );
}

/** The reason for metrics; without a decision, no person got a question. */
function limitReason(decision: Decision | undefined): RefusalReason {
  if (decision === undefined) return "max_destructive";
  return decision.kind === "answered" ? "declined" : decision.kind;
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
export function namedFacts(named: readonly string[]): Question["facts"] {
  const each = [...new Set(named)];
  if (each.length === 0) return [];
  const more = each.length > MAX_NAMED ? ` and ${each.length - MAX_NAMED} more` : "";
  return [{ name: "About", value: each.slice(0, MAX_NAMED).join(" · ") + more }];
}
