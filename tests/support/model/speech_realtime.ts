/**
 * A server of OpenAI's Realtime protocol. It detects turns in the sound itself, reads the words from
 * it (`spoken_text.ts`), and answers in sound that a listener can read.
 *
 * @see {@link https://platform.openai.com/docs/guides/realtime}
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { z } from "zod";
import { RATE, readSound, speakText } from "../../../simulator/model/spoken_text.ts";
import { listening } from "../network/listening.ts";

/** An answer: words, a call of a tool, or nothing. */
export type RealtimeAnswer =
  | { readonly text: string }
  | { readonly call: string; readonly arguments: object }
  | undefined;

export interface RealtimeSwitches {
  /** Answers the last words of a person, or the output of a call. */
  answer: (words: string, from: "person" | "tool", session: RealtimeSession) => RealtimeAnswer;
  /** Milliseconds until an answer begins. */
  delayMs: number;
  /** Seconds of sound that it makes in one second. */
  speed: number;
  /** Milliseconds of sound after which the connection breaks. */
  diesAfterMs: number | undefined;
  /** Whether it refuses connections, as with a wrong key. */
  refuses: boolean;
  /**
   * Whether it answers by itself, and each request ends the answer before, whatever it was told; it
   * names no item of a speech. LocalAI does so.
   */
  isEager: boolean;
  /** Names of events as in the protocol's beta, which some servers still use. */
  isBeta: boolean;
}

export interface RealtimeSession {
  readonly model: string | null;
  readonly authorization: string | undefined;
  /** The session's settings, with all updates. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Events of the client, without those that append sound. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** What it heard, turn by turn. */
  readonly transcripts: readonly string[];
  /** Milliseconds of sound that came in. */
  heardMs(): number;
  isOpen(): boolean;
}

export interface RealtimeServer extends RealtimeSwitches {
  /** `"http://127.0.0.1:40123/v1"`: the WebSocket is at `/realtime` below it. */
  readonly baseUrl: string;
  readonly sessions: readonly RealtimeSession[];
  close(): Promise<void>;
}

/** The part of a WebSocket of `ws` that it uses. */
interface Link {
  readonly readyState: number;
  readonly OPEN: number;
  send(text: string): void;
  terminate(): void;
  on(event: "message" | "close", listener: (data: Buffer) => void): void;
}

const FRAME = RATE / 50;
const CHUNK_MS = 100;
const LOUD = 300;
/** Frames of sound until a turn begins. */
const LOUD_FRAMES = 3;
const PREFIX_FRAMES = 15;

const BETA_NAMES: Readonly<Record<string, string>> = {
  "response.output_audio.delta": "response.audio.delta",
  "response.output_audio.done": "response.audio.done",
  "response.output_audio_transcript.delta": "response.audio_transcript.delta",
  "response.output_audio_transcript.done": "response.audio_transcript.done",
  "conversation.item.added": "conversation.item.created",
};

const event = z.looseObject({ type: z.string(), event_id: z.string().optional() });
const turnDetection = z.looseObject({
  silence_duration_ms: z.number().default(500),
  create_response: z.boolean().default(true),
  interrupt_response: z.boolean().default(true),
});
const session = z.looseObject({
  turn_detection: turnDetection.nullish(),
  audio: z.looseObject({
    input: z.looseObject({ turn_detection: turnDetection.nullish() }).optional(),
  }).optional(),
});

