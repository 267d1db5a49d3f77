/**
 * Bench: searches in kept messages (T17), with the rights check, and the size of their index.
 *
 * Run by hand: `deno run -A bench/parts/known_messages.ts 1000000`. It makes a store of messages in English,
 * German and Japanese whose words follow Zipf's law, in 300 channels, and prints times by the CPU and
 * by the clock: on a busy machine, the latter tell more about its other jobs.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, GuildId } from "../../src/core/discord/ids.ts";
import type { Judged } from "../../src/core/inbound/inbox.ts";
import { mayAllRead, type ReadPlace } from "../../src/core/rights/audience.ts";
import type { GuildFacts } from "../../src/core/rights/rights.ts";
import { createUngroupedTransactions, transactNow } from "../../src/store/database/transact.ts";
import { createKnowledge } from "../../src/store/knowledge/knowledge.ts";
import { prepareKnownRows } from "../../src/store/knowledge/known_rows.ts";
import { KNOWN_CHANNEL, KNOWN_INDEX, KNOWN_MESSAGE } from "../../src/store/schema/judged.ts";
import { id } from "./admit.ts";
import { quantile } from "../stand/stats.ts";

const CHANNELS = 300;
const ROLES = 50;
const BATCH = 500;
const SEARCHES = 400;
const WORDS = 60_000;
const SYLLABLES =
  ("an ber con der ein fer gra hol in ker lo mar net or pro que ran ser ter ung ver " +
    "wol ten zi lich ma re si to ul").split(" ");
const COMMON = [
  "the to i a you it is and that in of for this my on but have me so be not just with was are",
  "ich das ist die der und nicht es du ja in zu mit ein wir aber auch so auf was den hat mal noch",
].map((words) => words.split(" "));
const KANA = [..."のにはをがでとしてたすまるいなかもれさこくらりあうえお"];

let seed = 42;
const random = (): number => (seed = (seed * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 32;
/** A number below `count`: small ones are common. */
const zipf = (count: number): number => Math.floor(Math.exp(random() * Math.log(count)) - 1);
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

function wordOf(number: number): string {
  let word = "";
  for (let rest = number * 7_919 + 13, part = 0; part < 2 + number % 3; part++) {
    word += SYLLABLES[rest % SYLLABLES.length] ?? "";
    rest = Math.floor(rest / SYLLABLES.length) + 17 * part;
  }
  return number % 97 === 0 ? `${word}_${number % 1_000}` : word;
}

function textOf(): string {
  const kind = random();
  const length = 3 + Math.floor(-Math.log(1 - random()) * 12);
  if (kind < 0.1) {
    return Array.from(
      { length: length * 2 },
      () =>
        random() < 0.45
          ? String.fromCodePoint(0x4e00 + 7 * zipf(1_500))
          : KANA[zipf(KANA.length)] ?? "",
    ).join("");
  }
  const common = COMMON[kind < 0.4 ? 1 : 0] ?? [];
  return Array.from(
    { length },
    () => random() < 0.55 ? common[zipf(common.length)] ?? "" : wordOf(zipf(WORDS)),
  ).join(" ");
}

const channelOf = (number: number): ChannelId => id<"channel">(1_000 + number);
const GUILD: GuildId = id<"guild">(1);

function judgedOf(number: number, text: string): Judged {
  const channelId = channelOf(Math.min(CHANNELS - 1, zipf(CHANNELS + 1)));
  const channel = { id: channelId, name: "" };
  return {
    message: {
      kind: "message",
      accountId: "default" as AccountId,
      id: id<"message">(1_200_000_000_000_000 + number * 5_000),
      channelId,
      guildId: GUILD,
      place: { kind: "guild", guild: { id: GUILD, name: "" }, channel },
      sender: { id: id<"user">(2_000 + Math.floor(random() * 5_000)), username: "", roles: [] },
      text,
      revision: 0,
      sentAt: 0,
      mentionsOthers: false,
      extras: [],
    },
    verdict: { kind: "ignore", why: "no-mention", rule: "", keepAsContext: true },
    isSearchable: true,
  };
}

