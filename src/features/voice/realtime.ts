/**
 * Talks with one person by a connection of OpenAI's Realtime protocol (V6). The server detects turns
 * and writes the words down. Each answer is a turn of ours all the same: it is stored, has the person's
 * tools, rights and budget, and asks this connection as its model.
 */

import { Buffer } from "node:buffer";
import type { BotAccount } from "../../account/account.ts";
import { PAUSE_MS } from "./config.ts";
import type { MessageId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { labelOf } from "../../core/inbound/inbound.ts";
import {
  ModelError,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  type ToolCall,
} from "../../core/model.ts";
import { microsOf, type Price } from "../../core/spending/budget.ts";
import type { TurnSpeech, TurnToSpeak } from "../../flows/turn/steps.ts";
import { isRecord } from "../../lib/text/quoted.ts";
import type {
  RealtimeEvent,
  RealtimeServer,
  RealtimeSocket,
} from "../../providers/other_apis/realtime.ts";
import { nameInLine } from "../../render/prompt/prompt.ts";
import { type CallPlace, type Pcm, SAMPLE_RATE } from "./line.ts";
import { createTurnSpeech, msOf, pcmOf, type Speeches } from "./turn_speech.ts";

/** Id of the event that asks for an answer: its error is the answer's. */
const ASK = "answer";

/** The response of an event; `""`: it is of none. */
function responseOf(event: RealtimeEvent): string {
  return textOf(event, "response_id") || textOf(recordOf(event, "response"), "id");
}

/** Ends an answer, as the server's refusal of it does. */
const endOf = (message: string): RealtimeEvent => ({
  type: "error",
  error: { event_id: ASK, message },
});

/** An error, with the id of our event that it is about, if the server names it. */
function errorOf(event: RealtimeEvent): { readonly id: string; readonly reason: string } {
  const error = recordOf(event, "error");
  return { id: textOf(error, "event_id"), reason: textOf(error, "message").slice(0, 200) };
}

/** The end of an answer, of which the server may tell no tokens. */
function finishOf(
  response: RealtimeEvent,
  calls: readonly ToolCall[],
  price: Price | undefined,
): ModelPart {
  const count = (key: string) => Number(recordOf(response, "usage")[key]) || 0;
  const tokens = { inputTokens: count("input_tokens"), outputTokens: count("output_tokens") };
  const last = response["status"] === "incomplete" ? "length" : "stop";
  return {
    kind: "finish",
    reason: calls.length > 0 ? "tool_calls" : last,
    calls: calls.length > 0 ? calls : undefined,
    usage: { ...tokens, micros: microsOf(tokens, price) },
  };
}

function recordOf(event: RealtimeEvent, key: string): RealtimeEvent {
  const { [key]: value } = event;
  return isRecord(value) ? value : {};
}

function textOf(event: RealtimeEvent, key: string): string {
  const { [key]: value } = event;
  return typeof value === "string" ? value : "";
}

/** Milliseconds before the next connection to a server that failed. */
const RETRY_MS = 5_000;
/** Milliseconds of silence that the server gets beyond a pause. */
const MORE_MS = 200;
/** Characters of the longest answer, and those of sound that count as one: ten minutes of it. */
const LONGEST = { chars: 192_000, ofSound: 200 };
/** Milliseconds after which a silent server gives no answer, as a small machine thinks first; and after an error. */
const SILENT_MS = 120_000;
const FAILED_MS = 5_000;
const SILENCE = "it sends nothing";
/** Milliseconds until an answer that the server has ended is asked for again, if none begins. */
const AGAIN_MS = 1_000;
/** Seconds of a speech whose length the server does not tell. */
const UNKNOWN_SEC = 30;
/** Messages of the session that a new connection reads. */
const HISTORY_MAX = 30;
const FORMAT = { type: "audio/pcm", rate: SAMPLE_RATE };
/** Id of events that the server may refuse: an answer may have ended before it is cancelled. */
const OPTIONAL = "optional";
const HOW =
  "Your answer is spoken: say it in a few short sentences, without Markdown, lists, links " +
  "or emojis, and never NO_REPLY.";

/** The connection's conversation, as the server has it. */
interface RealtimeSession {
  readonly socket: RealtimeSocket;
  /** Messages of turns whose sound it has, and texts that it was given. */
  readonly spoken: Set<MessageId>;
  readonly texts: Set<string>;
  /** Calls without a result. */
  readonly open: Set<string>;
  /** Of each speech without a transcript: its begin, then its length, in milliseconds of sound. */
  readonly began: Map<string, number>;
  /** The response that began last; it may be that of an answer which was given up. */
  response?: string;
  session?: string;
  /** Whether the server has sent anything. */
  hasWorked?: true;
  /** Gets the events of the answer that is under way. */
  answer?: (event: RealtimeEvent) => void;
}

const keyOf = (message: ModelMessage): string =>
  message.role === "tool" ? `call ${message.call.id}` : `${message.role} ${message.text}`;

/** Creates the connection of one person; it connects with the first sound. */
export function createRealtimeTalk(account: BotAccount, userId: UserId, talk: {
  readonly server: RealtimeServer;
  readonly place: CallPlace;
  readonly speeches: Speeches;
  /** Takes the person's words, as `askIn` does. */
  readonly words: (
    text: string,
    seconds: number,
    naming: (id: MessageId) => void,
  ) => Promise<boolean>;
  /** Counts seconds of an answer, also of one that was not heard to its end. */
  readonly spoke: (seconds: number, message: InboundMessage) => void;
  /** The server cannot be reached, or has died. */
  readonly failed: () => void;
}) {
  const { now, log, schedule } = account;
  const { server, speeches, words, spoke, failed } = talk;
  const pauseMs = account.config().voice?.pauseMs ?? PAUSE_MS;
  let current: RealtimeSession | undefined;
  let retryAt = -Infinity;
  let last = Promise.resolve();
  let lastAt = 0;
  let cancelPause: (() => void) | undefined;

  function conversation(): RealtimeSession | undefined {
    if (current || now() < retryAt) return current;
    const socket = server.open({
      event: (event) => current?.socket === socket && take(current, event),
      ended(reason) {
        log.warn("A Realtime server has ended a connection", { model: server.modelId, reason });
        retryAt = now() + RETRY_MS;
        const gone = current;
        current = undefined;
        gone?.answer?.(endOf(reason));
        // An idle one opens again with the next sound.
        if (!gone?.hasWorked || gone.began.size > 0) failed();
      },
    });
    const sets = {
      spoken: new Set<MessageId>(),
      texts: new Set<string>(),
      open: new Set<string>(),
    };
    current = { socket, ...sets, began: new Map() };
    const detection = { type: "server_vad", silence_duration_ms: pauseMs };
    const input = {
      format: FORMAT,
      transcription: { model: server.hears },
      turn_detection: { ...detection, create_response: false, interrupt_response: false },
    };
    const audio = { input, output: { format: FORMAT, voice: server.voice } };
    const session = { type: "realtime", output_modalities: ["audio"], audio };
    socket.send({ type: "session.update", session });
    return current;
  }

  function send({ buffer, byteOffset, byteLength }: Pcm): void {
    const audio = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    conversation()?.socket.send({ type: "input_audio_buffer.append", audio });
  }

  /** A person who is silent sends nothing, and the server waits for the sound of a pause. */
  function pause(): void {
    const left = lastAt + pauseMs - now();
    cancelPause = left > 0 ? schedule(pause, left) : undefined;
    if (left <= 0) send(new Int16Array((pauseMs + MORE_MS) / 1_000 * SAMPLE_RATE));
  }

  function take(of: RealtimeSession, event: RealtimeEvent): void {
    const item = textOf(event, "item_id");
    of.hasWorked = true;
    switch (event["type"]) {
      case "input_audio_buffer.speech_started":
        of.began.set(item, Number(event["audio_start_ms"]) || 0);
        return speeches.began(userId);
      case "input_audio_buffer.speech_stopped": {
        const ms = Number(event["audio_end_ms"]) - (of.began.get(item) ?? 0);
        of.began.set(item, ms > 0 ? ms : 0);
        return;
      }
      case "conversation.item.input_audio_transcription.failed":
      case "conversation.item.input_audio_transcription.completed":
        if (textOf(event, "type").endsWith("failed")) failed();
        return void heard(of, item, textOf(event, "transcript")).catch((error: unknown) =>
          log.error("Cannot take what a person said in a call", { error })
        );
      default:
        if (event["type"] === "response.created") of.response = responseOf(event);
        if (event["type"] === "error") refused(of, event);
        of.answer?.(event);
    }
  }

  function refused(of: RealtimeSession, event: RealtimeEvent): void {
    const { id, reason } = errorOf(event);
    if (id === OPTIONAL || id === ASK) return;
    log.warn("A Realtime server refused something", { model: server.modelId, reason });
    if (of.began.size > 0) failed(); // the words have no transcript
    of.began.clear();
  }

  async function heard(of: RealtimeSession, item: string, transcript: string): Promise<void> {
    const speech = of.began.has(item) ? item : ""; // LocalAI names no item of a speech
    const seconds = (of.began.get(speech) ?? 0) / 1_000 || UNKNOWN_SEC;
    of.began.delete(speech);
    if (await words(transcript, seconds, (id) => of.spoken.add(id))) return;
    of.socket.send({ type: "conversation.item.delete", event_id: OPTIONAL, item_id: item });
  }

  /** The connection; a new one if the conversation has lost or changed a text of it (X5, H6a). */
  function connectionFor({ messages }: ModelRequest): RealtimeSession | undefined {
    const keys = new Set(messages.map(keyOf));
    const isLost = (key: string) => !key.startsWith("call ") && !keys.has(key);
    if (current && [...current.texts].some(isLost)) {
      current.socket.close();
      current = undefined;
    }
    return conversation();
  }

  /** Gives the server what it lacks of a request: the history at first, then results of calls. */
  function bring(
    of: RealtimeSession,
    { system, messages, tools = [] }: ModelRequest,
    { id: turn, sender }: InboundMessage,
  ): void {
    const session = {
      type: "realtime",
      instructions: `${system}\n\nYou are in a voice channel. What you hear is said by ${
        nameInLine(labelOf(sender))
      } (${sender.id}), and stands for a <message>. ${HOW}`,
      tools: tools.map((tool) => ({ type: "function", ...tool })),
    };
    const written = JSON.stringify(session);
    if (written !== of.session) of.socket.send({ type: "session.update", session });
    of.session = written;
    const item = (type: string, fields: object) =>
      of.socket.send({ type: "conversation.item.create", item: { type, ...fields } });
    const say = (role: "user" | "assistant", text: string) => {
      const content = [{ type: role === "user" ? "input_text" : "output_text", text }];
      item("message", { role, content });
    };
    const question = messages.findLastIndex(({ role }) => role === "user");
    const isFirst = of.texts.size === 0;
    messages.forEach((message: ModelMessage, at) => {
      const key = keyOf(message);
      if (of.texts.has(key)) return;
      if (message.role !== "assistant" || at < question) of.texts.add(key);
      if (isFirst && at < messages.length - HISTORY_MAX) return; // nor later
      if (message.role === "tool") {
        const { call, text } = message;
        if (of.open.delete(call.id)) {
          item("function_call_output", { call_id: call.id, output: text });
        } else if (at > question) say("user", `[result of the tool ${call.name}]\n${text}`);
      } else if (message.text !== "" && (isFirst || message.role === "user")) {
        if (at !== question || !of.spoken.has(turn)) say(message.role, message.text);
      }
    });
  }

  /** Asks for one answer, after those before it. */
  async function* answer(
    request: ModelRequest,
    turn: InboundMessage,
    sound: (pcm: Pcm, item: string) => Promise<void>,
    signals: { readonly turn: AbortSignal; readonly person: AbortSignal },
  ): AsyncGenerator<ModelPart> {
    const before = last;
    const { promise, resolve: free } = Promise.withResolvers<void>();
    last = promise;
    await before;
    const events: RealtimeEvent[] = [];
    let wake = () => {};
    const of = connectionFor(request);
    let isOver = false;
    let chars = 0;
    let ms = 0;
    /** A response that is not ours: the one before, or one that the server began by itself. */
    let other = of?.response;
    let cancelAsk = () => {};
    const cancel = () => {
      if (!isOver) of?.socket.send({ type: "response.cancel", event_id: OPTIONAL });
      wake();
    };
    const stopping = AbortSignal.any([signals.turn, signals.person]);
    stopping.addEventListener("abort", cancel);
    try {
      if (!of) throw failure("unavailable", "the server cannot be reached");
      of.answer = (event) => {
        events.push(event);
        wake();
      };
      bring(of, request, turn);
      const choice = request.mayCall === false ? { tool_choice: "none" } : {};
      const ask = () =>
        of.socket.send({ type: "response.create", event_id: ASK, response: choice });
      ask();
      const calls: ToolCall[] = [];
      let hasText = false;
      /** Why the answer ends at that time. Most errors are of no answer, which goes on. */
      let [problem, untilMs] = [SILENCE, now() + SILENT_MS];
      for (;;) {
        signals.turn.throwIfAborted();
        const event = events.shift();
        if (!event) {
          const giveUp = () => of.answer?.(endOf(problem));
          const cancelWait = schedule(giveUp, untilMs - now());
          await new Promise<void>((resolve) => wake = resolve).finally(cancelWait);
          continue;
        }
        const type = textOf(event, "type");
        if (responseOf(event) !== "" && responseOf(event) === other) continue;
        const isSound = /^response\.(output_)?audio\.delta$/.test(type);
        const item = recordOf(event, "item");
        chars += textOf(event, "delta").length / (isSound ? LONGEST.ofSound : 1);
        chars += textOf(item, "arguments").length;
        if (chars > LONGEST.chars) throw failure("rejected", "it has no end");
        if (type.startsWith("response.")) [problem, untilMs] = [SILENCE, now() + SILENT_MS];
        if (type === "response.created") cancelAsk();
        else if (isSound) {
          const pcm = pcmOf(textOf(event, "delta"));
          ms += msOf(pcm);
          await sound(pcm, textOf(event, "item_id"));
        } else if (/^response\.(output_)?(audio_transcript|text)\.delta$/.test(type)) {
          hasText = true;
          yield { kind: "text", text: textOf(event, "delta") };
        } else if (type === "response.output_item.done") {
          if (item["type"] !== "function_call") continue;
          const [id, name] = [textOf(item, "call_id"), textOf(item, "name")];
          calls.push({ id, name, arguments: textOf(item, "arguments") });
        } else if (type === "error") {
          const { id, reason } = errorOf(event);
          if (id === ASK) throw failure("unavailable", reason);
          if (id === OPTIONAL) continue;
          [problem, untilMs] = [reason, Math.min(untilMs, now() + FAILED_MS)];
        } else if (type === "response.done") {
          const response = recordOf(event, "response");
          const { status, status_details: details } = response;
          if (status === "cancelled" && !stopping.aborted) {
            other = responseOf(event); // a server that answers by itself ends its own answer for ours
            cancelAsk = schedule(ask, AGAIN_MS);
            calls.length = 0;
            if (hasText) yield { kind: "again" };
            hasText = false;
            continue;
          }
          isOver = true;
          for (const { id } of calls) of.open.add(id);
          if (signals.person.aborted && (status === "cancelled" || !hasText)) {
            yield { kind: "text", text: "…" };
          }
          const why = JSON.stringify(details ?? "").slice(0, 200);
          if (status === "failed") throw failure("rejected", why);
          return yield finishOf(response, calls, server.price);
        }
      }
    } finally {
      cancel();
      cancelAsk();
      stopping.removeEventListener("abort", cancel);
      if (ms > 0) spoke(ms / 1_000, turn);
      if (of) of.answer = undefined;
      free();
    }
  }

  const failure = (kind: "unavailable" | "rejected", why: string) =>
    new ModelError(`${server.modelId} gave no answer: ${why}`, { kind, modelId: server.modelId });

  return {
    append(pcm: Pcm): void {
      send(pcm);
      lastAt = now();
      cancelPause ??= schedule(pause, pauseMs);
    },
    speechOf(turn: TurnToSpeak): TurnSpeech {
      const speech = createTurnSpeech(account, turn, talk, "sound");
      /** The last item of the turn's sound, and the milliseconds of sound before it. */
      let item: { readonly id: string; readonly fromMs: number } | undefined;
      let soundMs = 0;
      const hear = async (pcm: Pcm, id: string) => {
        if (item?.id !== id) item = { id, fromMs: soundMs };
        soundMs += msOf(pcm);
        await speech.hear(pcm);
      };
      return {
        ...speech,
        async end(...answer) {
          const of = current;
          await speech.end(...answer);
          if (item && speech.stopped.aborted) {
            const audio_end_ms = Math.max(0, Math.floor(speech.heardMs() - item.fromMs));
            const cut = { item_id: item.id, content_index: 0, audio_end_ms };
            of?.socket.send({ type: "conversation.item.truncate", event_id: OPTIONAL, ...cut });
          }
        },
        model: {
          id: server.modelId,
          takesImages: false,
          generate: (request, signal) =>
            answer(request, turn.message, hear, { turn: signal, person: speech.stopped }),
        },
      };
    },
    close(): void {
      cancelPause?.();
      current?.answer?.(endOf("the person is not heard any more"));
      current?.socket.close();
      current = undefined;
      retryAt = Infinity;
    },
  };
}

export type RealtimeTalk = ReturnType<typeof createRealtimeTalk>;
