/** The page Schedules: reminders and tasks, as of `barnacle schedules list` (T12). */

/** @jsxImportSource hono/jsx */

import type { RunState, Schedule } from "../../../core/turn/schedule.ts";
import { type ListedSchedule, schedulesOf, stateOf } from "../../agent/schedules.ts";
import { accountsIn } from "../../shared/which_account.ts";
import {
  Badge,
  Card,
  ChangeForm,
  Command,
  PageLink,
  Table,
  Time,
  type Tone,
} from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import { deleteSchedule, pauseSchedule, resumeSchedule, runSchedule } from "../changes/agent.ts";
import { channelNames, type NamesById } from "./names.ts";

/** The facts of the page. */
interface SchedulesFacts {
  readonly all: readonly ListedSchedule[];
  /** Names of channels by their ids. */
  readonly channels: NamesById;
}

const TONES: Readonly<Record<RunState, Tone>> = {
  running: "plain",
  sending: "plain",
  delivered: "good",
  silent: "good",
  failed: "bad",
  undelivered: "bad",
  refused: "warn",
};

/** Lists schedules with their runs, and offers to change them. */
export const schedulesPage: AnyPage = page<SchedulesFacts>({
  async load({ store }) {
    const accounts = await accountsIn(store.gateway, undefined);
    return {
      all: await schedulesOf(accounts, store.schedules),
      channels: await channelNames(accounts, store),
    };
  },
  view: ({ all, channels }) => (
    <Card id="schedules" title="Reminders and tasks">
      <Table
        caption="Reminders and tasks"
        empty="No reminders and no scheduled tasks."
        head={["Schedule", "Text", "Next run", "Where", "By", "Last runs", "Actions"]}
        rowHead={1}
        rows={all.map(({ schedule, runs }) => [
          `${schedule.id} ${schedule.kind}`,
          <span class="words">{schedule.text}</span>,
          <NextRun schedule={schedule} />,
          channels.get(schedule.origin.channelId) ?? placeOf(schedule),
          schedule.origin.sender.username,
          runs.length === 0 ? "none" : runs.map(({ messageId, startedAt, state }) => (
            <div>
              <PageLink to="feed" query={{ message: messageId }}>
                <Time at={startedAt} />
              </PageLink>{" "}
              <Badge tone={TONES[state]}>{state}</Badge>
            </div>
          )),
          <>
            {schedule.pausedBy !== undefined
              ? <ChangeForm change={resumeSchedule} {...formOf(schedule)} />
              : schedule.nextAt !== undefined &&
                <ChangeForm change={pauseSchedule} {...formOf(schedule)} />}
            <ChangeForm change={runSchedule} {...formOf(schedule)} />
            <ChangeForm change={deleteSchedule} {...formOf(schedule)} />
          </>,
        ])}
      />
      <p class="hint">
        <Command>barnacle schedules list</Command>
      </p>
    </Card>
  ),
});

/** Field and name of its forms. */
function formOf({ id, kind }: Schedule) {
  return { fields: { id: String(id) }, of: `${kind} ${id}` };
}

function NextRun({ schedule }: { schedule: Schedule }): PageView {
  const { nextAt, askedAt, pausedBy, cron } = schedule;
  const isWaiting = nextAt !== undefined && askedAt === undefined && pausedBy === undefined;
  return (
    <>
      {isWaiting ? <Time at={nextAt} /> : stateOf(schedule)}
      {cron !== undefined && (
        <>
          {" "}
          <code>{cron}</code>
        </>
      )}
    </>
  );
}

function placeOf({ origin: { place, channelId } }: Schedule): string {
  return place.kind === "dm" ? "direct messages" : channelId;
}
