/** Lists the compared bots, and the bots of each bench. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compilePeer } from "./compile_peers.ts";
import type { Contender } from "./stand.ts";

export interface Contenders {
  readonly barnacle: Contender;
  /** Absent if there is no node. */
  readonly discordJs: Contender | undefined;
  /** Bare, with its own gateway and rate limiter, compiled. */
  readonly discordeno: Contender;
  /** Without any library, compiled. */
  readonly floor: Contender;
  /** discord.js with the same promise: with the least store, compiled. */
  readonly discordJsStore: Contender;
  /** Without any library, with the same store, compiled. */
  readonly floorStore: Contender;
}

/** @param binary Barnacle's. */
export function prepareContenders(binary: string, node: string | undefined): Contenders {
  return {
    barnacle: { name: "Barnacle", command: { program: binary, args: [] }, isBarnacle: true },
    discordJs: node === undefined ? undefined : {
      name: "discord.js",
      command: {
        program: "node",
        args: [fileURLToPath(new URL("../peers/discord_js_bot.mjs", import.meta.url))],
      },
      isBarnacle: false,
    },
    discordeno: compiled("discordeno", "discordeno_bot.mjs"),
    floor: compiled("floor", "floor_bot.mjs"),
    discordJsStore: compiled("discord.js with a store", "discord_js_store_bot.mjs"),
    floorStore: compiled("the floor with a store", "floor_store_bot.mjs"),
  };
}

function compiled(name: string, file: string): Contender {
  return { name, command: { program: compilePeer(file), args: [] }, isBarnacle: false };
}

const WITHOUT_STORE = ["barnacle", "discordJs", "discordeno", "floor"] as const;
const ALL = [...WITHOUT_STORE, "discordJsStore", "floorStore"] as const;

/**
 * Benches of other bots than the four that store nothing. A bot that lacks the feature would only
 * wait.
 */
const SOME: Readonly<Record<string, readonly (keyof Contenders)[]>> = {
  latency: ALL,
  throughput: ALL,
  chatter: ALL,
  heartbeat: ["barnacle", "discordJs"],
  connection: ["barnacle", "discordJs"],
  resume: ["barnacle", "discordJs", "discordeno"],
  "rate-limits": ["barnacle", "discordJs", "discordeno"],
  "million-rows": ["barnacle"],
  backup: ["barnacle"],
  agent: ["barnacle"],
  parked: ["barnacle"],
  dashboard: ["barnacle"],
  voice: ["barnacle"],
  rights: ["barnacle"],
  journey: ["barnacle"],
  hooks: ["barnacle"],
  strangers: ["barnacle"],
};

export function contendersOf(bench: string, contenders: Contenders): readonly Contender[] {
  return (SOME[bench] ?? WITHOUT_STORE)
    .map((name) => contenders[name])
    .filter((contender) => contender !== undefined);
}

export function nodeVersion(): string | undefined {
  const { status, stdout } = spawnSync("node", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
