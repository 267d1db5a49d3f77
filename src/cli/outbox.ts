/**
 * `barnacle outbox`: each message that Discord does not have, and why; and what
 * only a person can decide about it (D2).
 *
 * It reads and changes the store itself, so it works whether or not a bot runs;
 * one that does sees the change within a second.
 *
 * @module
 */

import { toAccountId } from "../core/ids.ts";
import { printable, quoted } from "../lib/quoted.ts";
import { type OpenRow, PREVIEW_CHARS } from "../store/held_rows.ts";
import type { Store } from "../store/store.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import type { CommonFlags } from "./flags.ts";
import type { Io } from "./io.ts";
import { toStartError } from "./start_error.ts";
import { dataDirOf, openBeside } from "./store_access.ts";

type OutboxFlags = Pick<CommonFlags, "data" | "json">;

/** The one account of this version. */
const ACCOUNT = toAccountId("default");

/** Lists what is not sent. */
export function list(flags: OutboxFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const rows = await store?.outbox.open(ACCOUNT) ?? [];
    if (flags.json) {
      io.out(JSON.stringify(rows));
      return EXIT.done;
    }
    if (rows.length === 0) io.err("Nothing waits: Discord has every message.");
    for (const row of rows) io.out(lineOf(row, Date.now()));
    return EXIT.done;
  });
}

/**
 * Sends a message again that is held, or gives one up.
 *
 * @param ids As `list` shows them.
 */
export function release(
  how: "resend" | "drop",
  flags: OutboxFlags,
  ids: readonly number[],
  io: Io,
): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const done: number[] = [];
    for (const id of ids) {
      if (await store?.outbox.release(id, how)) {
        done.push(id);
        continue;
      }
      io.err(
        how === "resend"
          ? `barnacle: ${id} is none that can be sent again: that is for what is uncertain or dead`
          : `barnacle: ${id} is none that waits; \`barnacle outbox list\` shows them`,
      );
    }
    if (flags.json) {
      io.out(JSON.stringify({ [how]: done }));
    } else {
      for (const id of done) {
        io.out(how === "resend" ? `${id} is sent again` : `${id} is dropped`);
      }
    }
    return done.length === ids.length ? EXIT.done : EXIT.failed;
  });
}

async function withStore(
  { data }: OutboxFlags,
  io: Io,
  work: (store: Store | undefined) => Promise<ExitCode>,
): Promise<ExitCode> {
  let store: Store | undefined;
  try {
    store = openBeside(dataDirOf(data, io));
    return await work(store);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.err(`barnacle: ${message}`);
    return code;
  } finally {
    store?.close();
  }
}

/** `"12  uncertain  4 min  channel:123  "Hello"  (why)"`. */
function lineOf(row: OpenRow, now: number): string {
  const { id, state, channelId, preview, chars, fileCount, createdAt, reason } = row;
  const files = fileCount === 0 ? "" : ` +${fileCount} file${fileCount === 1 ? "" : "s"}`;
  const words = preview.length < chars ? `${preview}…` : preview;
  return [
    String(id).padStart(6),
    state.padEnd(9),
    ageOf(now - createdAt).padStart(7),
    `channel:${channelId}`,
    quoted(words, PREVIEW_CHARS + 1) + files,
    ...(reason === undefined ? [] : [`(${printable(reason)})`]),
  ].join("  ");
}

function ageOf(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return "now";
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
