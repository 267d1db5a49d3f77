/** Prints the table of all benches: its rows and their units. */

import type { Readings } from "./stats.ts";

interface Row {
  readonly figure: string;
  readonly label: string;
  readonly digits: number;
  /** The current goal of the row; × is a part of discord.js's figure. */
  readonly goal?: string;
  /** The older bar: B1 to B13. */
  readonly bar?: string;
}

const ROWS: readonly Row[] = [
  row("freshIdentifyMs", "start → IDENTIFY, fresh data, one core, ms", 0, "≤ 0.2 ×, ≤ 100"),
  row("freshReplyMs", "start → first reply, fresh data, one core, ms", 0, "≤ 140"),
  row("freshIdentifyCpuMs", "… CPU time to IDENTIFY, ms", 0, "≤ 60"),
  row("freshReplyCpuMs", "… CPU time to the first reply, ms", 0, "≤ 85"),
  row("warmIdentifyMs", "start → IDENTIFY, warm, one core, ms", 0),
  row("warmReplyMs", "start → first reply, warm, one core, ms", 0),
  row("warmTwoIdentifyMs", "start → IDENTIFY, warm, two cores, ms", 0, "≤ 60", "B9 ≤ 60, ≤ 0.16 ×"),
  row("warmTwoReplyMs", "start → first reply, warm, two cores, ms", 0, "≤ 80", "B9 ≤ 80"),
  row("toModelP50", "message → model, p50, ms", 2, "≤ 0.9 ×", "B1 ≤ 0.7, ≤ 0.5 ×"),
  row("toModelP99", "message → model, p99, ms", 2),
  row("toPostP50", "model → POST, p50, ms", 2, "", "B2 ≤ one fsync + 0.4"),
  row("toPostLessSyncP50", "… less one fsync of Barnacle's", 2, "≤ 1.0 ×", "B2 ≤ 0.3 ×"),
  row("toPostP99", "model → POST, p99, ms", 2),
  row("replyCpuMs", "CPU per reply, ms", 3, "≤ 0.9 ×", "B3 ≤ 0.35, ≤ 0.6 ×"),
  row("repliesPerSec", "replies per second, 50 channels", 0, "≥ 1.1 ×", "B3 ≥ 2 ×"),
  row("benchCpuMs", "… the bench's own CPU per reply, ms", 3),
  row("sharedOwnCpuMs", "… the same without it", 3),
  row("sharedTimes", "… × the same without it, in turn, median", 2, "≤ 2 ×"),
  row("sharedLeastTimes", "… × the same without it, the least of each", 2, "≤ 2 ×"),
  row("sharedServerCpuMs", "… CPU of the server, ms", 3),
  row("sharedCommits", "… changes that the server confirmed", 2, "≤ 2"),
  row("sharedTrips", "… round trips to the server", 2),
  row("sharedKb", "… its log, kB", 1),
  row("sharedPerSec", "… replies per second", 0),
  row("sharedOwnPerSec", "… the same without it", 0),
  row("aloneCommits", "a reply that comes alone: changes that the server confirmed", 2, "≤ 2"),
  row("aloneTrips", "… round trips in 1.5 s, with the reports of the process", 2),
  row("oneChannelPerSec", "replies per second, one channel", 0),
  row("outboxP50", "end of a turn → its request leaves (T3, T4), p50, ms", 2),
  row("outboxP99", "… p99, ms", 2),
  row(
    "limitedSec",
    "1,000 replies over 50 channels within Discord's limits, s",
    1,
    "≤ 20.9",
    "B11 ≤ 20.9",
  ),
  row("limitedFloors", "… × the floor of 19 s", 2, "", "B11 ≤ 1.10"),
  row("limitedRefused", "… 429s", 0, "0", "B11 ≤ 5"),
  row("limitedLost", "… lost", 0, "", "B11 0"),
  row("limitedAckedSec", "… with ack reactions, s", 1, "", "B11 ≤ 20.9"),
  row("limitedAckedFloors", "… × the floor", 2, "", "B11 ≤ 1.10"),
  row("limitedAckedRefused", "… 429s", 0, "", "B11 ≤ 5"),
  row("limitedAckedLost", "… lost", 0, "", "B11 0"),
  row("chunkProseMs", "1 MB of prose → messages, all of them, ms", 1, "", "≤ 50"),
  row("chunkMarkdownMs", "… of Markdown, ms", 1, "", "≤ 50"),
  row("chunkCodeMs", "… of code blocks, ms", 1, "", "≤ 50"),
  row("chunkOneFenceMs", "… of one code block, ms", 1, "", "≤ 50"),
  row("chunkWideMs", "… of Japanese, ms", 1, "", "≤ 50"),
  row("chunkSolidMs", "… without a blank, ms", 1, "", "≤ 50"),
  row("chunkFirstMs", "… of Markdown, as far as a reply needs it, ms", 1),
  row("chunkMbPerSec", "Markdown → messages, MB/s", 0),
  row("unusedCpuUs", "CPU per unused dispatch, µs", 1, "", "B4 ≤ 4, ≤ 0.25 ×"),
  row("mentionFiles", "source files that the main thread enters for a mention", 0, "≤ 100"),
  row("mentionFunctions", "… functions", 0, "≤ 380"),
  row("ignoredFiles", "source files for an ignored message", 0),
  row("ignoredFunctions", "… functions", 0),
  row("ignoredCpuUs", "CPU per ignored message, µs", 1, "≤ 0.6 ×, ≤ 15", "B5 ≤ 20, ≤ 1.2 ×"),
  row("ignoredPerSec", "ignored messages per second", 0),
  row("floodPeakMib", "peak RSS in a flood of 100,000, MiB", 1, "≤ 0.5 ×, ≤ 120"),
  row("afterRssMib", "RSS right after it, MiB", 1, "", "B8 ≤ 70, ≤ 0.3 ×"),
  row("laterRssMib", "RSS 10 s later, MiB", 1, "≤ idle + 15", "B8 ≤ idle + 14"),
  row("secondAddsMib", "… the second 100,000 add, 10 s later, MiB", 1, "", "B8 ≤ 1"),
  row("thirdAddsMib", "… the third 100,000 add, 10 s later, MiB", 1, "", "B8 ≤ 1"),
  row("idleRssMib", "idle RSS before any reply, MiB", 1, "", "B6 ≤ 55, ≤ 0.7 ×"),
  row("idleDirtyMib", "… private dirty, MiB", 1, "", "B6 ≤ 20"),
  row("repliedRssMib", "idle RSS after one reply, MiB", 1, "≤ 0.75 ×, ≤ 60"),
  row("repliedDirtyMib", "… private dirty, MiB", 1, "≤ 22"),
  row("idleCpuMs", "idle: CPU a minute, ms", 0, "≤ 0.75 ×, ≤ 60", "B12 ≤ 40"),
  row("idleWrites", "idle: disk writes a minute", 1, "≤ 2"),
  row("idleWrittenKib", "idle: KiB of file pages written a minute", 0),
  row("largeRssMib", "idle RSS, 100 guilds × 100 channels × 100 members, MiB", 1, "", "B7 ≤ 0.5 ×"),
  row("largeDirtyMib", "… private dirty, MiB", 1),
  row("largeAddsMib", "… more RSS than in one guild, MiB", 1, "", "B7 ≤ 5"),
  row("resumeWireMs", "RESUME after 4000, time on the wire, p50, ms", 1, "", "B12 ≤ 50"),
  row("resumeWholeMs", "… with the wait before it, p50, ms", 0, "", "B12 ≤ 500"),
  row("resumeIdentifies", "… IDENTIFYs instead, of 3", 0, "", "B12 0"),
  row("commandAckP50", "slash command → acknowledgement, p50, ms", 1),
  row("commandAckP99", "… p99, ms", 1, "", "≤ 50"),
  row("burnCommandMs", "… in a 3 s burn, the latest, ms", 0, "", "≤ 1,000"),
  row("commands", "commands that a restart compares", 0),
  row("commandWrites", "… requests that it writes", 0, "", "0"),
  row("ownerQuietP50", "owner's question → answer, with limits, p50, ms", 1),
  row("ownerQuietMs", "… the latest of 20, ms", 0),
  row("ownerMentionsP50", "… while a stranger mentions the bot all the time, p50, ms", 1),
  row("ownerMentionsMs", "… the latest of 20, ms", 0, "≤ 2,000 more"),
  row("ownerMentionsPerSec", "… mentions a second", 0),
  row("ownerCommandsP50", "… while a stranger gives commands all the time, p50, ms", 1),
  row("ownerCommandsMs", "… the latest of 20, ms", 0, "≤ 2,000 more"),
  row("ownerCommandsPerSec", "… commands a second", 0),
  row("hookP50", "event of a hook → 202, on the disk, p50, ms", 2, "≤ 5"),
  row("hookP99", "… p99, ms", 2),
  row("hookCpuMs", "… CPU of the bot, mean, ms", 2),
  row("hookBurstMs", "1,000 events sent in a second: until the last 202, ms", 0),
  row("hookBurstP50", "… sent → 202, p50, ms", 2),
  row("hookBurstP99", "… p99, ms", 2),
  row("hookBurstCpuMs", "… CPU of the bot per event, ms", 2),
  row("hookBurstLost", "… not in the store of the killed bot", 0, "0"),
  row("hookBurstPosts", "… messages in the channel", 0),
  row("hookBurstRefused", "… 429s of Discord", 0, "0"),
  row("burnBeatMs", "heartbeat delay in a 3 s burn, ms", 0, "keep", "B10 ≤ 50"),
  row("blockedBeatMs", "main blocked for a minute: latest heartbeat, ms late", 0, "", "B10 ≤ 50"),
  row("blockedConnections", "… connections lost", 0),
  row("blockedLost", "… of 10 questions, never answered", 0),
  row("toModelLongP50", "message → model with 20 messages and 100 entries, p50, ms", 2),
  row("toModelLongRatio", "… × the same without", 2, "≤ 2"),
  row("stepCpuMs", "CPU per tool step, without the tool's own, ms", 2, "≤ 0.5"),
  row("toolRssMib", "RSS after 200 turns with tools, MiB", 1, "≤ 95"),
  row("waitingAddsMib", "1,000 waiting messages add, MiB", 1, "≤ 5"),
  row("waitingNewAddsMib", "… in a new process, MiB", 1, "≤ 5"),
  row("waitingNewDirtyMib", "… of it private dirty, MiB", 1),
  row("waitingMoreMib", "… each 1,000 of the next 4,000, MiB", 1),
  row("parkedAddsMib", "1,000 parked turns add, MiB", 1, "≤ 5"),
  row("parkedNewAddsMib", "… in a new process, MiB", 1),
  row("answeredNewAddsMib", "… 1,000 answered ones instead, MiB", 1),
  row("parkedMoreMib", "… each 1,000 of the next 3,000, MiB", 1),
  row("dashboardOneMib", "The dashboard's first page adds, private MiB", 1, "≤ 4"),
  row("dashboardAllMib", "… all pages, private MiB", 1, "≤ 4"),
  row("dashboardAllRssMib", "… all pages, MiB", 1, "≤ 4"),
  row("dashboardAgainMib", "… all again, private MiB", 1),
  row("dashboardIdleMib", "… as many seconds without a page, private MiB", 1),
  row("callSpeakCpu", "a call: CPU while it speaks, % of a core", 1, "≤ 8"),
  row("callHearCpu", "… while three people speak, %", 1, "≤ 6"),
  row("callSilentMib", "… a silent call adds, MiB", 1, "≤ 35"),
  row("callSpeakMib", "… one in which it speaks, MiB", 1, "≤ 35"),
  row("callHearMib", "… one in which three people speak, MiB", 1, "≤ 35"),
  row("callLeftMib", "… after its end, MiB", 1, "0"),
  row("callFirstMs", "… end of speech → first sound, servers included, ms", 0, "≤ 700"),
  row("callStopMs", "… begin of speech → the bot's last sound, ms", 0, "≤ 300"),
  row("callBeatMs", "… the slowest of 20 heartbeats while three people speak, ms", 0, "≤ 10"),
  row("backupStoreMb", "Backup of a store, MB", 0),
  row("backupCopySec", "… cp and fsync of the same file, s", 1),
  row("backupPlainSec", "… plain, s", 1, "≤ 10 for 1 GB"),
  row("backupPlainCpuSec", "… CPU, s", 1),
  row("backupPlainCopies", "… × cp and fsync", 1),
  row("backupPlainP95", "… replies meanwhile, p95, ms", 0),
  row("backupPlainMax", "… the latest, ms", 0, "≤ 50"),
  row("backupSealedSec", "… encrypted, s", 1),
  row("backupSealedCpuSec", "… CPU, s", 1),
  row("backupSealedP95", "… replies meanwhile, p95, ms", 0),
  row("backupSealedMax", "… the latest, ms", 0, "≤ 50"),
  row("backupNoneP95", "… replies before it, p95, ms", 0),
  row("backupNoneMax", "… the latest, ms", 0),
  row("admitP50", "admit, 100 guilds × 100 channels × 1,000 entries, p50, µs", 2, "", "≤ 5"),
  row("admitP99", "… p99 of means over 100 messages, µs", 1),
  row("routeP50", "routing, 50 agents × 500 bindings, p50, µs", 2, "", "≤ 5"),
  row("routeP99", "… p99 of means over 100 messages, µs", 2),
  row("intentP50", "intent filter, one message with its record, p50, µs", 2, "", "≤ 25"),
  row("intentP99", "… p99 of means over 100 messages, µs", 1),
  row("intentPersonBytes", "… memory of a tracked person, bytes", 0, "", "≤ 300"),
  row("rightsP50", "rights and policy of one call of discord, p50, µs", 2, "", "≤ 50"),
  row("rightsP99", "… p99 of means over 100 calls, µs", 1, "", "≤ 50"),
  row("rightsCpuUs", "… CPU of all threads, mean, µs", 1),
  row("largestRightsP50", "… with 250 roles and 100 overwrites, p50, µs", 2, "", "≤ 50"),
  row("largestRightsP99", "… p99 of means over 100 calls, µs", 1, "", "≤ 50"),
  row("largestRightsCpuUs", "… CPU of all threads, mean, µs", 1),
  row("schemaChars", "… characters of its schema, default gates", 0, "", "≤ 4,000"),
  row("actionsAddMib", "200 actions of discord add, RSS, MiB", 1, "", "≤ 3"),
  row("actionsMoreMib", "… each of the second and third 200, MiB", 1),
  row("toolsAddMib", "… all default tools add to 200 turns without calls, RSS, MiB", 1, "", "≤ 3"),
  row("actionsTurnsAddMib", "… the same turns without the action add, MiB", 1),
  row("reloadFirstMs", "reload of a 10,000-line config, the first, ms", 1, "", "≤ 50"),
  row("reloadP50", "… p50, ms", 1, "", "≤ 50"),
  row("reloadP99", "… p99, ms", 1),
  row("identifiesPerRestart", "a restart: IDENTIFYs", 2, "", "≤ 0.01"),
  row("restartLostPercent", "… questions asked meanwhile, never answered, %", 0, "", "0"),
  row("halfOpenSec", "half-open connection: back after, s (3 s heartbeats)", 1),
  row("closeLoopIdentifies", "closed after each IDENTIFY, 30 s: IDENTIFYs", 0),
  row("closeLoopBackSec", "… and back after, s", 1),
  row("deadSessionLost", "session dies: of 20 questions meanwhile, never answered", 0, "", "0"),
  row("hangSec", "an upgrade that hangs: back after, s", 1),
  row("binaryMb", "the binary, MB", 1, "", "B13 ≤ 150"),
  row("packedMb", "the binary, xz -6, MB", 1, "", "B13 ≤ 50"),
];

