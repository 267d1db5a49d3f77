/**
 * Keeps the thread of each incident (W6): its first post, its thread, its state, and its end.
 *
 * It compares the store with Discord after each run, delivery and start. So each step may be repeated,
 * and a crash loses none.
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { HookEvent } from "../../core/hooks/hook.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { threadIdOf } from "../../core/inbound/threads.ts";
import type { Messages, ThreadRequests } from "../../core/outbound/requests.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { bounded } from "../../lib/text/cut.ts";
import type { HookIncident, HookIncidents, HookRun } from "../../store/hooks/hooks.ts";

type IncidentPlace =
  | {
    readonly kind: "place";
    readonly place: ChosenPlace;
    /** Set if its first post says all that a post of the run would say. */
    readonly isToldBy?: string;
  }
  /** The first post is not at Discord yet. */
  | { readonly kind: "waiting" };

type ChosenPlace = Pick<InboundMessage, "channelId" | "guildId" | "place">;

/** The facts that a first post shows. */
export type ShownIncident =
  & Pick<HookIncident, "hook" | "title" | "events" | "startedAt" | "endedAt">
  & { readonly runId?: HookRun["messageId"] };

/** Minutes without a message after which Discord archives the thread of an incident without end. */
const ARCHIVE_AFTER_MIN = 10_080;
const NAME_CHARS = 100;
/** Milliseconds between two looks at an incident that is not finished. */
const LOOK_MS = 5_000;

export function createIncidents(
  { accountId, store: { hooks }, now, log }: Pick<
    Account<{ readonly hooks: HookIncidents }>,
    "accountId" | "store" | "now" | "log"
  >,
  ports: {
    readonly threads: Pick<ThreadRequests, "start" | "archive">;
    readonly edit: Messages["edit"];
    /**
     * Whether messages may be written in a thread. An archived one takes them, too.
     *
     * @throws {unknown} If Discord does not answer, as a rejection.
     */
    readonly stateOf: (threadId: ChannelId) => Promise<"open" | "locked" | "gone">;
    /** Whether a failure is Discord's final word. */
    readonly isRefused: (error: unknown) => boolean;
    /** The first post, with a nonce of its own. */
    readonly compose: (incident: ShownIncident, place: ChosenPlace) => Frozen;
  },
) {
  /** @throws {unknown} If Discord does not answer, as a rejection. */
  async function threadOf(incident: HookIncident, firstId: MessageId) {
    const { id, channelId, key, hook, thread } = incident;
    if (thread === "refused") return undefined;
    if (thread === "open") return await openThread(incident, firstId);
    try {
      const name = bounded(key, NAME_CHARS);
      await ports.threads.start(channelId, firstId, name, ARCHIVE_AFTER_MIN);
      await hooks.noteIncident(id, { messageId: firstId, thread: "open" });
      return firstId;
    } catch (error) {
      if (!ports.isRefused(error)) throw error;
      log.warn("Discord permits no thread for an incident; its answers are in the channel", {
        hook,
        channelId,
        error,
      });
      await hooks.noteIncident(id, { messageId: firstId, thread: "refused" });
      return undefined;
    }
  }

  /** People may have deleted or locked a thread since its last message. */
  async function openThread({ id, hook, channelId }: HookIncident, firstId: MessageId) {
    const state = await ports.stateOf(threadIdOf(firstId));
    if (state === "open") return firstId;
    if (state === "gone") return "gone";
    log.warn("The thread of an incident is locked; its answers are in the channel", {
      hook,
      channelId,
    });
    await hooks.noteIncident(id, { thread: "refused" });
    return undefined;
  }

  async function finish(incident: HookIncident): Promise<void> {
    const { id, hook, events, endedAt, isStale, thread } = incident;
    const first = await hooks.firstPost(incident);
    if (first === "waiting") return;
    if (first === "lost") return await hooks.abandonIncident(id, true, now());
    if (isStale) {
      const place = { channelId: incident.channelId, place: { kind: "dm" as const } };
      const { message } = ports.compose(incident, place);
      const outcome = await ports.edit(first, message, [], undefined);
      if (outcome.kind === "unanswered" || outcome.kind === "unsent") return;
      if (outcome.kind === "refused") {
        log.warn("Discord does not take the state of an incident", { hook, why: outcome.reason });
      }
      await hooks.noteShown(id, events);
    }
    if (endedAt === undefined || await hooks.hasOpenWork({ ...incident, messageId: first })) return;
    if (thread === "open") {
      try {
        await ports.threads.archive(threadIdOf(first));
      } catch (error) {
        if (!ports.isRefused(error)) throw error;
      }
    }
    await hooks.noteIncident(id, { isArchived: true });
  }

  /** @param tries How often another incident may begin in place of the one of the key. */
  async function placeOf(
    run: HookRun,
    newest: HookEvent,
    place: ChosenPlace,
    tries = 1,
  ): Promise<IncidentPlace> {
    const { title, isEnd } = newest;
    const { channelId } = place;
    const incident = await hooks.joinIncident(run, {
      channelId,
      title,
      isEnd,
      compose: (begun) => ports.compose({ ...begun, hook: run.hook, runId: run.messageId }, place),
    }, now());
    if (!incident) return { kind: "place", place };
    const { id, hook, key } = incident;
    const another = async (): Promise<IncidentPlace> => {
      await hooks.abandonIncident(id, false, now());
      return tries > 0 ? await placeOf(run, newest, place, tries - 1) : { kind: "place", place };
    };
    if (incident.channelId !== channelId) return await another(); // the config names another place
    const first = await hooks.firstPost(incident);
    if (first === "waiting") return { kind: "waiting" };
    if (first === "lost") {
      log.warn(
        "Discord does not have the first post of an incident; the next event begins another",
        {
          hook,
          channelId,
        },
      );
      await hooks.abandonIncident(id, true, now());
      return { kind: "place", place };
    }
    const started = await threadOf(incident, first);
    if (started === "gone") {
      log.info("The thread of an incident was deleted; another one begins", { hook, channelId });
      return await another();
    }
    const isToldBy = incident.events === run.count ? incident.title : undefined;
    if (started === undefined || place.place.kind !== "guild") {
      return { kind: "place", place, isToldBy };
    }
    const threadId = threadIdOf(started);
    const thread = { id: threadId, name: bounded(key, NAME_CHARS) };
    return {
      kind: "place",
      isToldBy,
      place: { ...place, channelId: threadId, place: { ...place.place, thread } },
    };
  }

  return {
    /**
     * Adds a run to its incident, and finds its thread.
     *
     * @throws {unknown} If Discord does not answer, as a rejection.
     */
    placeOf: (run: HookRun, newest: HookEvent, place: ChosenPlace) => placeOf(run, newest, place),
    /** @returns Milliseconds until the next look; `undefined` if all is as it should be. */
    async update(): Promise<number | undefined> {
      let isLeft = false;
      for (const incident of await hooks.unfinished(accountId)) {
        await finish(incident).catch((error: unknown) => {
          log.warn("Cannot bring an incident up to date; will try again", {
            hook: incident.hook,
            error,
          });
        });
        isLeft = true; // seen once more: a later event may have come meanwhile
      }
      return isLeft ? LOOK_MS : undefined;
    },
  };
}