/** A server whose channels each close some roles. */
function guildOf(): { readonly guild: GuildFacts; readonly places: readonly ReadPlace[] } {
  const roles = Array.from({ length: ROLES }, (_, at) => ({
    id: id<"role">(at === 0 ? 1 : 100 + at),
    permissions: at === 0 ? (1n << 10n) | (1n << 16n) : 0n,
    name: "",
    position: at,
    isManaged: false,
  }));
  const places = Array.from({ length: CHANNELS }, (_, at): ReadPlace => ({
    isVoice: false,
    overwrites: roles.slice(1, 1 + at % 12).map(({ id }) => ({ id, allow: 1n << 10n, deny: 0n })),
  }));
  return { guild: { guildId: GUILD, ownerId: id<"user">(9), roles }, places };
}

async function run(messages: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "known-"));
  const database = new DatabaseSync(join(folder, "known.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  database.exec([KNOWN_CHANNEL, KNOWN_MESSAGE, KNOWN_INDEX].map(({ ddl }) => ddl).join(""));
  const known = prepareKnownRows(database);
  const knowledge = createKnowledge(createUngroupedTransactions(database), known);
  let textBytes = 0;
  let adding = 0;
  let indexing = 0;
  for (let at = 0; at < messages; at += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, more) => judgedOf(at + more, textOf()));
    textBytes += batch.reduce((sum, { message }) => sum + Buffer.byteLength(message.text), 0);
    const before = cpuMs();
    transactNow(database, () => known.addAll(batch, []));
    const added = cpuMs();
    while (transactNow(database, () => known.step()));
    adding += added - before;
    indexing += cpuMs() - added;
  }
  const bytesOf = (name: string): number =>
    Number(
      database.prepare("SELECT SUM(pgsize) AS bytes FROM dbstat WHERE name GLOB ?").get(name)
        ?.["bytes"],
    );
  const { guild, places } = guildOf();
  const times: number[] = [];
  const clockTimes: number[] = [];
  for (let at = 0; at < SEARCHES; at++) {
    const words = at % 3 === 0 ? textOf() : textOf().split(" ").slice(0, 5).join(" ");
    const startedAt = performance.now();
    const before = cpuMs();
    const home = places[at % CHANNELS];
    const among = new Set(
      places.flatMap((place, index) =>
        home && mayAllRead(guild, home, place, new Map(), 0) ? [channelOf(index)] : []
      ),
    );
    const accountId = "default" as AccountId;
    await knowledge.search({ accountId, guildId: GUILD, words, among, limit: 10 });
    times.push(cpuMs() - before);
    clockTimes.push(performance.now() - startedAt);
  }
  const perMessage = (ms: number): string => `${(ms * 1_000 / messages).toFixed(1)} µs`;
  console.table({
    messages,
    "text, MB": (textBytes / 1e6).toFixed(1),
    "index, share of the text": (bytesOf("known_words*") / textBytes).toFixed(3),
    "rows with their own indexes, MB": (bytesOf("known_*") / 1e6).toFixed(1),
    "appending a row": perMessage(adding),
    "its words, later": perMessage(indexing),
    "search with rights, p50, ms of CPU": quantile(times, 0.5).toFixed(1),
    "search with rights, p99, ms of CPU": quantile(times, 0.99).toFixed(1),
    "… by the clock, p50, ms": quantile(clockTimes, 0.5).toFixed(1),
    "… by the clock, p99, ms": quantile(clockTimes, 0.99).toFixed(1),
    "… by the clock, latest, ms": Math.max(...clockTimes).toFixed(1),
  });
  database.close();
  rmSync(folder, { recursive: true });
}

if (import.meta.main) await run(Number(process.argv[2] ?? 100_000));
