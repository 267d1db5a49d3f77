/**
 * Prints the memory of a bot under twenty mixed events a second (B7), as the mean of each minute,
 * because the runtime collects garbage every half a minute or so: messages, some of them questions
 * in channels and in new threads, edits, deletions, reactions, and changes of members.
 *
 * `deno run -A bench/load.ts <binary> [minutes]`
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { snowflakeAt } from "../src/core/discord/ids.ts";
import { memoryOf } from "./proc.ts";
import { openStand } from "./stand.ts";

const PER_SEC = 20;
const PEOPLE = 2_000;
/** Threads that are open at the same time. */
const THREADS = 200;
/** Events of each kind in a hundred. */
const MIX = {
  plain: 55,
  ask: 4,
  thread: 1,
  edit: 11,
  remove: 3,
  react: 12,
  join: 4,
  member: 5,
  leave: 5,
} as const;
const WORDS = "krill whale ocean tide plankton salt wave deep cold reef swim night moon".split(" ");

const [program = "dist/barnacle", minutes = "60"] = process.argv.slice(2);
const stand = openStand({ name: "Barnacle", command: { program, args: [] }, isBarnacle: true });
const { pid } = await stand.start();
const { discord } = stand;
const { guildId, botId, channelIds } = discord;

let ids = 0;
const newId = () => snowflakeAt<"message">(Date.now(), ids++ & 0xfff);
const below = (count: number) => Math.floor(Math.random() * count);
const pick = <One>(all: readonly One[]): One | undefined => all[below(all.length)];
const words = () =>
  Array.from({ length: 5 + below(30) }, () => `${pick(WORDS)}${below(99)}`).join(" ");
const userOf = (number: number) => ({
  id: String(900_000_000_000_000_000n + BigInt(number)),
  username: `user${number}`,
  discriminator: "0",
});
const member = { roles: [], joined_at: "2024-01-01T00:00:00.000000+00:00", flags: 0 };
const messageOf = (channel: string, content: string, mentions: readonly object[] = []) => ({
  ...{ id: newId(), type: 0, channel_id: channel, guild_id: guildId, member, content, mentions },
  ...{ author: userOf(below(PEOPLE)), timestamp: new Date().toISOString(), edited_timestamp: null },
  ...{ mention_everyone: false, mention_roles: [], attachments: [], embeds: [], flags: 0 },
});
const recent: ReturnType<typeof messageOf>[] = [];
const threads: string[] = [];

function ask(channel: string): void {
  const bot = { id: botId, username: "barnacle", discriminator: "0", bot: true };
  discord.send("MESSAGE_CREATE", messageOf(channel, `<@${botId}> ${words()}`, [bot]));
}

const ACTS: Readonly<Record<keyof typeof MIX, () => void>> = {
  plain() {
    const message = messageOf(pick(channelIds) ?? "", words());
    recent.push(message);
    if (recent.length > 500) recent.shift();
    discord.send("MESSAGE_CREATE", message);
  },
  ask: () => ask(pick(channelIds) ?? ""),
  thread() {
    const thread = { id: newId(), type: 11, guild_id: guildId, parent_id: pick(channelIds) };
    discord.send("THREAD_CREATE", { ...thread, name: words().slice(0, 40), newly_created: true });
    ask(thread.id);
    threads.push(thread.id);
    const old = threads.length > THREADS && threads.shift();
    if (old) discord.send("THREAD_DELETE", { ...thread, id: old });
  },
  edit() {
    const edited_timestamp = new Date().toISOString();
    const message = pick(recent);
    if (message) discord.send("MESSAGE_UPDATE", { ...message, content: words(), edited_timestamp });
  },
  remove() {
    const { id, channel_id } = pick(recent) ?? {};
    if (id) discord.send("MESSAGE_DELETE", { id, channel_id, guild_id: guildId });
  },
  react() {
    const { id: message_id, channel_id } = pick(recent) ?? {};
    const user = userOf(below(PEOPLE));
    const emoji = { id: null, name: "👍" };
    const more = { user_id: user.id, member: { ...member, user }, emoji, guild_id: guildId };
    if (message_id) discord.send("MESSAGE_REACTION_ADD", { message_id, channel_id, ...more });
  },
  join: () =>
    discord.send("GUILD_MEMBER_ADD", { ...member, guild_id: guildId, user: userOf(below(1e6)) }),
  member: () =>
    discord.send("GUILD_MEMBER_UPDATE", {
      ...{ ...member, guild_id: guildId, user: userOf(below(PEOPLE)), nick: words().slice(0, 20) },
    }),
  leave: () => discord.send("GUILD_MEMBER_REMOVE", { guild_id: guildId, user: userOf(below(1e6)) }),
};
const acts = Object.entries(MIX).flatMap(([name, times]) =>
  Array.from({ length: times }, () => ACTS[name as keyof typeof MIX])
);

const startedAt = performance.now();
let sent = 0;
let samples: number[] = [];
for (let minute = 0; minute <= Number(minutes);) {
  const seconds = (performance.now() - startedAt) / 1_000;
  for (; sent < seconds * PER_SEC; sent++) pick(acts)?.();
  if (seconds >= minute * 60 - 60 + samples.length) samples.push(memoryOf(pid).rssMib);
  if (seconds >= minute * 60) {
    const mean = samples.reduce((sum, mib) => sum + mib, 0) / samples.length;
    console.log(`${minute} min: ${mean.toFixed(1)} MiB, ${stand.postedAt.length} answers`);
    samples = [];
    minute++;
  }
  await sleep(20);
}
await stand.close();
process.exit(0); // the runtime keeps a pool of connections
