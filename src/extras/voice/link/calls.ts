/** Keeps the calls of an account, from the main thread, and their thread, which runs only with a call. */

import { Worker } from "node:worker_threads";
import type { BotAccount } from "../../../account/account.ts";
import { PAUSE_MS } from "../../../config/schema/messages.ts";
import type { VoiceIndex } from "../../../discord/gateway/read/voice_index.ts";
import type { GuildId } from "../../../core/discord/ids.ts";
import { JOB_WORKER_URL } from "../../../host/process/own_process.ts";
import type { JobMessage } from "../../../sandbox/run_in_thread.ts";
import type { Calls } from "../line/call.ts";
import { createMainCall, type MainCall } from "./main_call.ts";
import { whyNoCall } from "./rights.ts";
import type { FromCall, OfCall, ToCall } from "./thread_messages.ts";

/** Milliseconds without a call after which the thread ends: a person who comes back finds it. */
const IDLE_MS = 30_000;
/** Milliseconds of the longest piece of a person's speech. */
const LONGEST_MS = 30_000;

/** Creates the calls of an account: none. */
export function createCalls(
  account: BotAccount,
  voice: Pick<VoiceIndex, "of" | "listen">,
  open = (): Pick<Worker, "on" | "postMessage" | "terminate"> =>
    new Worker(JOB_WORKER_URL, { workerData: { kind: "voice" } }),
): Calls {
  const { self, now, schedule, config, connection, reader, rest, log } = account;
  const { apiBase, memory } = account.bot;
  const calls = new Map<number, { readonly guildId: GuildId; readonly call: MainCall }>();
  const leaving = new Map<GuildId, () => void>();
  let thread: ReturnType<typeof open> | undefined;
  /** Resolves once the thread listens: Deno drops messages of before. */
  let listening: Promise<void> | undefined;
  let nextCall = 1;
  let cancelIdle = () => {};

  function died(worker: typeof thread, reason: string): void {
    if (thread !== worker) return;
    thread = undefined;
    log.error("The thread of voice calls has ended; starting another one", { reason });
    for (const { call } of [...calls.values()]) call.threadDied();
  }

  function startThread() {
    const worker = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    listening = promise;
    worker.on("message", (message: OfCall<FromCall> | JobMessage) => {
      if (message.kind === "failed") return died(worker, message.reason);
      if (message.kind === "done" || thread !== worker) return;
      if (message.kind === "listens") return resolve();
      if (message.kind === "ready" || message.kind === "played") memory.worked();
      calls.get(message.call)?.call.told(message);
    });
    worker.on("error", (error) => died(worker, String(error)));
    worker.on("exit", () => died(worker, "it ended by itself"));
    return worker;
  }

  async function stopThread(): Promise<void> {
    const worker = thread;
    thread = undefined;
    await worker?.terminate();
    memory.worked();
  }

  function post(message: OfCall<ToCall>): void {
    if (!thread && /^(?:close|hear|hold)$/.test(message.kind)) return;
    const to = thread ??= startThread();
    void listening?.then(() => to.postMessage(message));
  }

  const of = (guildId: GuildId) =>
    [...calls.values()].filter((known) => known.guildId === guildId).map(({ call }) => call);

  voice.listen({
    moved({ guildId, userId, channelId, sessionId }) {
      if (userId !== self()?.userId) return;
      if (channelId === undefined) leaving.get(guildId)?.();
      of(guildId).forEach((call) => call.moved(channelId, sessionId));
    },
    server: (server) => of(server.guildId).forEach((call) => call.server(server)),
    renewed: (guildId) => of(guildId).forEach((call) => call.renewed()),
  });

  return {
    join(place, events) {
      const { guildId, channelId } = place;
      of(guildId).forEach((call) => call.finish("left", false));
      cancelIdle();
      const id = nextCall++;
      const main = createMainCall(place, events, {
        ...{ schedule, now },
        voice: {
          of: voice.of,
          set: connection.setVoice,
          scheme: new URL(apiBase).protocol === "http:" ? "ws" : "wss",
        },
        self: () => self()?.userId,
        rules: () => ({ pauseMs: config().voice?.pauseMs ?? PAUSE_MS, longestMs: LONGEST_MS }),
        post: (message) => post({ ...message, call: id }),
        async whyNot() {
          const bot = self()?.userId;
          return bot &&
            await whyNoCall(rest, place, bot, voice.of(guildId), now()).catch((error) => {
              log.error("Cannot join a voice channel", { error, ...place });
              return "unreachable";
            });
        },
        hasChannel: () => reader.index.get(guildId)?.channels.has(channelId) ?? false,
        onLeft: (then) => void leaving.set(guildId, then),
        onOver() {
          calls.delete(id);
          if (calls.size === 0) cancelIdle = schedule(() => void stopThread(), IDLE_MS);
        },
      });
      calls.set(id, { guildId, call: main });
      void main.start();
      return main.call;
    },
    async stop() {
      await Promise.all([...calls.values()].map(({ call: { call } }) => call.leave()));
      cancelIdle();
      await stopThread();
    },
  };
}
