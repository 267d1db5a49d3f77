/**
 * Settles strangers' messages as they are stored. Their verdict asks for a code, and only the store
 * knows whether there is a code or a pairing by now (P3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { PairingRequest, PairingService } from "../../core/inbound/pairing.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareJudgeStranger, prepareStartPairing } from "./rows.ts";

/** A message with the verdict that stands, and the request that it has begun. */
export interface Settled {
  /** The message with its final verdict. */
  readonly judged: Judged;
  /** The new request; absent if the message began none. */
  readonly request?: PairingRequest;
}

/**
 * Settles messages that are to be challenged; any other stays unchanged. `now` is Unix time in
 * milliseconds.
 */
export interface UnpairedSenders {
  /** The verdict as things are. Changes nothing, and needs no transaction. */
  foresee(judged: Judged, now: number): Judged;
  /**
   * Settles a new message, within a transaction of the caller's.
   *
   * @param pairingService Makes codes; if `undefined`, the message is ignored and no code is made.
   */
  settle(judged: Judged, pairingService: PairingService | undefined, now: number): Settled;
}

/** Prepares the statements for strangers. */
export function prepareUnpairedSenders(
  database: DatabaseSync,
  outgoing: Outgoing,
): UnpairedSenders {
  const judgeStranger = prepareJudgeStranger(database);
  const startPairing = prepareStartPairing(database, outgoing);

  function foresee(judged: Judged, now: number): Judged {
    const { message: { accountId, sender, place }, verdict, moment } = judged;
    if (verdict.kind !== "challenge") return judged;
    const settled = judgeStranger({ accountId, userId: sender.id }, verdict.rule, now);
    return {
      ...judged,
      verdict: place.kind === "group_dm" ? inGroup(settled) : settled,
      moment: { ...moment, isPaired: settled.kind === "accept" },
    };
  }

  return {
    foresee,
    settle(judged, pairingService, now) {
      const foreseen = foresee(judged, now);
      const { verdict: { kind, rule }, message } = foreseen;
      if (kind !== "challenge") return { judged: foreseen };
      if (!pairingService) {
        return { judged: { ...foreseen, verdict: refused("dm-not-allowed", rule) } };
      }
      const request = startPairing(message, pairingService, now);
      return request
        ? { judged: foreseen, request }
        : { judged: { ...foreseen, verdict: refused("pairing-full", rule) } };
    },
  };
}

/** No code is ever sent into a group, where others would read it (P5). */
function inGroup(settled: Verdict): Verdict {
  return settled.kind === "accept"
    ? { ...settled, why: "group-dm-allowed" }
    : refused("dm-not-allowed", settled.rule);
}

function refused(why: "dm-not-allowed" | "pairing-full", rule: string): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: false };
}
