/**
 * Answers the events of an account's hooks (W5): by a turn of an agent, or by a post of the template.
 *
 * The first event of a key is answered at once. While it is answered, and until the hook's rate permits
 * more, further events wait, and one run answers all of them. So a thousand events in a second make a
 * few messages. A run that a crash cut begins again under its id, so nothing is answered twice.
 */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels, wakeTurns } from "../../account/wakes.ts";
import { createdAtMs } from "../../core/discord/ids.ts";
import {
  type AnswerRules,
  type HookEvent,
  hookSenderId,
  hookText,
  isEntry,
} from "../../core/hooks/hook.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import type { Judgement, Route } from "../../core/inbound/inbox.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { HookRun, RunStart, WaitingEvents } from "../../store/hooks/hooks.ts";
import type { createIncidents } from "./incidents.ts";
import type { EventWords, Unneeded } from "../events/exports.ts";
import { EVENTS_SHOWN, eventsForModel, eventsForPeople } from "./compose.ts";
import type { HookPlace } from "../../flows/event_places.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { createWaker } from "../../lib/waker.ts";

const MINUTE_MS = 60_000;
/** Milliseconds until a run is tried again that could not begin. */
const RETRY_MS = 30_000;
/** Milliseconds after which a run whose end no event told is looked at. */
const LOOK_MS = 60_000;

