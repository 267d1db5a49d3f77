/**
 * `barnacle outbox`: lists unsent messages with reasons, and resends or drops them (D2), with and
 * without a running bot.
 */

import { durationText } from "../../lib/text/units.ts";
import { changeRows, printList } from "../../cli/shared/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { PREVIEW_CHARS } from "../../store/outbox/outbox.ts";
import { type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { accountsIn, withStore } from "../../cli/shared/with_store.ts";
import type { OpenRow } from "../../store/outbox/outbox.ts";

type OpenRowOfAccount = OpenRow & { readonly accountId: AccountId };

export function list(flags: AccountFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const accounts = await accountsIn(store.gateway, flags.account);
    const rows: OpenRowOfAccount[] = [];
    for (const accountId of accounts) {
      for (const row of await store.outbox.open(accountId)) rows.push({ accountId, ...row });
    }
    const hasOthers = accounts.length > 1;
    const linesOf = () => rows.map((row) => lineOf(row, Date.now(), hasOthers));
    return printList(rows, "No unsent messages.", flags, io, linesOf);
  });
}

/**
 * Queues uncertain or dead messages again, or deletes unsent ones.
 *
 * @param ids Numbers of messages in the list.
 */
export function release(
  how: "resend" | "drop",
  flags: Omit<AccountFlags, "account">,
  ids: readonly number[],
  io: Io,
): Promise<ExitCode> {
  const words = how === "resend"
    ? {
      key: how,
      done: "queued again",
      failed: (id: number) =>
        `message ${id} cannot be resent: only uncertain and dead messages can; ` +
        "`barnacle outbox list` shows them",
    }
    : {
      key: how,
      done: "dropped",
      failed: (id: number) => `no unsent message ${id}; \`barnacle outbox list\` shows them`,
    };
  return withStore(
    flags,
    io,
    ({ outbox }) => changeRows(ids, (id) => outbox.release(id, how), words, flags, io),
  );
}

/** `"12  uncertain  4 min  channel:123  "Hello"  (why)"`; with the account if there are several. */
function lineOf(row: OpenRowOfAccount, now: number, isOneOfMany: boolean): string {
  const { id, accountId, state, channelId, preview, chars, fileCount, createdAt } = row;
  const files = fileCount === 0 ? "" : ` +${fileCount} file${fileCount === 1 ? "" : "s"}`;
  const text = preview.length < chars ? `${preview}…` : preview;
  return [
    String(id).padStart(6),
    ...(isOneOfMany ? [printable(accountId).padEnd(10)] : []),
    state.padEnd(9),
    durationText(now - createdAt).padStart(9),
    `channel:${printable(channelId)}`, // a damaged row may have any text
    quoted(text, PREVIEW_CHARS + 1) + files,
    ...noteOf(row, now),
  ].join("  ");
}

/** Why a message is not sent, and when it is tried again: `"(failed with 502; next attempt in 4 min)"`. */
function noteOf({ state, reason, nextAttemptAt, behind }: OpenRow, now: number): readonly string[] {
  const parts = [
    ...(reason === undefined ? [] : [printable(reason)]),
    ...(behind === undefined || state === "parked" ? [] : [`waits for message ${behind}`]),
    ...(nextAttemptAt === undefined ? [] : [nextText(nextAttemptAt - now)]),
  ];
  return parts.length === 0 ? [] : [`(${parts.join("; ")})`];
}

/** @param ms Milliseconds until the next attempt; a bot that does not run makes it later. */
function nextText(ms: number): string {
  return ms < 1_000 ? "next attempt is due" : `next attempt in ${durationText(ms)}`;
}
