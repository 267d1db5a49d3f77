/**
 * How the bot stands with Discord: the way there, its token, and what the portal
 * grants it.
 *
 * The preflight looks at all of it by the means that `barnacle doctor` has, and
 * what it reads of the application need not be asked for again to connect.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Finding } from "../core/finding.ts";
import type { ApplicationId } from "../core/ids.ts";
import { type PrivilegedIntent, toIntents } from "../discord/gateway/intents.ts";
import type { Application, Applications } from "../discord/rest/application.ts";
import { describeMissing, judgeDiscord } from "../flows/preflight_discord.ts";
import { judgeNetwork } from "../flows/preflight_network.ts";
import type { Log } from "../lib/log.ts";
import { schedule } from "../lib/schedule.ts";
import type { StoredAccount } from "../store/accounts.ts";
import { examineDiscord, examineNetwork, STEP_MS } from "./examine.ts";
import { createPreflight, type Look } from "./preflight.ts";

export interface StandingOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of the REST API. */
  readonly apiBase: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stored: StoredAccount;
  readonly applications: Applications;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
  /** Discord says that the token is none. */
  readonly onRefused: () => void;
}

export interface Standing {
  /** Looks; resolves when it is time to connect. */
  start(): Promise<void>;
  /** The application's flags, as they are now. */
  readFlags(): Promise<number>;
  /** What the gateway was not asked for, since it would not be granted. */
  setUngranted(missing: readonly PrivilegedIntent[]): void;
  /** All that is not as it should be. */
  findings(): readonly Finding[];
  stop(): void;
}

/** Milliseconds after which a bot that was connected today looks: it connects first. */
const BESIDE_MS = 3_000;

export function standingOf(options: StandingOptions): Standing {
  const { config, stored, applications, now, log, onRefused } = options;
  /** As the preflight has just read it. */
  let seen: Application | undefined;
  let applicationId: ApplicationId | undefined = stored.self?.applicationId;
  let ungranted: readonly Finding[] = [];
  const { readyAt } = stored;
  const preflight = createPreflight(
    { now: now(), besideMs: BESIDE_MS, ...(readyAt !== undefined && { readyAt }) },
    { look, onRefused, schedule, log },
  );

  async function look(): Promise<Look> {
    const { token, apiBase, env } = options;
    const [network, { facts, application }] = await Promise.all([
      examineNetwork(
        {
          apiBase,
          env,
          ...(stored.gateway && { gatewayUrl: stored.gateway.url }),
          showsDns: config.preflight.dns,
        },
        { timeoutMs: STEP_MS, elapsed: () => performance.now(), now, schedule },
      ),
      examineDiscord(
        {
          bot: { token, applications },
          tokenPlace: config.discord.tokenPlace,
          intents: toIntents(config.discord.gateway.intents),
        },
        { schedule, timeoutMs: STEP_MS },
      ),
    ]);
    seen = application;
    applicationId = application?.id ?? applicationId;
    const at = now();
    return {
      findings: [...judgeNetwork(network, at), ...judgeDiscord(facts, at)],
      isRefused: facts.application?.kind === "refused",
    };
  }

  return {
    start: () => config.preflight.network ? preflight.start() : Promise.resolve(),
    async readFlags() {
      const { flags } = seen ?? await applications.me();
      seen = undefined; // the next one to ask wants to know what it is then
      return flags;
    },
    setUngranted(missing) {
      ungranted = describeMissing(missing, applicationId);
      for (const { id, what, why, fix } of ungranted) {
        if (preflight.findings().some((one) => one.id === id)) continue; // it has said so
        log.warn(`${what}: ${why}`, { id, ...(fix !== undefined && { fix }) });
      }
    },
    findings() {
      const ids = new Set(ungranted.map(({ id }) => id));
      return [...preflight.findings().filter(({ id }) => !ids.has(id)), ...ungranted];
    },
    stop: () => preflight.stop(),
  };
}
