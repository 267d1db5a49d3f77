/**
 * Settles challenged messages of unpaired senders as they are stored. Their verdict asks for a
 * code, and only the store can tell whether the sender has a code or is paired by now (P3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { PairingRequest, PairingService } from "../../core/inbound/pairing.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareJudgeUnpairedSender, prepareStartPairing } from "./rows.ts";

/** A message with its final verdict, and its new request. */
export interface Settled {
  /** The message with its final verdict. */
  readonly judged: Judged;
  /** The new request; absent if the message began none. */
  readonly request?: PairingRequest;
}

/**
 * Settles messages with the verdict `challenge`; any other stays unchanged. `now` is Unix time in
 * milliseconds.
 */
export interface UnpairedSenders {
  /** Judges a message by the current state. Changes nothing, and needs no transaction. */
  preview(judged: Judged, now: number): Judged;
  /**
   * Settles a new message, within a transaction of the caller's.
   *
   * @param pairingService Makes codes; if `undefined`, the message is ignored and no code is made.
   */
  settle(judged: Judged, pairingService: PairingService | undefined, now: number): Settled;
}

/** Prepares the statements for unpaired senders. */
export function prepareUnpairedSenders(
  database: DatabaseSync,
  outgoing: Outgoing,
): UnpairedSenders {
  const judgeUnpairedSender = prepareJudgeUnpairedSender(database);
  const startPairing = prepareStartPairing(database, outgoing);

  function preview(judged: Judged, now: number): Judged {
    const { message: { accountId, sender, place }, verdict, knownFacts } = judged;
    if (verdict.kind !== "challenge") return judged;
    const settled = judgeUnpairedSender({ accountId, userId: sender.id }, verdict.rule, now);
    return {
      ...judged,
      verdict: place.kind === "group_dm" ? inGroup(settled) : settled,
      knownFacts: { ...knownFacts, isPaired: settled.kind === "accept" },
    };
  }

  return {
    preview,
    settle(judged, pairingService, now) {
      const previewed = preview(judged, now);
      const { verdict: { kind, rule }, message } = previewed;
      if (kind !== "challenge") return { judged: previewed };
      if (!pairingService) {
        return { judged: { ...previewed, verdict: refused("dm-not-allowed", rule) } };
      }
      const request = startPairing(message, pairingService, now);
      return request
        ? { judged: previewed, request }
        : { judged: { ...previewed, verdict: refused("pairing-full", rule) } };
    },
  };
}

/** Makes sure that no code is sent into a group, where others would read it (P5). */
function inGroup(settled: Verdict): Verdict {
  return settled.kind === "accept"
    ? { ...settled, why: "group-dm-allowed" }
    : refused("dm-not-allowed", settled.rule);
}

function refused(why: "dm-not-allowed" | "pairing-full", rule: string): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: false };
}
