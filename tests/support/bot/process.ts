/** What accounts of a test share: a process without programs, servers and files. */

import type { Bot } from "../../../src/account/account.ts";
import {
  createAccountHealth,
  createMeter,
  createMetrics,
} from "../../../src/http/monitor/health_monitor.ts";
import type { OwnSetup } from "../../../src/bot/rules/setup.ts";
import type { AccountId } from "../../../src/core/discord/ids.ts";
import { createTurnLimit } from "../../../src/flows/limits.ts";
import type { Log } from "../../../src/lib/log.ts";
import type { Store } from "../../../src/store/store.ts";
import { NO_TOOLS } from "../model/tools.ts";
import { BUILD, HEALTHY } from "./health.ts";

/** @param secrets Those that its texts are cleaned of. */
export function testBot(
  given: Partial<Bot> & { readonly setup: Bot["setup"]; readonly store: Store; readonly log: Log },
  secrets: readonly string[] = [],
): Bot {
  const { setup, store, log, now = Date.now, toolServices = NO_TOOLS } = given;
  const known = new Map<AccountId, ReturnType<typeof createAccountHealth>>();
  const accountOf = (accountId: AccountId) => {
    const health = known.get(accountId) ??
      createAccountHealth(accountId, { store, now }, () => {}, () => {}, () => HEALTHY);
    known.set(accountId, health);
    return health;
  };
  return {
    dataDir: "/nowhere",
    mediaFolder: "/nowhere",
    logging: { forPart: () => log, addSecret() {}, secrets: () => secrets } as never,
    build: BUILD,
    isConnectionDebug: false,
    env: {},
    commandKey: "",
    features: [],
    now,
    accounts: new Map(),
    views: new Map(),
    health: { accountOf } as never,
    meter: createMeter(createMetrics(BUILD)),
    turnLimit: createTurnLimit(() => setup.config.agents.maxConcurrentTurns),
    memory: { worked() {}, stop() {} },
    media: {} as never,
    toolServices,
    loadTools: () => Promise.resolve(toolServices),
    workerUrl: new URL("../../../src/worker.ts", import.meta.url),
    ...given,
  };
}

/** The setup of a bot with one account. */
export function setupOf(own: OwnSetup): Bot["setup"] {
  const { discord, ...shared } = own.config;
  return {
    config: { ...shared, accounts: [discord] },
    accounts: new Map([[discord.accountId, own]]),
  };
}
