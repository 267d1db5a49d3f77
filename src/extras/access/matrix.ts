/** `barnacle access matrix`: prints the current access rules of each place. */

import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { displayWidth } from "../../render/markdown/graphemes.ts";
import { knownPeople } from "../../cli/verdict/known_people.ts";
import {
  accessNow,
  type AccessView,
  tellDefaults,
  viewOf,
} from "../../cli/verdict/current_rules.ts";
import { type AccessRow, markedText, namedEntry, rowsOf } from "./rows.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { tellRefused } from "../../cli/shared/read_config.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Store } from "../../store/store.ts";

export function accessMatrix(flags: AccountFlags, io: Io): Promise<ExitCode> {
  return withStoreIfAny(flags, io, async (store, isUnread) => {
    const now = await accessNow(await configBefore(flags, io), io, store);
    if (tellRefused(now, io)) return EXIT.config;
    tellDefaults(now, io);
    const views = flags.account === undefined ? now.views : [viewOf(now, flags.account)];
    const tables = [];
    for (const view of views) tables.push(await matrixOf(view, store, isUnread));
    if (flags.json) {
      io.out(JSON.stringify(tables.map(({ notes: _, names: __, ...table }) => table)));
      return EXIT.done;
    }
    for (const [at, { accountId, rows, names, notes }] of tables.entries()) {
      if (at > 0) io.out("");
      if (tables.length > 1) io.out(`[${accountId}]`);
      printLines(linesOf(rows, names), io);
      for (const note of notes) io.out(note);
    }
    return EXIT.done;
  });
}

export interface AccessMatrix {
  readonly accountId: AccountId;
  readonly rows: readonly AccessRow[];
  /** Entries of `commands.ownerAllowFrom`, or words for the owners at Discord. */
  readonly owners: readonly string[];
  /** Whether other bots are treated as people are. */
  readonly allowsBots: boolean;
  /** Usernames of known people, by the ids of the entries. */
  readonly names: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * Makes the matrix of an account.
 *
 * @param isUnread Whether there may be a store that cannot be read.
 */
export async function matrixOf(
  { accountId, policy }: AccessView,
  store: Store | undefined,
  isUnread: boolean,
): Promise<AccessMatrix> {
  const { index } = restoreIndex(await store?.gateway.guildsOf(accountId) ?? []);
  const paired = await store?.pairing.paired(accountId) ?? [];
  const { owners } = policy.commands;
  const rows = rowsOf(policy, index, isUnread ? undefined : paired.length);
  const names = store ? await knownPeople(store, [accountId]) : new Map<string, string>();
  const named = owners?.map((owner) => namedEntry(markedText(owner), names));
  return {
    accountId,
    rows,
    owners: owners?.map(markedText) ?? ["the application's owners at Discord"],
    allowsBots: policy.allowBots,
    names,
    notes: notesOf(rows, named, policy.allowBots),
  };
}

const HEAD = ["PLACE", "MENTION", "REACTIONS", "COMMANDS", "WHO MAY TALK"];
/** Columns of a line; maximum of the place; the three columns between the place and the people. */
const WIDTH = 100;
const PLACE_WIDTH = 38;
const BETWEEN = 32;

function linesOf(
  rows: readonly AccessRow[],
  names: AccessMatrix["names"],
): readonly string[] {
  const places = rows.map(({ place, isUnknown }) => isUnknown ? `${place}?` : place);
  const widest = Math.max(...places.map(displayWidth));
  const forPeople = WIDTH - BETWEEN - Math.min(PLACE_WIDTH, widest);
  const cells = rows.map((row, at) => [places[at] ?? "", ...cellsOf(row, forPeople, names)]);
  return inColumns([HEAD, ...cells], [PLACE_WIDTH]);
}

/** The cells of a row after its place: mention, reactions, commands, people. */
export function cellsOf(
  { talk, needsMention, reactions, commands, sessionCommands }: AccessRow,
  forPeople: number,
  names: AccessMatrix["names"] = new Map(),
): readonly string[] {
  const isClosed = talk.join() === "no one";
  return [
    isClosed ? "-" : needsMention ? "needed" : "no",
    isClosed ? "-" : reactions,
    commands.join() === "no one" ? "-" : sessionCommands === "managers" ? "basic*" : "all",
    listText(talk.map((entry) => namedEntry(entry, names)), forPeople),
  ];
}

/** As many whole entries as fit, and the number of the others. */
function listText(entries: readonly string[], width: number): string {
  for (let count = entries.length; count > 1; count--) {
    const hidden = entries.length - count;
    const text = entries.slice(0, count).join(", ") + (hidden > 0 ? ` +${hidden}` : "");
    if (displayWidth(text) <= width) return text;
  }
  const [first = ""] = entries;
  return entries.length > 1 ? `${first} +${entries.length - 1}` : first;
}

function notesOf(
  rows: readonly AccessRow[],
  owners: readonly string[] | undefined,
  allowsBots: boolean,
): readonly string[] {
  const hasNames = rows.some(({ isUnknown, talk }) =>
    isUnknown || talk.some((entry) => entry.endsWith("?"))
  );
  const ownersText = owners === undefined
    ? "the application's owners at Discord"
    : owners.length === 0
    ? "no one"
    : owners.join(", ");
  return [
    "",
    "* In guilds, session commands need Manage Messages or an owner.",
    `  Owners: ${ownersText}.`,
    ...(allowsBots ? ["  Other bots follow the same rules as people, within loopGuard."] : []),
    ...(hasNames
      ? ["? unresolved name, or unknown to the bot; see `barnacle access resolve`."]
      : []),
  ];
}
