/** Makes the context of a running account, which all of its flows share. */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { uptime } from "node:os";
import type { BotAccount, OldParts } from "../account/account.ts";
import { schedule } from "../lib/clock.ts";
import type { Logging } from "../log.ts";

export type AccountContext = BotAccount;

/** Clock and chance, which a test replaces. */
export type Chance = Pick<
  BotAccount,
  "bootedAt" | "draw" | "random" | "randomId" | "schedule" | "steadyNow"
>;

/** Makes the context once; each part gets it with its own log. */
export function createAccountContext(
  { logging, config, chance, ...facts }:
    & Pick<
      BotAccount,
      | "bot"
      | "config"
      | "connection"
      | "connectionState"
      | "ended"
      | "health"
      | "keeper"
      | "now"
      | "policy"
      | "presence"
      | "reader"
      | "rest"
      | "self"
      | "settings"
      | "stopping"
      | "store"
      | "voiceIndex"
    >
    & { readonly logging: Logging; readonly chance?: Chance },
): AccountContext {
  const context: AccountContext = {
    ...facts,
    config,
    accountId: config().discord.accountId,
    random: Math.random,
    randomId,
    draw: randomBytes,
    schedule,
    steadyNow: () => performance.now(),
    bootedAt: () => facts.now() - uptime() * 1_000,
    ...chance,
    live: new Map(),
    parts: {} as OldParts,
    log: logging.forPart("gateway"),
    forPart: (part) => ({ ...context, log: logging.forPart(part) }),
  };
  return context;
}

/** Bytes of a random id, and the number of ids that are drawn at once. */
const ID_BYTES = 6;
const DRAWN_IDS = 64;
let drawn = Buffer.alloc(0);
let used = 0;

/** 12 random hex digits. */
export function randomId(): string {
  if (used === drawn.length) {
    drawn = randomBytes(ID_BYTES * DRAWN_IDS);
    used = 0;
  }
  return drawn.toString("hex", used, used += ID_BYTES);
}