const DISK_ROWS: readonly Row[] = [
  row("syncMs", "4 KiB + fdatasync, p50, ms", 2),
  row("commitMs", "SQLite commit, WAL FULL, p50, ms", 2),
];

function row(figure: string, label: string, digits: number, goal = "", bar = ""): Row {
  return { figure, label, digits, goal, bar };
}

export interface Columns {
  readonly ours: Readings;
  readonly discordJs: Readings;
  readonly discordeno: Readings;
  readonly floor: Readings;
  readonly disk: Readings;
}

/** A Markdown table, for the documents. */
export function tableOf({ disk, ...measured }: Columns): string {
  const columns = {
    ours: derived(measured.ours, disk["syncMs"]),
    discordJs: derived(measured.discordJs, 0),
    discordeno: derived(measured.discordeno, 0),
    floor: derived(measured.floor, 0),
  };
  const { ours, discordJs, discordeno, floor } = columns;
  const lines = [
    "| | Barnacle | discord.js | ratio | floor | ratio | discordeno | goal | bar |",
    "|---|--:|--:|--:|--:|--:|--:|---|---|",
    ...ROWS.filter(({ figure }) => figure in ours).map(({ figure, label, digits, goal, bar }) =>
      cells(
        label,
        shown(ours[figure], digits),
        shown(discordJs[figure], digits),
        ratioOf(figure, ours, discordJs),
        shown(floor[figure], digits),
        ratioOf(figure, ours, floor),
        shown(discordeno[figure], digits),
        goal ?? "",
        bar ?? "",
      )
    ),
    ...DISK_ROWS.map(({ figure, label, digits }) =>
      cells(`this disk: ${label}`, shown(disk[figure], digits), "", "", "", "", "", "", "")
    ),
  ];
  return lines.join("\n");
}

