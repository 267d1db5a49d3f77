/**
 * Reconstructs from the transferred bytes what Discord and the bot had told each other by each
 * moment.
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Syscall } from "./syscall_log.ts";

/** `at` is the index of the call in the log; it has happened before a cut at a later index. */
export interface Wire {
  /** Sessions in order, each from its READY on. */
  readonly sessions: readonly { readonly at: number; readonly sessionId: string }[];
  /** Requests to create a message, from their first byte. */
  readonly posts: readonly Post[];
  /** Prompts to the model: the bot has begun to process the messages in them. */
  readonly prompts: readonly { readonly at: number; readonly text: string }[];
  /** Heartbeats with a sequence number: Discord may forget earlier events. */
  readonly beats: readonly InSession[];
  /** Sent IDENTIFYs. */
  readonly identifies: readonly number[];
  /** Sent RESUMEs, which contain a sequence number too. */
  readonly resumes: readonly InSession[];
  /** Messages of people and bots, as the process received them. */
  readonly heard: readonly (InSession & { readonly messageId: string })[];
}

export interface Post {
  readonly at: number;
  readonly channelId: string;
  readonly nonce: string;
  readonly content: string;
}

export interface InSession {
  readonly at: number;
  readonly sessionId: string;
  readonly seq: number;
}

/** The servers' addresses. */
export interface Ports {
  readonly model: number;
  readonly rest: number;
  readonly gateway: number;
}

const created = z.object({ nonce: z.string(), content: z.string() });
const frame = z.object({
  op: z.int(),
  d: z.unknown(),
  s: z.int().nullish(),
  t: z.string().nullish(),
});
const named = z.object({ session_id: z.string() });
const resume = z.object({ session_id: z.string(), seq: z.int() });
const message = z.object({ id: z.string() });

/**
 * Reads a log.
 *
 * @param log With uncompressed gateway traffic.
 */
export function readWire(log: readonly Syscall[], { rest, gateway, model }: Ports): Wire {
  const posts: Post[] = [];
  const beats: InSession[] = [];
  const identifies: number[] = [];
  const resumes: InSession[] = [];
  const heard: (InSession & { messageId: string })[] = [];
  const sessions: { at: number; sessionId: string }[] = [];
  const current = new Map<string, string>();

  for (const { at, text } of requests(log, rest)) {
    const [, channelId] = /^POST \/api\/v\d+\/channels\/(\d+)\/messages /.exec(text) ?? [];
    if (channelId === undefined) continue;
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    // A request that a cut interrupts was sent nevertheless, but cannot be read.
    if (body !== "") posts.push({ at, channelId, ...created.parse(JSON.parse(body)) });
  }
  for (const { at, link, isSent, text } of frames(log, gateway)) {
    const { op, d, s, t } = frame.parse(JSON.parse(text));
    if (isSent && op === 2) identifies.push(at);
    if (isSent && op === 6) {
      const { session_id, seq } = resume.parse(d);
      resumes.push({ at, sessionId: session_id, seq });
      current.set(link, session_id);
    }
    if (!isSent && t === "READY") {
      const { session_id } = named.parse(d);
      sessions.push({ at, sessionId: session_id });
      current.set(link, session_id);
    }
    const sessionId = current.get(link);
    if (sessionId === undefined) continue;
    if (isSent && op === 1 && typeof d === "number") beats.push({ at, sessionId, seq: d });
    if (!isSent && t === "MESSAGE_CREATE" && typeof s === "number") {
      heard.push({ at, sessionId, seq: s, messageId: message.parse(d).id });
    }
  }
  return { sessions, posts, prompts: [...requests(log, model)], beats, identifies, resumes, heard };
}

/** HTTP requests, each at the call that began it. */
function* requests(log: readonly Syscall[], port: number) {
  const open = new Map<string, { at: number; bytes: Buffer }>();
  for (const [at, syscall] of log.entries()) {
    if (syscall.kind !== "sent" || syscall.link.remotePort !== port) continue;
    const link = syscall.link.name;
    const before = open.get(link);
    let bytes = Buffer.concat([before?.bytes ?? Buffer.alloc(0), syscall.data]);
    let began = before?.at ?? at;
    for (;;) {
      const head = bytes.indexOf("\r\n\r\n");
      const fields = bytes.subarray(0, head).toString("latin1");
      const length = Number(/^content-length: *(\d+)/im.exec(fields)?.[1] ?? 0);
      const end = head + 4 + length;
      if (head < 0 || bytes.length < end) break;
      yield { at: began, text: bytes.subarray(0, end).toString() };
      bytes = bytes.subarray(end);
      began = at;
    }
    if (bytes.length > 0) open.set(link, { at: began, bytes });
    else open.delete(link);
  }
}

/**
 * Text frames of the gateway: sent ones at the call that began them, received ones when complete.
 */
function* frames(log: readonly Syscall[], port: number) {
  const open = new Map<string, { at: number; bytes: Buffer; isUpgraded: boolean }>();
  for (const [at, syscall] of log.entries()) {
    if (syscall.kind !== "sent" && syscall.kind !== "received") continue;
    if (syscall.link.remotePort !== port) continue;
    const isSent = syscall.kind === "sent";
    const link = syscall.link.name;
    const key = `${syscall.kind} ${link}`;
    const stream = open.get(key) ?? { at, bytes: Buffer.alloc(0), isUpgraded: false };
    open.set(key, stream);
    if (stream.bytes.length === 0) stream.at = at;
    stream.bytes = Buffer.concat([stream.bytes, syscall.data]);
    if (!stream.isUpgraded) {
      const head = stream.bytes.indexOf("\r\n\r\n");
      if (head < 0) continue;
      stream.bytes = stream.bytes.subarray(head + 4);
      stream.isUpgraded = true;
    }
    for (;;) {
      const one = firstFrame(stream.bytes);
      if (!one) break;
      if (one.opcode === 1) yield { at: isSent ? stream.at : at, link, isSent, text: one.text };
      stream.bytes = stream.bytes.subarray(one.size);
      stream.at = at;
    }
  }
}

/** RFC 6455, 5.2; `undefined` until the whole frame is there. */
function firstFrame(bytes: Buffer) {
  const [first = 0, second = 0] = bytes;
  if (bytes.length < 2) return undefined;
  let at = 2;
  let length = second & 0x7f;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const mask = second & 0x80 ? bytes.subarray(at, at += 4) : undefined;
  const size = at + length;
  if (bytes.length < size) return undefined;
  const payload = Buffer.from(bytes.subarray(at, size));
  if (mask) {
    for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % 4] ?? 0);
  }
  return { opcode: first & 0x0f, size, text: payload.toString() };
}