export async function startRealtimeServer(
  options: Partial<RealtimeSwitches> = {},
): Promise<RealtimeServer> {
  const sessions: RealtimeSession[] = [];
  const switches: RealtimeSwitches = {
    answer: (words, from) => ({ text: from === "person" ? `You said: ${words}` : words }),
    delayMs: 0,
    speed: 10,
    diesAfterMs: undefined,
    refuses: false,
    isEager: false,
    isBeta: false,
    ...options,
  };
  const http = createServer((_request, answer) => void answer.writeHead(404).end());
  const server = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    const target = new URL(request.url ?? "/", "http://server");
    if (switches.refuses || target.pathname !== "/v1/realtime") {
      return void socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    }
    server.handleUpgrade(request, socket, head, (link: Link) => {
      const { authorization } = request.headers;
      const model = target.searchParams.get("model");
      const talk = createTalk(switches, { model, authorization }, {
        send: (message) => link.readyState === link.OPEN && link.send(JSON.stringify(message)),
        cut: () => link.terminate(),
        isOpen: () => link.readyState === link.OPEN,
      });
      sessions.push(talk.session);
      link.on("message", (data: Buffer) => talk.receive(JSON.parse(String(data))));
      link.on("close", talk.stop);
    });
  });
  const port = await listening(http);
  return Object.assign(switches, {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    sessions,
    close: () =>
      new Promise<void>((resolve) => {
        for (const client of server.clients ?? []) client.terminate();
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  });
}

function createTalk(
  switches: RealtimeSwitches,
  client: Pick<RealtimeSession, "model" | "authorization">,
  link: { send(message: unknown): void; cut(): void; isOpen(): boolean },
) {
  let settings: Record<string, unknown> = { type: "realtime", ...client };
  const events: Record<string, unknown>[] = [];
  const transcripts: string[] = [];
  let pending = new Int16Array();
  let turn: Int16Array[] = [];
  let heardFrames = 0;
  let loud = 0;
  let quiet = 0;
  let speaking: string | undefined;
  let lastWords: { readonly words: string; readonly from: "person" | "tool" } | undefined;
  let active: { readonly id: string; isCancelled: boolean } | undefined;
  let count = 0;

  const own: RealtimeSession = {
    ...client,
    get settings() {
      return settings;
    },
    events,
    transcripts,
    heardMs: () => heardFrames * 20,
    isOpen: link.isOpen,
  };
  const newId = (kind: string) => `${kind}_${count += 1}`;
  const send = (type: string, fields: object) =>
    link.send({
      type: switches.isBeta ? BETA_NAMES[type] ?? type : type,
      event_id: newId("event"),
      ...fields,
    });
  const fail = (message: string, of?: string) =>
    send("error", {
      error: { type: "invalid_request_error", code: "invalid_value", message, event_id: of },
    });
  const detection = () => {
    const parsed = session.parse(settings);
    const given = parsed.audio?.input?.turn_detection ?? parsed.turn_detection;
    return given === null ? undefined : turnDetection.parse(given ?? {});
  };

  const begin = (item: object) => send("conversation.item.added", { previous_item_id: null, item });
  const end = (item: object) => {
    if (!switches.isBeta) send("conversation.item.done", { previous_item_id: null, item });
  };
  const addItem = (item: object) => {
    begin(item);
    end(item);
  };
  const commit = (id: string) => {
    const pcm = new Int16Array(turn.flatMap((frame) => [...frame]));
    turn = [];
    const words = readSound(pcm);
    transcripts.push(words);
    lastWords = { words, from: "person" };
    send("input_audio_buffer.committed", { item_id: id, previous_item_id: null });
    addItem({
      id,
      type: "message",
      role: "user",
      status: "completed",
      content: [{ type: "input_audio", transcript: null }],
    });
    send("conversation.item.input_audio_transcription.completed", {
      item_id: id,
      content_index: 0,
      transcript: words,
      usage: { type: "duration", seconds: Math.ceil(pcm.length / RATE) },
    });
  };
  const hear = (frame: Int16Array) => {
    heardFrames += 1;
    turn.push(frame);
    const rules = detection();
    if (!rules) return;
    const level = Math.sqrt(frame.reduce((sum, sample) => sum + sample ** 2, 0) / frame.length);
    loud = level > LOUD ? loud + 1 : 0;
    quiet = level > LOUD ? 0 : quiet + 1;
    if (!speaking) turn = turn.slice(-PREFIX_FRAMES);
    if (!speaking && loud === LOUD_FRAMES) {
      speaking = newId("item");
      send("input_audio_buffer.speech_started", {
        audio_start_ms: (heardFrames - LOUD_FRAMES) * 20,
        ...!switches.isEager && { item_id: speaking },
      });
      if (rules.interrupt_response || switches.isEager) cancel("turn_detected");
    }
    if (!speaking || quiet * 20 < rules.silence_duration_ms) return;
    const id = speaking;
    speaking = undefined;
    send("input_audio_buffer.speech_stopped", {
      audio_end_ms: heardFrames * 20,
      ...!switches.isEager && { item_id: id },
    });
    commit(id);
    if (rules.create_response || switches.isEager) void respond();
  };
  const append = (audio: string) => {
    const bytes = Buffer.from(audio, "base64");
    const sound = new Int16Array(pending.length + (bytes.length >> 1));
    sound.set(pending);
    for (let at = 0; at < bytes.length >> 1; at++) {
      sound[pending.length + at] = bytes.readInt16LE(2 * at);
    }
    let at = 0;
    for (; at + FRAME <= sound.length; at += FRAME) hear(sound.slice(at, at + FRAME));
    pending = sound.slice(at);
  };

  const finish = (id: string, status: string, output: readonly object[], reason?: string) => {
    active = undefined;
    const usage = { total_tokens: 30, input_tokens: 10, output_tokens: 20 };
    const status_details = reason === undefined ? null : { type: status, reason };
    send("response.done", { response: { id, status, status_details, output, usage } });
  };
  const cancel = (reason: string) => {
    if (!active) return false;
    active.isCancelled = true;
    finish(active.id, "cancelled", [], reason);
    return true;
  };
  const respond = async () => {
    if (active && !switches.isEager) return fail("Conversation already has an active response");
    cancel("turn_detected");
    const response = active = { id: newId("resp"), isCancelled: false };
    send("response.created", { response: { id: response.id, status: "in_progress", output: [] } });
    await wait(switches.delayMs);
    const { words, from } = lastWords ?? { words: "", from: "person" as const };
    const answer = response.isCancelled ? undefined : switches.answer(words, from, own);
    if (response.isCancelled) return;
    if (!answer) return finish(response.id, "completed", []);
    const place = { response_id: response.id, output_index: 0 };
    const id = newId("item");
    if ("call" in answer) return callTool(answer, id, place);
    const item = { id, type: "message", role: "assistant", content: [] };
    send("response.output_item.added", { ...place, item: { ...item, status: "in_progress" } });
    begin({ ...item, status: "in_progress" });
    const part = { ...place, item_id: id, content_index: 0 };
    send("response.content_part.added", { ...part, part: { type: "audio", transcript: "" } });
    const pcm = speakText(answer.text);
    const step = CHUNK_MS * RATE / 1_000;
    for (let at = 0; at < pcm.length; at += step) {
      if (response.isCancelled || !link.isOpen()) return;
      if (at * 1_000 / RATE >= (switches.diesAfterMs ?? Infinity)) return link.cut();
      const chunk = pcm.subarray(at, at + step);
      const delta = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      send("response.output_audio.delta", { ...part, delta: delta.toString("base64") });
      const text = answer.text.slice(
        Math.round(answer.text.length * at / pcm.length),
        Math.round(answer.text.length * Math.min(pcm.length, at + step) / pcm.length),
      );
      send("response.output_audio_transcript.delta", { ...part, delta: text });
      await wait(CHUNK_MS / switches.speed);
    }
    if (response.isCancelled) return;
    const { text: transcript } = answer;
    const whole = { ...item, status: "completed", content: [{ type: "output_audio", transcript }] };
    send("response.output_audio.done", part);
    send("response.output_audio_transcript.done", { ...part, transcript });
    send("response.content_part.done", { ...part, part: { type: "audio", transcript } });
    send("response.output_item.done", { ...place, item: whole });
    end(whole);
    finish(response.id, "completed", [whole]);
  };
  const callTool = (
    { call: name, arguments: given }: { readonly call: string; readonly arguments: object },
    id: string,
    place: { readonly response_id: string; readonly output_index: number },
  ) => {
    const call_id = newId("call");
    const text = JSON.stringify(given);
    const item = { id, type: "function_call", call_id, name, arguments: text };
    send("response.output_item.added", { ...place, item: { ...item, arguments: "" } });
    begin(item);
    const part = { ...place, item_id: id, call_id };
    send("response.function_call_arguments.delta", { ...part, delta: text });
    send("response.function_call_arguments.done", { ...part, name, arguments: text });
    const whole = { ...item, status: "completed" };
    send("response.output_item.done", { ...place, item: whole });
    end(whole);
    finish(place.response_id, "completed", [whole]);
  };

  const receive = (message: unknown) => {
    const parsed = event.safeParse(message);
    if (!parsed.success) return fail("Invalid event");
    const { type, event_id: id, ...fields } = parsed.data;
    if (type !== "input_audio_buffer.append") events.push(parsed.data);
    switch (type) {
      case "session.update":
        settings = { ...settings, ...Object(fields["session"]) };
        return send("session.updated", { session: settings });
      case "input_audio_buffer.append":
        return append(String(fields["audio"]));
      case "conversation.item.create": {
        const item = { id: newId("item"), ...Object(fields["item"]) };
        if (item.type === "function_call_output") {
          lastWords = { words: String(item.output), from: "tool" };
        }
        return addItem(item);
      }
      case "conversation.item.truncate":
        return send("conversation.item.truncated", fields);
      case "response.create":
        return void respond();
      case "response.cancel":
        return cancel("client_cancelled") ? undefined : fail("no active response found", id);
      default:
        return fail(`Unknown event ${type}`, id);
    }
  };

  send("session.created", { session: settings });
  return {
    session: own,
    receive,
    stop() {
      if (active) active.isCancelled = true;
      active = undefined;
    },
  };
}

function wait(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}