/** Figures that are differences of others. @param syncMs One fsync, which peers do not make. */
function derived(readings: Readings, syncMs = NaN): Readings {
  const { toPostP50, largeRssMib, repliedRssMib } = readings;
  return {
    ...readings,
    ...(toPostP50 !== undefined && { toPostLessSyncP50: toPostP50 - syncMs }),
    ...(largeRssMib !== undefined && repliedRssMib !== undefined &&
      { largeAddsMib: largeRssMib - repliedRssMib }),
  };
}

/** Compares Barnacle with a full store and Barnacle with a new one. */
export function millionRowsTable(readings: Readings): string | undefined {
  const lines = ROWS.flatMap(({ figure, label, digits }) => {
    const empty = readings[emptyKey(figure)];
    const full = readings[fullKey(figure)];
    if (empty === undefined || full === undefined) return [];
    return [cells(label, shown(empty, digits), shown(full, digits), ratio(full, empty))];
  });
  if (lines.length === 0) return undefined;
  const rows = readings["seededRows"]?.toLocaleString("en-US");
  return [
    `| Barnacle | new store | ${rows} rows in inbox, outbox and decisions (all kept) | ratio |`,
    "|---|--:|--:|--:|",
    ...lines,
  ].join("\n");
}

const PROMISE_ROWS: readonly Row[] = [
  row("replyCpuMs", "CPU per reply, ms", 3, "≤ 2.0 ×"),
  row("repliesPerSec", "replies per second, 50 channels", 0, "≥ 0.5 ×"),
  row("toModelP50", "message → model, p50, ms", 2, "≤ 1.4 ×"),
  row("toPostP50", "model → POST, p50, ms", 2, "≤ 1.6 ×"),
  row("ignoredCpuUs", "CPU per ignored message, µs", 1, "≤ 0.7 ×, ≤ 12"),
];

