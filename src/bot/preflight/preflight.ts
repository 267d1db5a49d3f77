/**
 * Checks the network and the bot's standing beside connecting, and again for as
 * long as a problem remains that heals by itself (G13).
 *
 * A machine often boots before its router. So the bot connects without waiting
 * for these checks; it reports and shows their findings. Connecting itself asks
 * Discord about the token first, and a refused token ends the bot.
 *
 * @module
 */

import type { Finding } from "../../core/finding.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** What one look has shown. */
export interface Look {
  readonly findings: readonly Finding[];
  /** Whether Discord said that the token is none. */
  readonly isRefused: boolean;
}

export interface PreflightPorts {
  /** Looks once; rejects only by a fault of ours. */
  readonly look: () => Promise<Look>;
  /** The token is refused: nothing that is tried again can help. */
  readonly onRefused: () => void;
  readonly schedule: Schedule;
  readonly log: Log;
}

export interface PreflightOptions {
  /**
   * Unix time in milliseconds of the last READY or RESUMED with this token; absent if there was
   * none.
   */
  readonly readyAt?: number;
  /** Milliseconds from the start to the first look: the connection has the processor first. */
  readonly firstLookMs: number;
  /** The same, if the bot was connected within the last day. */
  readonly trustedLookMs: number;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export interface Preflight {
  /** Plans the first look. */
  start(): void;
  /** All that does not pass, as last seen. */
  findings(): readonly Finding[];
  stop(): void;
}

/** For how long a connection that worked is trusted. */
const TRUSTED_MS = 24 * 60 * 60 * 1_000;

/** Milliseconds from one look to the next. */
const AGAIN_MS = 60_000;

export function createPreflight(
  { readyAt, firstLookMs, trustedLookMs, now }: PreflightOptions,
  { look, onRefused, schedule, log }: PreflightPorts,
): Preflight {
  let findings: readonly Finding[] = [];
  let isStopped = false;
  let cancel = () => {};

  async function round(): Promise<void> {
    let seen: Look;
    try {
      seen = await look();
    } catch (error) {
      // Nobody is kept from connecting by who only looks; it is a fault of ours all the same.
      log.error("The look at the way to Discord failed", { error });
      return lookAgain();
    }
    if (isStopped) return;
    const before = findings;
    findings = seen.findings.filter(isTrouble);
    report(before, findings, log);
    if (seen.isRefused) return onRefused();
    lookAgain();
  }

  /** What was found wrong is not to stand for ever. */
  function lookAgain(): void {
    if (isStopped || !findings.some(canHeal)) return;
    cancel = schedule(() => void round(), AGAIN_MS);
  }

  return {
    start() {
      const isTrusted = readyAt !== undefined && now - readyAt < TRUSTED_MS;
      cancel = schedule(() => void round(), isTrusted ? trustedLookMs : firstLookMs);
    },
    findings: () => findings,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

function isTrouble({ status }: Finding): boolean {
  return status === "warn" || status === "fail";
}

/** The network, the clock and a guild come back by themselves; a checkbox needs a restart. */
function canHeal({ id }: Finding): boolean {
  return id.startsWith("network.") || id === "discord.guilds" || id === "discord.token";
}

/** One line for what is new, and one for what is over; nothing for what stays. */
function report(before: readonly Finding[], after: readonly Finding[], log: Log): void {
  for (const { id, what, status, where, why, fix } of after) {
    if (before.some((one) => one.id === id && one.status === status)) continue;
    const fields = { id, ...(where !== undefined && { where }), ...(fix !== undefined && { fix }) };
    log[status === "fail" ? "error" : "warn"](`${what}: ${why}`, fields);
  }
  for (const { id, what } of before) {
    if (!after.some((one) => one.id === id)) log.info(`${what}: right again`, { id });
  }
}
