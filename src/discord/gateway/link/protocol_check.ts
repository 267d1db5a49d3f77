/**
 * Checks the messages between the main thread and the gateway's worker.
 *
 * Both ends check each received message: its kind, and the type of every field. That costs less
 * than a microsecond. Decoding checks the dispatches inside a batch.
 */

import type { FromWorker, ToWorker } from "./protocol.ts";
import { isRecord } from "../../../lib/text/json.ts";

/** A field name that ends in `?` is optional. `[fields]` stands for a list of such objects. */
interface MessageShape {
  readonly [name: string]:
    | ("string" | "number" | "boolean" | "object")
    | MessageShape
    | readonly [MessageShape];
}

const SESSION: MessageShape = {
  sessionId: "string",
  resumeUrl: "string",
  seq: "number",
  "hasHole?": "boolean",
};

/** Fields of each shard in a `start`. */
const SHARD: MessageShape = {
  id: "number",
  "session?": SESSION,
  identifyInMs: "number",
  epoch: "number",
  "seqCommitted?": "number",
  "seqReceived?": "number",
  failures: "number",
  isDown: "boolean",
  mustSendPresence: "boolean",
};

const FORM_CONTENT: MessageShape = { title: "string", label: "string" };

/** Fields of a form that people may open. */
const FORM: MessageShape = {
  customId: "string",
  channelId: "string",
  expiresAt: "number",
  form: FORM_CONTENT,
};

const PRESENCE: MessageShape = {
  status: "string",
  "activity?": { type: "string", name: "string", "url?": "string" },
};

const TO_WORKER: Readonly<Record<ToWorker["kind"], MessageShape>> = {
  start: {
    version: "number",
    options: {
      token: "string",
      url: "string",
      intents: "number",
      compress: "boolean",
      tcpKeepaliveSec: "number",
      reconnect: "object",
      presence: PRESENCE,
      "proxy?": "string",
      shardCount: "number",
      "maxConcurrency?": "number",
      restUrl: "string",
      userAgent: "string",
      isConnectionDebug: "boolean",
      dispatches: "object",
      "deadlines?": "object",
    },
    shards: [SHARD],
    tick: "object",
    forms: [FORM],
  },
  committed: { shardId: "number", number: "number" },
  renew: { shardId: "number" },
  permit: { shardId: "number", socket: "number", answer: { kind: "string" } },
  url: { url: "string" },
  forms: { forms: [FORM] },
  admit: { userId: "string" },
  repeats: {
    from: "number",
    forms: [{ number: "number", key: "string", texts: "object", parts: "object" }],
  },
  presence: { presence: PRESENCE },
  voice: { guildId: "string", "channelId?": "string" },
  stop: {},
};

const FROM_WORKER: Readonly<Record<FromWorker["kind"], MessageShape>> = {
  batch: {
    shardId: "number",
    sentAt: "number",
    batch: {
      number: "number",
      epoch: "number",
      seq: "number",
      text: "string",
      "repeatsFrom?": "number",
      "session?": SESSION,
      "afterHole?": "boolean",
      "isReplayed?": "boolean",
    },
  },
  state: {
    shardId: "number",
    sentAt: "number",
    state: {
      state: "string",
      readyAt: "number",
      "ack?": { at: "number", intervalMs: "number" },
      isDown: "boolean",
      "waits?": "string",
      "readysUnread?": "number",
    },
    failures: "number",
  },
  beat: { shardId: "number", sentAt: "number", lateMs: "number", "latencyMs?": "number" },
  session_ended: { shardId: "number", sentAt: "number" },
  permit_wanted: {
    shardId: "number",
    sentAt: "number",
    socket: "number",
    "isPreview?": "boolean",
  },
  final: { shardId: "number", sentAt: "number", plan: { kind: "string" } },
  counts: {
    counts: {
      identifies: "number",
      resumes: "object",
      disconnects: "object",
    },
  },
  refused: { interactionId: "string" },
  log: { level: "string", event: "string", fields: "object" },
  stopped: {},
};

/** Whether a value is a message that a worker understands. */
export function isToWorker(value: unknown): value is ToWorker {
  return fits(value, TO_WORKER);
}

/** Whether a value is a message that the main thread understands. */
export function isFromWorker(value: unknown): value is FromWorker {
  return fits(value, FROM_WORKER);
}

function fits(value: unknown, kinds: Readonly<Record<string, MessageShape>>): boolean {
  if (!isRecord(value) || typeof value["kind"] !== "string") return false;
  const { kind } = value;
  const fields = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return fields !== undefined && hasFields(value, fields);
}

function hasFields(value: Readonly<Record<string, unknown>>, fields: MessageShape): boolean {
  for (const name in fields) {
    const wanted = fields[name];
    const isOptional = name.endsWith("?");
    const field = value[isOptional ? name.slice(0, -1) : name];
    if (isOptional && field === undefined) continue;
    if (typeof wanted === "string") {
      if (typeof field !== wanted || field === null) return false;
    } else if (isList(wanted)) {
      if (!Array.isArray(field)) return false;
      if (!field.every((item) => isRecord(item) && hasFields(item, wanted[0]))) return false;
    } else if (wanted && !(isRecord(field) && hasFields(field, wanted))) {
      return false;
    }
  }
  return true;
}

function isList(wanted: MessageShape[string] | undefined): wanted is readonly [MessageShape] {
  return Array.isArray(wanted);
}