/** Compares Barnacle with the bots that keep the same promise, on the same runtime. */
export function promiseTable(
  { ours, discordJs, floor }: Pick<Columns, "ours" | "discordJs" | "floor">,
): string | undefined {
  const lines = PROMISE_ROWS.filter(({ figure }) => figure in ours && figure in discordJs).map((
    { figure, label, digits, goal = "" },
  ) =>
    cells(
      label,
      shown(ours[figure], digits),
      shown(discordJs[figure], digits),
      ratio(ours[figure], discordJs[figure]),
      shown(floor[figure], digits),
      ratio(ours[figure], floor[figure]),
      goal,
    )
  );
  if (lines.length === 0) return undefined;
  return [
    "| the same promise, the same runtime | Barnacle | discord.js + store | ratio " +
    "| floor + store | ratio | goal |",
    "|---|--:|--:|--:|--:|--:|---|",
    ...lines,
  ].join("\n");
}

export const emptyKey = (figure: string): string => `empty ${figure}`;
export const fullKey = (figure: string): string => `full ${figure}`;

const cells = (...texts: readonly string[]): string => `| ${texts.join(" | ")} |`;

const shown = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "";

/** A difference may be zero or less, so a ratio of it says nothing. */
function ratioOf(figure: string, ours: Readings, theirs: Readings): string {
  return figure.endsWith("AddsMib") ? "" : ratio(ours[figure], theirs[figure]);
}

function ratio(ours: number | undefined, theirs: number | undefined): string {
  if (ours === undefined || !theirs) return ""; // nothing is a ratio of zero
  const ratio = ours / theirs;
  return `${ratio.toFixed(ratio < 0.1 ? 4 : 2)} ×`;
}
