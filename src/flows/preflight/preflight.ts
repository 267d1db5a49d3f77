/**
 * Checks the network, Discord's view of the bot and the model while connecting, and again while a
 * problem remains that passes by itself (G13).
 *
 * A machine often boots before its router. So the bot connects without waiting for these checks,
 * and only reports their findings. Connecting itself asks Discord about the token first, and a
 * refused token ends the bot.
 */

import { DAY_MS } from "../../lib/clock.ts";
import { type Finding, isTrouble } from "../../core/finding.ts";
import { MODEL } from "./model.ts";
import type { Log } from "../../lib/log.ts";
import type { Account } from "../../core/account/account.ts";

export interface PreflightResult {
  readonly findings: readonly Finding[];
  readonly isRefused: boolean;
}

/** How long an earlier connection proves that the network works, in milliseconds. */
const TRUSTED_MS = DAY_MS;

/** Trouble that passes by itself. A checkbox of the portal needs a restart. */
const HEALS = /^(?:network\.|discord\.(?:token|guilds)$|model$)/;

/** Milliseconds from one check to the next. */
const AGAIN_MS = 60_000;

/** Creates the preflight; `start` schedules its first check. */
export function createPreflight(
  { readyAt, firstLookMs, trustedLookMs, now }: {
    /**
     * Unix time in milliseconds of the last READY or RESUMED with this token; absent if there was
     * none.
     */
    readonly readyAt?: number;
    /**
     * Milliseconds from the start to the first check, so that connecting gets the processor first.
     */
    readonly firstLookMs: number;
    /** The same, if the bot was connected within the last day. */
    readonly trustedLookMs: number;
    readonly now: number;
  },
  { schedule, log }: Pick<Account, "log" | "schedule">,
  { check, events }: {
    /** Runs one check; rejects only because of a fault in Barnacle. */
    readonly check: () => Promise<PreflightResult>;
    /** Discord refuses the token: an event of requests, too. No retry can help. */
    readonly events: { readonly emit: { tokenRefused(): void } };
  },
) {
  let findings: readonly Finding[] = [];
  let isStopped = false;
  let cancel = () => {};
  let isLooking = false;
  /** Whether another check is due as soon as the running one has ended. */
  let isDue = false;

  async function round(): Promise<void> {
    let seen: PreflightResult;
    isLooking = true;
    try {
      seen = await check();
    } catch (error) {
      // A failed check never keeps the bot from connecting, but it is a fault in Barnacle.
      log.error("The preflight check itself failed", { error });
      return lookAgain();
    } finally {
      isLooking = false;
    }
    if (isStopped) return;
    const before = findings;
    findings = seen.findings.filter(isTrouble);
    report(before, findings, log);
    if (seen.isRefused) return events.emit.tokenRefused();
    lookAgain();
  }

  /** Schedules another check while a finding can pass by itself. */
  function lookAgain(): void {
    if (isStopped || !(isDue || findings.some(({ id }) => HEALS.test(id)))) return;
    cancel = schedule(() => void round(), isDue ? firstLookMs : AGAIN_MS);
    isDue = false;
  }

  return {
    /** Schedules the first check. */
    start(): void {
      const isTrusted = readyAt !== undefined && now - readyAt < TRUSTED_MS;
      cancel = schedule(() => void round(), isTrusted ? trustedLookMs : firstLookMs);
    },
    /** Checks soon again, because the config has changed; the intervals begin anew. */
    again(): void {
      isDue = true;
      if (isLooking) return;
      cancel();
      lookAgain();
    },
    /** The last check's failures. */
    findings: (): readonly Finding[] => findings,
    stop(): void {
      isStopped = true;
      cancel();
    },
  };
}

/** Logs one line for each new finding, and one for each that passed; none for those that remain. */
function report(before: readonly Finding[], after: readonly Finding[], log: Log): void {
  for (const { id, what, status, where, why, fix } of after) {
    const isSame = (one: Finding) =>
      one.id === id && one.status === status && (id !== MODEL || one.why === why);
    if (before.some(isSame)) continue;
    const fields = { id, where, fix };
    log[status === "fail" ? "error" : "warn"](`${what}: ${why}`, fields);
  }
  for (const { id, what } of before) {
    if (!after.some((one) => one.id === id)) log.info(`${what}: right again`, { id });
  }
}
