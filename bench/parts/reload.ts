/**
 * Bench: the time of reloading a large config (C9), up to the plan for each account.
 *
 * The config has ten thousand lines: a hundred guilds, each with its own list and thirty channels.
 * A rule or two change between two readings. The bench runs in Bun, the binary's runtime, in a
 * process of its own. `reloadFirstMs` is the first one's time, which only the start has warmed up.
 */

import { planReload } from "../../src/config/changes.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { readInBun } from "../stand/in_bun.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const ROUNDS = 25;
const SETTLE_MS = 500;
const GUILDS = 100;
const CHANNELS = 32;

function configText(): string {
  const guilds = Array.from({ length: GUILDS }, (_, index) => guildText(index)).flat();
  return [
    "// A config of ten thousand lines.",
    "{",
    '  "channels": {',
    '    "discord": {',
    '      "token": "${DISCORD_BOT_TOKEN}",',
    '      "guilds": {',
    ...guilds,
    "      },",
    "    },",
    "  },",
    "}",
    "",
  ].join("\n");
}

function guildText(index: number): readonly string[] {
  const id = 123_456_789_012_000_000n + BigInt(index);
  const channels = Array.from({ length: CHANNELS }, (_, channel) => [
    `            "channel-${channel}": {`,
    `              "requireMention": ${channel % 2 === 0}, // as they asked`,
    "            },",
  ]).flat();
  return [
    `        "${id}": {`,
    `          "slug": "guild-${index}",`,
    `          "users": ["${id}", "role:Members", "somebody-${index}"],`,
    '          "channels": {',
    ...channels,
    "          },",
    "        },",
  ];
}

async function load(text: string): Promise<LoadedConfig> {
  const loaded = await loadConfig({ file: "config.jsonc", text }, {
    env: { DISCORD_BOT_TOKEN: "token" },
    readFile: () => Promise.resolve(undefined),
  });
  if (loaded.kind === "refused") throw new Error(JSON.stringify(loaded.problems[0]));
  return loaded;
}

async function readings(): Promise<Readings> {
  const text = configText();
  const other = text.replace('"requireMention": true', '"requireMention": false')
    .replace('"slug": "guild-50"', '"slug": "another"');
  let running = await load(text);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS)); // not during a start
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const loaded = await load(round % 2 === 0 ? other : text);
    const { changes } = planReload(running, loaded);
    times.push(performance.now() - startedAt);
    if (changes.length !== 2) throw new Error(`${changes.length} changes are not two`);
    running = loaded;
  }
  return {
    reloadLines: text.split("\n").length,
    reloadFirstMs: times[0] ?? NaN,
    reloadP50: quantile(times, 0.5),
    reloadP99: quantile(times.slice(1), 0.99),
  };
}

/** Milliseconds in Bun for a reload. */
export function benchReload(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) console.log(JSON.stringify(await readings(), undefined, 1));
