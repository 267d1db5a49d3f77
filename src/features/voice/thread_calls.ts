/**
 * Keeps the calls of an account from the main thread: asks Discord for the session and server of each,
 * gives them to the thread that has the sound, and decides by Discord's events why a connection ended.
 * The thread runs only with a call.
 */

import { Worker } from "node:worker_threads";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { PAUSE_MS } from "./config.ts";
import type { GuildId, UserId } from "../../core/discord/ids.ts";
import type { VoiceServer } from "../../core/discord/gateway.ts";
import { CHANNEL_KINDS, missingRight } from "../../core/rights/rights.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import { channelOf, createGuildReads } from "../../discord/rest/requests/guild_reads.ts";
import { JOB_WORKER_URL } from "../../host/process/own_process.ts";
import { isRecord } from "../../lib/text/quoted.ts";
import type { JobMessage } from "../../sandbox/run_in_thread.ts";
import {
  type CallEvent,
  type CallPlace,
  type HearAs,
  type Pcm,
  SAMPLE_RATE,
  type VoiceEnd,
} from "./line.ts";
import type { FromCall, LISTENS, OfCall, ToCall } from "./thread.ts";

/** Milliseconds without a call after which the thread ends: a person who comes back finds it. */
const IDLE_MS = 30_000;
/** Milliseconds of the longest piece of a person's speech. */
const LONGEST_MS = 30_000;
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

interface Calls {
  /** Starts the thread of the calls; a test gives one without sound. */
  open: () => Worker;
  readonly running: Map<number, { readonly guildId: GuildId; readonly call: MainCall }>;
  /** Called once Discord shows the bot in no channel of the guild. */
  readonly leaving: Map<GuildId, () => void>;
  thread?: Worker | undefined;
  /** Resolves once the thread listens: Deno drops messages of before. */
  listening?: Promise<void>;
  next: number;
  cancelIdle: () => void;
}

/** The calls of an account: none, at first. */
export const callsOfThread: (account: BotAccount) => Calls = perAccount("voice", (account) => {
  const calls: Calls = {
    open: () => new Worker(JOB_WORKER_URL, { workerData: { kind: "voice" } }),
    running: new Map(),
    leaving: new Map(),
    next: 1,
    cancelIdle: () => {},
  };
  account.voiceIndex?.listen({
    moved({ guildId, userId, channelId, sessionId }) {
      if (userId !== account.self()?.userId) return;
      if (channelId === undefined) calls.leaving.get(guildId)?.();
      callsIn(calls, guildId).forEach((call) => call.moved(channelId, sessionId));
    },
    server: (server) => callsIn(calls, server.guildId).forEach((call) => call.server(server)),
    renewed: (guildId) => callsIn(calls, guildId).forEach((call) => call.renewed()),
  });
  return calls;
});

const callsIn = ({ running }: Calls, guildId: GuildId) =>
  [...running.values()].filter((known) => known.guildId === guildId).map(({ call }) => call);

function startThread(account: BotAccount): Worker {
  const calls = callsOfThread(account);
  const worker = calls.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  calls.listening = promise;
  const died = (reason: string) => {
    if (calls.thread !== worker) return;
    calls.thread = undefined;
    account.log.error("The thread of voice calls has ended; starting another one", { reason });
    for (const { call } of [...calls.running.values()]) call.threadDied();
  };
  worker.on("message", (message: OfCall<FromCall> | typeof LISTENS | JobMessage) => {
    if (message.kind === "failed") return died(message.reason);
    if (message.kind === "done" || calls.thread !== worker) return;
    if (message.kind === "listens") return resolve();
    if (message.kind === "ready" || message.kind === "played") account.bot.memory.worked();
    calls.running.get(message.call)?.call.told(message);
  });
  worker.on("error", (error) => died(String(error)));
  worker.on("exit", () => died("it ended by itself"));
  return worker;
}

