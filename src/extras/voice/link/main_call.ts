/**
 * Keeps one call from the main thread: asks Discord for its session and server, gives them to the thread
 * that has the sound, and decides by Discord's events why a connection ended.
 */

import type { UserId } from "../../../core/discord/ids.ts";
import type { OwnVoice, VoiceServer, VoiceStates } from "../../../core/discord/voice.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import {
  type Call,
  type CallEvents,
  type CallPlace,
  type CallSpeech,
  type HearAs,
  SAMPLE_RATE,
  type VoiceEnd,
} from "../line/call.ts";
import type { ListenRules } from "../listen/pieces.ts";
import type { FromCall, ToCall } from "./thread_messages.ts";

export interface MainCallPorts {
  readonly voice: Pick<VoiceStates, "of"> & {
    readonly set: (own: OwnVoice) => void;
    /** How voice servers are reached: unencrypted if Discord's API is, as on the way to a simulator. */
    readonly scheme: "ws" | "wss";
  };
  /** The bot; `undefined` before the first READY. */
  readonly self: () => UserId | undefined;
  readonly rules: () => ListenRules;
  readonly post: (message: ToCall) => void;
  /** Finds why Discord would refuse the call. Never rejects. */
  readonly whyNot: () => Promise<VoiceEnd | undefined>;
  readonly hasChannel: () => boolean;
  readonly schedule: StartTimer;
  readonly now: () => number;
  readonly onOver: () => void;
  /** Calls back once Discord shows the bot in no channel of the guild. */
  readonly onLeft: (then: () => void) => void;
}

/** Milliseconds for Discord's answer to a join, and tries. */
const ANSWER_MS = 8_000;
const MAX_TRIES = 2;
/** Milliseconds for the first connection, with all of its tries: a person waits for it; and for a later one. */
const FIRST_MS = 25_000;
const LATER_MS = 60_000;
/** Milliseconds for the event that says why Discord has disconnected the bot. */
const NEWS_MS = 3_000;
/** Milliseconds between the events of a deleted channel. */
const DELETED_MS = 500;
const LEAVE_MS = 2_000;
/** New servers in a row after which the call ends, and milliseconds of a connection that ends the row. */
const MAX_REFRESHES = 5;
const STABLE_MS = 60_000;

