/**
 * Keeps the state of everything that the bot needs outside: the network, the token, the intents that
 * the portal grants, and the model.
 *
 * The preflight checks all of it with the code of `barnacle doctor`, without a second connection to
 * the gateway.
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import type { Config } from "../../config/config.ts";
import type { Account } from "../../core/account/account.ts";
import type { Finding } from "../../core/finding.ts";
import type { ApplicationId, UserId } from "../../core/discord/ids.ts";
import { type PrivilegedIntent, toIntents } from "../../discord/gateway/read/intents.ts";
import type { Applications } from "../../discord/rest/calls/application.ts";
import { describeMissing, judgeDiscord } from "../../flows/preflight/discord.ts";
import { judgeNetwork } from "../../flows/preflight/network.ts";
import { createEmitter } from "../../lib/emitter.ts";
import { schedule } from "../../lib/clock.ts";
import type { StoredAccount } from "../../core/store/gateway.ts";
import type { ApplicationAnswer } from "../../core/store/gateway.ts";
import { createPreflight, type PreflightResult } from "../../flows/preflight/preflight.ts";

/** The events of the checks. */
export interface ConnectionStateEvents {
  /** Discord refused the token. */
  tokenRefused(): void;
}

/** The state, as last checked. */
export interface ConnectionState {
  /** Connects the events, before the first one. */
  connect(events: ConnectionStateEvents): void;
  /** Schedules the first check, in parallel with connecting. */
  start(): void;
  /** Reads the application's current flags and owner. */
  readApplication(): Promise<ApplicationAnswer>;
  /** The application's owner as last read, in this run or an earlier one. */
  applicationOwner(): UserId | undefined;
  /** Reports the intents left out of the IDENTIFY because the portal does not grant them. */
  setUngranted(missing: readonly PrivilegedIntent[]): void;
  /** The config has changed, perhaps with another model: checks again. */
  reconfigured(): void;
  /** All current problems. */
  findings(): readonly Finding[];
  /** Ends it. */
  stop(): void;
}

/** Milliseconds from a start to the first check; longer if the bot was connected within the day. */
const FIRST_LOOK_MS = 250;
const TRUSTED_LOOK_MS = 3_000;

/** Creates the account's connection state; `start` schedules its first check. */
export function createConnectionState(
  options: Pick<Account, "now" | "log"> & {
    readonly config: Config;
    readonly token: string;
    /** Base URL of the REST API. */
    readonly apiBase: string;
    readonly env: Env;
    /** The account's rows of the last process. */
    readonly stored: StoredAccount;
    readonly applications: Applications;
    /** Checks the current model, without a question to it; a reload may change the model. */
    readonly checkModel: () => Promise<Finding>;
  },
): ConnectionState {
  const { config, stored, applications, now, log } = options;
  const events = createEmitter<ConnectionStateEvents>();
  let applicationId: ApplicationId | undefined = stored.self?.applicationId;
  let applicationOwner: UserId | undefined = stored.ownerId;
  let ungranted: readonly Finding[] = [];
  const { readyAt } = stored;
  const preflight = createPreflight(
    {
      now: now(),
      firstLookMs: FIRST_LOOK_MS,
      trustedLookMs: TRUSTED_LOOK_MS,
      readyAt,
    },
    { schedule, log },
    { check: look, onRefused: () => events.emit.tokenRefused() },
  );

  async function look(): Promise<PreflightResult> {
    const { token, apiBase, env } = options;
    // Connecting goes first, and needs none of these answers.
    const { examineDiscord, examineNetwork, STEP_MS } = await import("./examine.ts");
    const [network, { facts, application }, model] = await Promise.all([
      examineNetwork({
        apiBase,
        env,
        gatewayUrl: stored.gateway?.url,
        showsDns: config.preflight.dns,
        opensGateway: false,
      }),
      examineDiscord(
        {
          bot: { token, applications },
          tokenPlace: config.discord.tokenPlace,
          intents: toIntents(config.discord.gateway.intents, config.discord.gateway.reactions),
        },
        STEP_MS,
      ),
      options.checkModel(),
    ]);
    applicationId = application?.id ?? applicationId;
    const at = now();
    return {
      findings: [...judgeNetwork(network, at), ...judgeDiscord(facts, at), model],
      isRefused: facts.application?.kind === "refused",
    };
  }

  return {
    connect: events.connect,
    start() {
      if (config.preflight.network) preflight.start();
    },
    reconfigured() {
      if (config.preflight.network) preflight.again();
    },
    async readApplication() {
      const { flags, id, ownerId } = await applications.me();
      applicationId = id;
      applicationOwner = ownerId;
      return { flags, ownerId: ownerId || undefined };
    },
    applicationOwner: () => applicationOwner,
    setUngranted(missing) {
      ungranted = describeMissing(missing, applicationId);
      for (const { id, what, why, fix } of ungranted) {
        if (preflight.findings().some((one) => one.id === id)) continue; // the gateway has reported it
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
