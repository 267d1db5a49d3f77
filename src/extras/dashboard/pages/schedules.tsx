/**
 * The part Schedules of the page Memory: reminders and tasks, as of `barnacle schedules list` (T12), and
 * feeds, as of `barnacle feeds list` (T15).
 */

/** @jsxImportSource hono/jsx */

import type { RunState, Schedule } from "../../../core/turn/schedule.ts";
import { feedsOf, type ListedFeed, placeText } from "../../feeds/exports.ts";
import { type ListedSchedule, schedulesOf, stateOf } from "../../agent/exports.ts";
import { accountsIn } from "../../../cli/shared/which_account.ts";
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

interface SchedulesFacts {
  readonly all: readonly ListedSchedule[];
  readonly feeds: readonly ListedFeed[];
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
export const schedulesPart: AnyPage = page<SchedulesFacts>({
  async load({ store, setup }) {
    const accounts = await accountsIn(store.gateway, undefined);
    const { config } = setup();
    const { feeds } = config;
    const hasFeeds = Object.keys(feeds).length > 0;
    return {
      feeds: hasFeeds ? feedsOf(feeds, await store.feeds.list()) : [],
      all: await schedulesOf(accounts, store.schedules),
      channels: await channelNames(accounts, store),
    };
  },
  view: ({ all, feeds, channels }) => (
    <>
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
                <PageLink to="activity" query={{ message: messageId }}>
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
      {feeds.length > 0 && <Feeds feeds={feeds} channels={channels} />}
    </>
  ),
});

function Feeds({ feeds, channels }: Pick<SchedulesFacts, "feeds" | "channels">): PageView {
  return (
    <Card id="feeds" title="Feeds">
      <Table
        caption="Feeds"
        empty="No feeds."
        head={["Feed", "State", "Last read", "Next read", "Where", "Address"]}
        rowHead={0}
        rows={feeds.map(({ name, feed, state }) => [
          name,
          state?.problem === undefined
            ? <Badge tone={state ? "good" : "plain"}>{state ? "read" : "never read"}</Badge>
            : (
              <>
                <Badge tone="bad">failed</Badge> {`${state.failures} times: ${state.problem}`}
              </>
            ),
          state?.readAt === undefined ? "never" : <Time at={state.readAt} />,
          state ? <Time at={state.nextAt} /> : "soon",
          channels.get(placeText(feed.to).replace("channel:", "")) ?? placeText(feed.to),
          <span class="words">{feed.url}</span>,
        ])}
      />
      <p class="hint">
        <Command>barnacle feeds list</Command>
      </p>
    </Card>
  );
}

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