export function createMainCall(place: CallPlace, events: CallEvents, ports: MainCallPorts) {
  const { voice, post, schedule, now } = ports;
  const { guildId, channelId } = place;
  const speeches = new Map<number, (isWhole: boolean) => void>();
  let heard: ReadonlyMap<UserId, HearAs> = new Map();
  let isHeld = false;
  let nextSpeech = 1;
  let sessionId: string | undefined;
  let server: VoiceServer | undefined;
  let connectedTo = "";
  let refreshes = 0;
  let readyMs = Infinity;
  let isOver = false;
  let cancel = () => {};
  let cancelReady: (() => void) | undefined;

  function wait(ms: number, run: () => void): void {
    cancel();
    cancel = schedule(run, ms);
  }

  /** Ends the call if no connection is ready in time, with all of its servers. */
  function mustBeReady(ms: number): void {
    cancelReady ??= schedule(() => finish("unreachable"), ms);
  }

  /** Joins. Discord does not answer a join of the channel in which the bot is, so it leaves first. */
  function ask(tries = 1): void {
    if (tries !== 1 || refreshes > 0) voice.set({ guildId });
    voice.set(place);
    wait(ANSWER_MS, () => void check(tries + 1));
  }

  /** Discord refuses a join without a word, so it is looked at before a join, and without an answer. */
  async function check(tries: number): Promise<void> {
    const end = await ports.whyNot();
    if (isOver || connectedTo !== "") return;
    if (end) finish(end); // a join that was to move the bot leaves its old channel, too
    else if (tries <= MAX_TRIES) ask(tries);
    else finish("unreachable");
  }

  function connect(): void {
    const userId = ports.self();
    if (isOver || sessionId === undefined || !server?.endpoint || userId === undefined) return;
    const key = `${sessionId} ${server.token}`;
    if (key === connectedTo) return;
    connectedTo = key;
    cancel();
    const { endpoint, token } = server;
    const url = `${voice.scheme}://${endpoint}/?v=8`;
    const target = { url, guildId, userId, channelId, sessionId, token };
    post({ kind: "connect", target, rules: ports.rules() });
    post({ kind: "hear", people: heard });
    if (isHeld) post({ kind: "hold", isHeld });
  }

  /** Asks for another session and server. */
  function refresh(): void {
    if (isOver) return;
    if (now() - readyMs >= STABLE_MS) refreshes = 0;
    readyMs = Infinity;
    if (++refreshes > MAX_REFRESHES) return finish("unreachable");
    server = sessionId = undefined;
    connectedTo = "";
    mustBeReady(LATER_MS);
    ask(0);
  }

  /** Ends the call; the bot leaves the channel if it is still there. */
  function finish(end: VoiceEnd, isInChannel = true): void {
    if (isOver) return;
    isOver = true;
    cancel();
    cancelReady?.();
    post({ kind: "close" });
    if (isInChannel) voice.set({ guildId });
    speeches.forEach((end) => end(false));
    ports.onOver();
    events.ended(end);
  }

  /** Whether no person hears the bot: a moderator has muted it, or a stage does not let it speak. */
  const isMuted = () =>
    voice.of(guildId).find(({ userId }) => userId === ports.self())?.isMuted === true;

  const call: Call = {
    place,
    hear(people) {
      heard = new Map(people);
      post({ kind: "hear", people: heard }); // also to a connection that is about to be replaced
    },
    hold(isNow) {
      isHeld = isNow;
      if (!isOver) post({ kind: "hold", isHeld });
    },
    speak(): CallSpeech {
      const speech = nextSpeech++;
      const { promise: done, resolve } = Promise.withResolvers<Awaited<CallSpeech["done"]>>();
      const played = new Int32Array(new SharedArrayBuffer(4));
      const end = (isWhole: boolean) => {
        speeches.delete(speech);
        resolve({ playedMs: Math.round(Atomics.load(played, 0) / SAMPLE_RATE * 1_000), isWhole });
      };
      if (isOver || isMuted()) end(false);
      else speeches.set(speech, end);
      const send = (message: ToCall) => {
        if (speeches.has(speech)) post(message);
      };
      send({ kind: "speak", speech, played });
      return {
        write: (pcm) => send({ kind: "write", speech, pcm }),
        end: () => send({ kind: "end", speech }),
        stop: () => send({ kind: "stop", speech }),
        done,
      };
    },
    async leave() {
      if (isOver) return;
      const isGone = new Promise<void>((resolve) => {
        ports.onLeft(resolve);
        schedule(resolve, LEAVE_MS);
      });
      finish("left");
      await isGone;
    },
  };

  return {
    call,
    start(): Promise<void> {
      mustBeReady(FIRST_MS);
      return check(1);
    },
    /** Discord shows the bot in a channel of the guild, or in none. */
    moved(to: string | undefined, session: string): void {
      if (to === channelId) {
        sessionId = session;
        return connect();
      }
      if (to !== undefined) return finish("kicked");
      if (sessionId === undefined) return; // of the time before this join
      sessionId = undefined;
      wait(DELETED_MS, () => finish(ports.hasChannel() ? "kicked" : "channel_deleted", false));
    },
    server(told: VoiceServer): void {
      if (isOver) return;
      server = told;
      if (told.endpoint) return connect();
      connectedTo = "";
      mustBeReady(LATER_MS);
    },
    /** A new session of the main gateway, in which the bot may be in no channel. */
    renewed(): void {
      const self = ports.self();
      if (isOver || sessionId === undefined) return;
      if (!voice.of(guildId).some(({ userId }) => userId === self)) refresh();
    },
    told(message: FromCall): void {
      if (message.kind === "played") return speeches.get(message.id)?.(message.isWhole);
      if (isOver) return;
      switch (message.kind) {
        case "ready":
          readyMs = Math.min(readyMs, now());
          cancelReady?.();
          cancelReady = undefined;
          return events.ready(message.isEndToEnd);
        case "began":
          return events.speechBegan(message.userId);
        case "piece":
          return events.piece(message.piece);
        case "frame":
          return events.frame(message.userId, message.pcm);
        case "over":
          if (message.token !== server?.token) return;
          if (message.end === "refresh") return refresh();
          if (message.end !== "disconnected") return finish(message.end);
          if (sessionId !== undefined) wait(NEWS_MS, refresh); // otherwise the news is there
      }
    },
    /** The thread has died, and the next message starts another one. */
    threadDied(): void {
      speeches.forEach((end) => end(false));
      refresh();
    },
    finish,
  };
}

export type MainCall = ReturnType<typeof createMainCall>;