/** Creates the runner of one account; it does nothing before `start`. */
export function createHookRunner(
  account: BotAccount,
  ports: {
    /** The hook with a name; `undefined` if the config has none. */
    readonly rulesOf: (hook: string) => AnswerRules | undefined;
    /**
     * Finds the place.
     *
     * @throws {unknown} If Discord does not answer, as a rejection.
     */
    readonly placeOf: (rules: AnswerRules) => Promise<HookPlace>;
    /** The events that need an answer, with the messages that they are about; or why none does. */
    readonly wordsOf: (
      events: readonly HookEvent[],
      answer: Pick<InboundMessage, "place">,
      rules: AnswerRules,
    ) => Promise<EventWords | Unneeded>;
    readonly judge: (message: InboundMessage) => Judgement;
    readonly routeOf: (message: InboundMessage, rules: AnswerRules) => Route;
    /** Why no model may read events now; `undefined` if one may. */
    readonly modelStop: (
      hook: string,
      rules: AnswerRules,
      route: Route,
    ) => Promise<string | undefined>;
    readonly cleanSecrets: (text: string) => string;
    /** @param text Clean. */
    readonly compose: (message: InboundMessage, text: string) => readonly Frozen[];
    readonly incidents: Pick<ReturnType<typeof createIncidents>, "placeOf" | "update">;
  },
) {
  const { accountId, store: { hooks, inbox }, schedule, now, log } = account;
  const waker = createWaker({
    run: runAll,
    failed(error) {
      log.error("Cannot answer events of hooks; will try again", { error });
      return RETRY_MS;
    },
    schedule,
  });

  /** @returns Milliseconds until the next check; `undefined` if nothing waits. */
  async function runAll(): Promise<number | undefined> {
    let nextMs: number | undefined;
    const later = (ms: number) => void (nextMs = Math.min(ms, nextMs ?? ms));
    const lookMs = await ports.incidents.update();
    if (lookMs !== undefined) later(lookMs);
    let open = await hooks.open(accountId);
    const cut = open.filter(({ state }) => state === "claimed");
    for (const run of cut) if (!await begun(run)) later(RETRY_MS);
    if (cut.length > 0) open = await hooks.open(accountId); // a post has ended its run
    let starts = await hooks.startsSince(accountId, now() - DAY_MS);
    for (const group of await hooks.waiting(accountId)) {
      if (waker.isStopped()) return undefined;
      const { hook, key } = group;
      if (open.some((run) => run.hook === hook && run.key === key)) {
        later(LOOK_MS);
        continue;
      }
      const waitMs = delayOf(group, starts);
      if (waitMs > 0) {
        later(waitMs);
        continue;
      }
      const run = await hooks.claim(accountId, hook, key, now());
      if (!run) continue;
      if (!await begun(run)) later(RETRY_MS);
      starts = await hooks.startsSince(accountId, now() - DAY_MS);
    }
    return nextMs;
  }

  /** Milliseconds until the rate permits a run of these events. */
  function delayOf({ hook, key, ...waiting }: WaitingEvents, starts: readonly RunStart[]): number {
    const rules = ports.rulesOf(hook);
    if (!rules) return 0; // its run is refused
    const { perMinute, cooldownMs = 0, gatherMs = 0 } = rules;
    const quietAt = Math.min(waiting.newest, now()) + gatherMs;
    const gatheredAt = Math.min(quietAt, waiting.oldest + MINUTE_MS);
    // A clock that was set back leaves starts in the future; they delay nothing.
    const past = starts.filter((start) => start.hook === hook && start.at <= now());
    const ofHook = past.map(({ at }) => at).sort((one, other) => one - other);
    const ofKey = Math.max(...past.filter((start) => start.key === key).map(({ at }) => at));
    const spread = ofKey + MINUTE_MS / perMinute - now();
    const oldest = ofHook.at(-perMinute);
    const turns = past.filter(({ state }) => state !== "refused");
    const cooledAt = Math.max(...turns.map(({ at }) => at)) + cooldownMs;
    const dueAt = Math.max(gatheredAt, cooledAt, (oldest ?? -Infinity) + MINUTE_MS);
    return Math.max(0, spread, dueAt - now());
  }

  /** @returns Whether it need not be tried again. */
  async function begun(run: HookRun): Promise<boolean> {
    try {
      return await begin(run);
    } catch (error) {
      log.warn("Cannot answer an event of a hook; will try again", {
        hook: run.hook,
        messageId: run.messageId,
        error,
      });
      return false;
    }
  }

  /** @returns Whether it need not be tried again. */
  async function begin(run: HookRun): Promise<boolean> {
    const { messageId, hook } = run;
    const written = ports.rulesOf(hook);
    if (!written) return await refuse(run, `the config does not have ${hookText(hook)} any more`);
    const rules = { ...written, to: written.to || `channel:${run.key}` }; // where it happened
    const found = await ports.placeOf(rules);
    if (found.kind === "refused") return await refuse(run, found.reason);
    const shown = await hooks.eventsOf(messageId, EVENTS_SHOWN);
    const words = await ports.wordsOf(shown, found, rules);
    if ("unneeded" in words) return await refuse(run, words.unneeded);
    const { events: all, greets } = words;
    const count = run.count - (shown.length - all.length);
    const newest = all.at(-1);
    const chosen = newest && rules.thread !== undefined && newest.key !== ""
      ? await ports.incidents.placeOf(run, newest, found)
      : { kind: "place" as const, place: found, isToldBy: undefined };
    if (chosen.kind === "waiting") {
      wakeChannels(account, [found.channelId]); // its delivery wakes this runner
      return false;
    }
    const { channelId, guildId, place } = chosen.place;
    const post = ports.cleanSecrets(
      eventsForPeople(all, count) || `An event of ${hookText(hook)}`,
    );
    const of = [...all.flatMap(({ sources = [] }) => sources), ...words.of];
    const message: InboundMessage = {
      ...ASKED_OTHERWISE,
      accountId,
      channelId,
      guildId,
      place,
      id: messageId,
      sender: {
        id: hookSenderId(hook),
        username: hook.includes(":") ? hook : `hook:${hook}`,
        roles: [],
        automaton: "webhook",
      },
      text: eventsForModel(all, count) + words.text,
      sentAt: createdAtMs(messageId),
      origin: {
        kind: isEntry(hook) ? "event" : "hook",
        ...{ hook, prompt: rules.prompt, count, post, of, greets },
      },
    };
    const route = ports.routeOf(message, rules);
    const stop = run.reason ??
      (rules.model ? await ports.modelStop(hook, rules, route) : undefined);
    if (stop !== undefined && rules.gatherMs !== undefined) return await refuse(run, stop);
    if (!rules.model || stop !== undefined) {
      if (stop !== undefined) {
        log.warn("Events of a hook are posted without a model", { hook, messageId, reason: stop });
      }
      const isTold = stop === undefined && chosen.isToldBy === post;
      await hooks.post(messageId, isTold ? [] : ports.compose(message, post), stop, now());
      wakeChannels(account, [channelId]);
      return true;
    }
    const judged = [{ ...ports.judge(message), message, route }];
    await inbox.acceptBatch({ accountId, judged, echoes: [], guilds: [] }, now());
    await hooks.running(messageId);
    wakeTurns(account);
    return true;
  }

  async function refuse({ messageId, hook, count }: HookRun, reason: string): Promise<true> {
    log.warn("Events of a hook reach no one", { hook, messageId, events: count, reason });
    await hooks.refuse(messageId, reason);
    return true;
  }

  return {
    /** Begins to answer events, once the account is online. Later calls do nothing. */
    start: () => waker.start(),
    /** An event is stored, or a turn has ended. */
    wake: waker.wake,
    /** Begins no further run, and resolves once the current one is stored. */
    stop: waker.stop,
  };
}

/** Answers the events of an account's hooks. */
export type HookRunner = ReturnType<typeof createHookRunner>;