/** Ends the thread of an account's calls. */
export async function stopThread(account: BotAccount): Promise<void> {
  const calls = callsOfThread(account);
  const { thread } = calls;
  calls.cancelIdle();
  calls.thread = undefined;
  await thread?.terminate();
  account.bot.memory.worked();
}

function post(account: BotAccount, message: OfCall<ToCall>): void {
  const calls = callsOfThread(account);
  if (!calls.thread && /^(?:close|hear|hold)$/.test(message.kind)) return;
  const to = calls.thread ??= startThread(account);
  void calls.listening?.then(() => to.postMessage(message));
}

/** Joins a channel: at most one call for each guild, so a second one moves the bot. */
export function createCall(
  account: BotAccount,
  place: CallPlace,
  tell: (event: CallEvent) => void,
) {
  const calls = callsOfThread(account);
  const { guildId } = place;
  callsIn(calls, guildId).forEach((call) => call.finish("left", false));
  calls.cancelIdle();
  const id = calls.next++;
  const main = createMainCall(account, place, tell, {
    post: (message) => post(account, { ...message, call: id }),
    onLeft: (then) => void calls.leaving.set(guildId, then),
    onOver() {
      calls.running.delete(id);
      if (calls.running.size > 0) return;
      calls.cancelIdle = account.schedule(() => void stopThread(account), IDLE_MS);
    },
  });
  calls.running.set(id, { guildId, call: main });
  void main.start();
  return main.call;
}

/** Finds why Discord would refuse a call without a word; `undefined`: it would not, or does not answer. */
async function whyNoCall(
  account: BotAccount,
  { guildId, channelId }: CallPlace,
): Promise<VoiceEnd | undefined> {
  const { now, rest, voiceIndex } = account;
  const self = account.self()?.userId;
  if (self === undefined) return undefined;
  try {
    const raw = await rest.request("GET", `/channels/${channelId}`);
    const channel = channelOf(raw);
    if (!channel) return undefined;
    const reads = createGuildReads(rest, guildId);
    const [guild, member] = [await reads.facts(), await reads.member(self)];
    const place = { overwrites: channel.overwrites, isVoice: true };
    const lacks = (permission: "Connect" | "Speak" | "Send Messages" | "Move Members") =>
      missingRight(guild, member, place, ["View Channel", permission], now()) !== undefined;
    if (lacks("Connect")) return "no_connect";
    if (channel.type !== CHANNEL_KINDS.stage && lacks("Speak")) return "no_speak";
    if (lacks("Send Messages")) return "no_card";
    const limit = Number(isRecord(raw) && raw["user_limit"]) || 0;
    const others = voiceIndex?.of(guildId).filter((one) =>
      one.channelId === channelId && one.userId !== self
    );
    return limit > 0 && (others?.length ?? 0) >= limit && lacks("Move Members")
      ? "full"
      : undefined;
  } catch (error) {
    if (!(error instanceof RestError)) {
      account.log.error("Cannot join a voice channel", { error, guildId, channelId });
      return "unreachable";
    }
    if (error.kind === "forbidden") return "no_connect";
    return error.kind === "not_found" ? "channel_deleted" : undefined;
  }
}

type MainCall = ReturnType<typeof createMainCall>;
export type Call = ReturnType<typeof createCall>;
export type CallSpeech = ReturnType<Call["speak"]>;

