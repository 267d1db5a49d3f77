/**
 * The one table that the benches end in: what is shown, and in which unit.
 *
 * @module
 */

import type { Readings } from "./stats.ts";

interface Row {
  readonly figure: string;
  readonly label: string;
  readonly digits: number;
  /** The bar of the project's own figures that the row is held against. */
  readonly bar?: string;
}

const ROWS: readonly Row[] = [
  row("freshIdentifyMs", "start → IDENTIFY, fresh data, one core, ms", 0),
  row("freshReplyMs", "start → first reply, fresh data, one core, ms", 0),
  row("warmIdentifyMs", "start → IDENTIFY, warm, one core, ms", 0),
  row("warmReplyMs", "start → first reply, warm, one core, ms", 0),
  row("warmTwoIdentifyMs", "start → IDENTIFY, warm, two cores, ms", 0, "B9 ≤ 60, ≤ 0.16 ×"),
  row("warmTwoReplyMs", "start → first reply, warm, two cores, ms", 0, "B9 ≤ 80"),
  row("toModelP50", "message → model, p50, ms", 2, "B1 ≤ 0.7, ≤ 0.5 ×"),
  row("toModelP99", "message → model, p99, ms", 2),
  row("toPostP50", "model → POST, p50, ms", 2, "B2 ≤ one fsync + 0.4"),
  row("toPostP99", "model → POST, p99, ms", 2),
  row("replyCpuMs", "CPU per reply, ms", 3, "B3 ≤ 0.35, ≤ 0.6 ×"),
  row("repliesPerSec", "replies per second, 50 channels", 0, "B3 ≥ 2 ×"),
  row("oneChannelPerSec", "replies per second, one channel", 0),
  row("outboxP50", "end of a turn → its request leaves (T3, T4), p50, ms", 2),
  row("outboxP99", "… p99, ms", 2),
  row("limitedSec", "1,000 replies over 50 channels within Discord's limits, s", 1, "B11 ≤ 20.9"),
  row("limitedFloors", "… × the floor of 19 s", 2, "B11 ≤ 1.10"),
  row("limitedRefused", "… 429s", 0, "B11 ≤ 5"),
  row("limitedLost", "… lost", 0, "B11 0"),
  row("limitedAckedSec", "… with ack reactions, s", 1, "B11 ≤ 20.9"),
  row("limitedAckedFloors", "… × the floor", 2, "B11 ≤ 1.10"),
  row("limitedAckedRefused", "… 429s", 0, "B11 ≤ 5"),
  row("limitedAckedLost", "… lost", 0, "B11 0"),
  row("chunkProseMs", "1 MB of prose → messages, all of them, ms", 1, "≤ 50"),
  row("chunkMarkdownMs", "… of Markdown, ms", 1, "≤ 50"),
  row("chunkCodeMs", "… of code blocks, ms", 1, "≤ 50"),
  row("chunkOneFenceMs", "… of one code block, ms", 1, "≤ 50"),
  row("chunkWideMs", "… of Japanese, ms", 1, "≤ 50"),
  row("chunkSolidMs", "… without a blank, ms", 1, "≤ 50"),
  row("chunkFirstMs", "… of Markdown, as far as a reply needs it, ms", 1),
  row("chunkMbPerSec", "Markdown → messages, MB/s", 0),
  row("unusedCpuUs", "CPU per dispatch nobody uses, µs", 1, "B4 ≤ 4, ≤ 0.25 ×"),
  row("ignoredCpuUs", "CPU per ignored message, µs", 1, "B5 ≤ 13, ≤ 0.8 ×"),
  row("idleRssMib", "idle RSS, MiB", 1, "B6 ≤ 55, ≤ 0.7 ×"),
  row("idleDirtyMib", "idle private dirty, MiB", 1, "B6 ≤ 20"),
  row("afterRssMib", "RSS after 100,000 ignored, MiB", 1, "B8 ≤ 70, ≤ 0.3 ×"),
  row("laterRssMib", "RSS 10 s later, MiB", 1, "B8 ≤ idle + 14"),
  row("burnBeatMs", "heartbeat delay in a 3 s burn, ms", 0, "B10 ≤ 50"),
  row("blockedBeatMs", "main blocked for a minute: latest heartbeat, ms late", 0, "B10 ≤ 50"),
  row("blockedConnections", "… connections lost", 0),
  row("blockedLost", "… of 10 questions, never answered", 0),
  row("admitP50", "admit, 100 guilds × 100 channels × 1,000 entries, p50, µs", 2, "≤ 5"),
  row("admitP99", "… p99 of means over 100 messages, µs", 1),
  row("reloadFirstMs", "reload of a 10,000-line config, the first, ms", 1, "≤ 50"),
  row("reloadP50", "… p50, ms", 1, "≤ 50"),
  row("reloadP99", "… p99, ms", 1),
  row("identifiesPerRestart", "a restart: IDENTIFYs", 2, "≤ 0.01"),
  row("restartLostPercent", "… questions asked meanwhile, never answered, %", 0, "0"),
  row("halfOpenSec", "half-open connection: back after, s (3 s heartbeats)", 1),
  row("closeLoopIdentifies", "closed after each IDENTIFY, 30 s: IDENTIFYs", 0),
  row("closeLoopBackSec", "… and back after, s", 1),
  row("deadSessionLost", "session dies: of 20 questions meanwhile, never answered", 0, "0"),
  row("hangSec", "an upgrade that hangs: back after, s", 1),
  row("binaryMb", "the binary, MB", 1, "B13 ≤ 116"),
  row("packedMb", "the binary, xz -6, MB", 1, "B13 ≤ 36"),
];

const DISK_ROWS: readonly Row[] = [
  row("syncMs", "4 KiB + fdatasync, p50, ms", 2),
  row("commitMs", "SQLite commit, WAL FULL, p50, ms", 2),
];

function row(figure: string, label: string, digits: number, bar?: string): Row {
  return { figure, label, digits, ...(bar !== undefined && { bar }) };
}

export interface Columns {
  readonly ours: Readings;
  readonly discordJs: Readings;
  /** Measured where Discord's limits hold, and nowhere else. */
  readonly discordeno: Readings;
  readonly disk: Readings;
}

/** A Markdown table, so that it can go into the docs as it is printed. */
export function tableOf({ ours, discordJs, discordeno, disk }: Columns): string {
  const lines = [
    "| | Barnacle | discord.js | ratio | discordeno | bar |",
    "|---|--:|--:|--:|--:|---|",
    ...ROWS.filter(({ figure }) => figure in ours).map(({ figure, label, digits, bar = "" }) =>
      cells(
        label,
        shown(ours[figure], digits),
        shown(discordJs[figure], digits),
        ratio(ours[figure], discordJs[figure]),
        shown(discordeno[figure], digits),
        bar,
      )
    ),
    ...DISK_ROWS.map(({ figure, label, digits }) =>
      cells(`this disk: ${label}`, shown(disk[figure], digits), "", "", "", "")
    ),
  ];
  return lines.join("\n");
}

const cells = (...texts: readonly string[]): string => `| ${texts.join(" | ")} |`;

const shown = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "";

function ratio(ours: number | undefined, theirs: number | undefined): string {
  if (ours === undefined || !theirs) return ""; // of nothing there is no part
  const ratio = ours / theirs;
  return `${ratio.toFixed(ratio < 0.1 ? 4 : 2)} ×`;
}
