/**
 * Checks the network, Discord's view of the bot and the model while connecting, and again while a
 * problem remains that passes by itself (G13). It uses the code of `barnacle doctor`, without a second
 * connection to the gateway.
 *
 * A machine often boots before its router. So the bot connects without waiting for these checks,
 * and only reports their findings. Connecting itself asks Discord about the token first, and a
 * refused token ends the bot.
 */

import type { BotAccount } from "../../account/account.ts";
import { type Loop, loop, perAccount } from "../../account/per_account.ts";
import { type Finding, isTrouble } from "../../core/finding.ts";
import { toIntents } from "../../discord/gateway/read/intents.ts";
import type { Log } from "../../lib/log.ts";
import { applicationId, readApplication, storeOwners } from "../owners/owner_ids.ts";
import { judgeDiscord, type MissingIntent, missingIntentFindings } from "./discord.ts";
import { MODEL } from "./model.ts";
import { judgeNetwork } from "./network.ts";

/** Milliseconds from a start or a reload to the first check: connecting gets the processor first. */
const FIRST_LOOK_MS = 1_000;

/** Milliseconds from one check to the next. */
const AGAIN_MS = 60_000;

/** Trouble that passes by itself. A checkbox of the portal needs a restart. */
const HEALS = /^(?:network\.|discord\.(?:token|guilds)$|model$)/;

const seen = perAccount("preflight", () => ({
  /** The last check's failures. */
  findings: [] as readonly Finding[],
  /** Intents left out of the IDENTIFY. */
  ungranted: [] as readonly Finding[],
}));

/** The checks. A reload checks again, because the config may name another model. */
export const preflight: Loop = loop("preflight", (account) => beginPreflight(account));

/** @param check Runs one check; rejects only because of a fault in Barnacle. */
export function beginPreflight(
  account: BotAccount,
  check: (account: BotAccount) => Promise<readonly Finding[]> = examine,
): { stop(): void } {
  const { schedule, log, ended } = account;
  const state = seen(account);
  if (!account.config().preflight.network) return { stop() {} };
  let isStopped = false;
  let cancel = schedule(() => void round(), FIRST_LOOK_MS);

  async function round(): Promise<void> {
    const before = state.findings;
    try {
      const found = (await check(account)).filter(isTrouble);
      if (isStopped) return;
      state.findings = found;
      report(before, found, log);
    } catch (error) {
      // A failed check never keeps the bot from connecting, but it is a fault in Barnacle.
      log.error("The preflight check itself failed", { error });
    }
    if (isStopped || ended.aborted) return; // a refused token ends the account
    if (state.findings.some(({ id }) => HEALS.test(id))) {
      cancel = schedule(() => void round(), AGAIN_MS);
    }
  }

  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** Its code is loaded with the first check: connecting goes first, and needs no answer of it. */
async function examine(account: BotAccount): Promise<readonly Finding[]> {
  const { bot: { env }, apiBase, token, rest, stored, settings, now } = account;
  const { preflight: { dns }, discord: { tokenPlace, gateway } } = account.config();
  const { ask, examineDiscord, examineNetwork } = await import("./examine.ts");
  const [network, told, models] = await Promise.all([
    examineNetwork(
      { apiBase, env, gatewayUrl: stored.gateway?.url, showsDns: dns, opensGateway: false },
    ),
    ask(() => readApplication(account)),
    settings.models.check(),
  ]);
  if (told.kind === "answered") storeOwners(account);
  const intents = toIntents(gateway.intents, gateway.reactions);
  const facts = await examineDiscord({ token, told, api: rest }, tokenPlace, intents);
  return [...judgeNetwork(network, now()), ...judgeDiscord(facts, now()), ...models];
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

/** Reports the intents left out of the IDENTIFY because the portal does not grant them. */
export function noteUngranted(account: BotAccount, missing: readonly MissingIntent[]): void {
  const state = seen(account);
  state.ungranted = missingIntentFindings(missing, applicationId(account));
  for (const { id, what, why, fix } of state.ungranted) {
    if (state.findings.some((one) => one.id === id)) continue; // the preflight has reported it
    account.forPart("preflight").log.warn(`${what}: ${why}`, {
      id,
      ...(fix !== undefined && { fix }),
    });
  }
}

/** As warnings: other checks show whether the bot answers. */
export function preflightFindings(account: BotAccount): readonly Finding[] {
  const { findings, ungranted } = seen(account);
  const ids = new Set(ungranted.map(({ id }) => id));
  return [...findings.filter(({ id }) => !ids.has(id)), ...ungranted]
    .map((finding) => ({ ...finding, status: "warn" }));
}