function createMainCall(
  account: BotAccount,
  place: CallPlace,
  tell: (event: CallEvent) => void,
  { post, onOver, onLeft }: {
    readonly post: (message: ToCall) => void;
    readonly onOver: () => void;
    /** Calls back once Discord shows the bot in no channel of the guild. */
    readonly onLeft: (then: () => void) => void;
  },
) {
  const { config, connection, now, reader, schedule } = account;
  const self = () => account.self()?.userId;
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
    if (tries !== 1 || refreshes > 0) connection.setVoice({ guildId });
    connection.setVoice(place);
    wait(ANSWER_MS, () => void check(tries + 1));
  }

  /** Discord refuses a join without a word, so it is looked at before a join, and without an answer. */
  async function check(tries: number): Promise<void> {
    const end = await whyNoCall(account, place);
    if (isOver || connectedTo !== "") return;
    if (end) finish(end); // a join that was to move the bot leaves its old channel, too
    else if (tries <= MAX_TRIES) ask(tries);
    else finish("unreachable");
  }

  function connect(): void {
    const userId = self();
    if (isOver || sessionId === undefined || !server?.endpoint || userId === undefined) return;
    const key = `${sessionId} ${server.token}`;
    if (key === connectedTo) return;
    connectedTo = key;
    cancel();
    const { endpoint, token } = server;
    const scheme = new URL(account.apiBase).protocol === "http:" ? "ws" : "wss"; // as a simulator's
    const url = `${scheme}://${endpoint}/?v=8`;
    const target = { url, guildId, userId, channelId, sessionId, token };
    const rules = { pauseMs: config().voice?.pauseMs ?? PAUSE_MS, longestMs: LONGEST_MS };
    post({ kind: "connect", target, rules });
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
    if (isInChannel) connection.setVoice({ guildId });
    speeches.forEach((end) => end(false));
    onOver();
    tell({ kind: "ended", end });
  }

  /** Whether no person hears the bot: a moderator has muted it, or a stage does not let it speak. */
  const isMuted = () =>
    account.voiceIndex?.of(guildId).find(({ userId }) => userId === self())?.isMuted === true;

  const call = {
    place,
    /** The people whose sound is decoded. The sound of all others is dropped undecoded. */
    hear(people: ReadonlyMap<UserId, HearAs>): void {
      heard = new Map(people);
      post({ kind: "hear", people: heard }); // also to a connection that is about to be replaced
    },
    /** Holds all speech, which goes on where it was. */
    hold(isNow: boolean): void {
      isHeld = isNow;
      if (!isOver) post({ kind: "hold", isHeld });
    },
    /** Speech of the bot. One speech follows the other. */
    speak() {
      const speech = nextSpeech++;
      const { promise: done, resolve } = Promise.withResolvers<
        { readonly playedMs: number; readonly isWhole: boolean }
      >();
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
        /** Adds sound; it is played as soon as its turn comes. */
        write: (pcm: Pcm): void => send({ kind: "write", speech, pcm }),
        end: (): void => send({ kind: "end", speech }),
        /** Stops at once, as when a person speaks. */
        stop: (): void => send({ kind: "stop", speech }),
        /** Resolves at the end; `playedMs` of its sound were sent. Never rejects. */
        done,
      };
    },
    /** Resolves once Discord no longer shows the bot in the channel, or after 2 s. Never rejects. */
    async leave(): Promise<void> {
      if (isOver) return;
      const isGone = new Promise<void>((resolve) => {
        onLeft(resolve);
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
      wait(DELETED_MS, () => {
        const isThere = reader.index.get(guildId)?.channels.has(channelId);
        finish(isThere ? "kicked" : "channel_deleted", false);
      });
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
      if (isOver || sessionId === undefined) return;
      if (!account.voiceIndex?.of(guildId).some(({ userId }) => userId === self())) refresh();
    },
    told(message: FromCall): void {
      if (message.kind === "played") return speeches.get(message.id)?.(message.isWhole);
      if (isOver) return;
      switch (message.kind) {
        case "ready":
          readyMs = Math.min(readyMs, now());
          cancelReady?.();
          cancelReady = undefined;
          return tell(message);
        case "over":
          if (message.token !== server?.token) return;
          if (message.end === "refresh") return refresh();
          if (message.end !== "disconnected") return finish(message.end);
          if (sessionId !== undefined) wait(NEWS_MS, refresh); // otherwise the news is there
          return;
        default:
          tell(message);
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
