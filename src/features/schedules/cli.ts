/**
 * `barnacle schedules`: lists reminders and scheduled tasks with their runs, pauses, resumes and
 * deletes them (T12), with and without a running bot.
 */

import { changeRows } from "../../cli/shared/columns.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Schedule, ScheduleRun } from "./store.ts";
import { nextRun } from "./when.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { hostTimezone } from "../../host/process/boot.ts";
import type { Store } from "../../store/store.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags, CommonFlags } from "../../cli/shared/command.ts";
import { readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import { accountsIn, withStore } from "../../cli/shared/with_store.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";

const PREVIEW_CHARS = 60;
/** Number of runs of each schedule in the list. */
const RUNS_SHOWN = 5;

export function list(flags: AccountFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const accounts = await accountsIn(store.gateway, flags.account);
    const all = await schedulesOf(accounts, store.schedules);
    if (flags.json) {
      io.out(JSON.stringify(all.map(({ schedule, runs }) => ({ ...schedule, runs }))));
      return EXIT.done;
    }
    if (all.length === 0) io.err("No reminders and no scheduled tasks.");
    for (const { schedule, runs } of all) {
      io.out(lineOf(schedule, accounts.length > 1));
      for (const run of runs) io.out(`        ${runLine(run)}`);
    }
    return EXIT.done;
  });
}

interface ListedSchedule {
  readonly schedule: Schedule;
  /** The newest first. */
  readonly runs: readonly ScheduleRun[];
}

async function schedulesOf(
  accounts: readonly AccountId[],
  schedules: Store["schedules"],
): Promise<readonly ListedSchedule[]> {
  const all: ListedSchedule[] = [];
  for (const accountId of accounts) {
    for (const schedule of await schedules.list(accountId)) {
      all.push({ schedule, runs: await schedules.runsOf(schedule.id, RUNS_SHOWN) });
    }
  }
  return all;
}

export type ScheduleChange = "pause" | "resume" | "delete";

/** The result of a change, in words. */
const DONE: Readonly<Record<ScheduleChange, string>> = {
  pause: "paused",
  resume: "resumed",
  delete: "deleted",
};

/**
 * Changes schedules.
 *
 * @param ids Numbers in the list.
 */
export function change(
  how: ScheduleChange,
  flags: CommonFlags,
  ids: readonly number[],
  io: Io,
): Promise<ExitCode> {
  return withStore(flags, io, async ({ schedules }) => {
    const timezone = how === "resume" ? timezoneFrom(flags, io) : undefined;
    const words = { key: how, done: DONE[how], failed: unknownSchedule };
    const change = async (id: number) => await changeOne(how, schedules, id, await timezone);
    return await changeRows(ids, change, words, flags, io);
  });
}

function unknownSchedule(id: number): string {
  return `no schedule ${id}; \`barnacle schedules list\` shows them`;
}

/**
 * Changes one schedule.
 *
 * @param timezone For the next run of one that continues.
 * @returns `false` if there is no such schedule.
 */
async function changeOne(
  how: ScheduleChange,
  schedules: Store["schedules"],
  id: number,
  timezone = hostTimezone(),
): Promise<boolean> {
  switch (how) {
    case "pause":
      return await schedules.pause(id, "operator");
    case "delete":
      return await schedules.remove(id);
    case "resume": {
      const cron = (await schedules.find(id))?.cron;
      // A pause is no missed run, so the next regular one follows.
      const next = cron === undefined
        ? undefined
        : await nextRun(cron, { now: Date.now(), timezone });
      return await schedules.resume(id, next);
    }
  }
}

/** `agents.defaults.timezone`; `undefined` if no config has one. */
async function timezoneFrom(flags: CommonFlags, io: Io): Promise<string | undefined> {
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return undefined;
  return loaded.config.agents.defaults.timezone;
}

/** `"     3  task      next 2026-11-27 09:00:00  channel:123  user:9  "0 9 * * 1"  "Sum up"". */
function lineOf(schedule: Schedule, isOneOfMany: boolean): string {
  const { id, accountId, kind, text, cron, setBy } = schedule;
  const preview = text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
  return [
    String(id).padStart(6),
    ...(isOneOfMany ? [accountId.padEnd(10)] : []),
    kind.padEnd(8),
    stateOf(schedule),
    `channel:${setBy.channelId}`,
    `user:${setBy.sender.id}`,
    ...(cron === undefined ? [] : [quoted(cron)]),
    quoted(preview, PREVIEW_CHARS + 1),
  ].join("  ");
}

/** `"next 2026-11-27 09:00:00"`, `"paused"`, `"done"`, … */
function stateOf({ nextAt, pausedBy }: Schedule): string {
  if (nextAt === undefined) return "done";
  if (pausedBy) return pausedBy === "failures" ? "paused (failures)" : "paused";
  return `next ${timeText(nextAt)}`;
}

function runLine({ startedAt, state, messageId }: ScheduleRun): string {
  return `${timeText(startedAt)}  ${state.padEnd(11)}  barnacle why ${messageId}`;
}
