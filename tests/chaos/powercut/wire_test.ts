import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { Syscall } from "./syscall_log.ts";
import { readWire } from "./wire.ts";

const PORTS = { rest: 1, gateway: 2, model: 3 };
const UPGRADE = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

const passed = (kind: "sent" | "received", remotePort: number, data: string | Buffer): Syscall => ({
  kind,
  link: { name: `127.0.0.1:9->127.0.0.1:${remotePort}`, remotePort },
  data: Buffer.from(data),
});
const asked = (data: string | Buffer) => passed("sent", PORTS.rest, data);
const said = (data: string | Buffer) => passed("sent", PORTS.gateway, data);
const heard = (data: string | Buffer) => passed("received", PORTS.gateway, data);

function post(channel: string, body: object): string {
  const text = JSON.stringify(body);
  return `POST /api/v10/channels/${channel}/messages HTTP/1.1\r\n` +
    `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** A text frame; a client's is masked. */
function frame(payload: object, mask?: readonly number[]): Buffer {
  const text = Buffer.from(JSON.stringify(payload));
  const long = text.length > 125;
  const length = long ? [126, text.length >> 8, text.length & 0xff] : [text.length];
  length[0] = (length[0] ?? 0) | (mask ? 0x80 : 0);
  const body = mask ? text.map((byte, index) => byte ^ (mask[index % 4] ?? 0)) : text;
  return Buffer.concat([Buffer.from([0x81, ...length, ...mask ?? []]), body]);
}

const MASK = [1, 2, 3, 4];
const READY = { op: 0, t: "READY", s: 1, d: { session_id: "s1" } };
const beat = (d: number | null) => frame({ op: 1, d }, MASK);

describe("readWire()", () => {
  it("reads a request at its first byte, in any fragments", () => {
    const text = Buffer.from(post("7", { nonce: "n", content: "krüll" }));
    const log = [asked(text.subarray(0, 5)), asked(text.subarray(5, 80)), asked(text.subarray(80))];
    assert.deepEqual(readWire(log, PORTS).posts, [
      { at: 0, channelId: "7", nonce: "n", content: "krüll" },
    ]);
  });

  it("reads the next request on the same connection", () => {
    const both = post("7", { nonce: "a", content: "1" }) + post("8", { nonce: "b", content: "2" });
    const { posts } = readWire([asked(both)], PORTS);
    assert.deepEqual(posts.map(({ nonce }) => nonce), ["a", "b"]);
  });

  it("distinguishes posts, prompts and other requests", () => {
    const prompt = "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
    const log = [
      asked("POST /api/v10/channels/7/typing HTTP/1.1\r\n\r\n"),
      asked("GET /api/v10/channels/7/messages?limit=9 HTTP/1.1\r\n\r\n"),
      passed("sent", PORTS.model, prompt),
    ];
    const { posts, prompts } = readWire(log, PORTS);
    assert.deepEqual(posts, []);
    assert.deepEqual(prompts, [{ at: 2, text: prompt }]);
  });

  it("reads heartbeats with a number, in their session", () => {
    const identify = frame({ op: 2, d: { token: "t" } }, MASK);
    const hello = [said(UPGRADE), heard(SWITCHED), said(beat(null)), said(identify)];
    const log = [...hello, heard(frame(READY)), said(beat(5))];
    const { sessions, identifies, beats } = readWire(log, PORTS);
    assert.deepEqual(identifies, [3]);
    assert.deepEqual(sessions, [{ at: 4, sessionId: "s1" }]);
    assert.deepEqual(beats, [{ at: 5, sessionId: "s1", seq: 5 }]);
  });

  it("reads a RESUME as the session that it names", () => {
    const resume = frame({ op: 6, d: { session_id: "s0", seq: 9, token: "t" } }, MASK);
    const { resumes, beats } = readWire([said(UPGRADE), said(resume), said(beat(9))], PORTS);
    assert.deepEqual(resumes, [{ at: 1, sessionId: "s0", seq: 9 }]);
    assert.deepEqual(beats, [{ at: 2, sessionId: "s0", seq: 9 }]);
  });

  it("reads a message once it is complete", () => {
    const message = frame({
      op: 0,
      t: "MESSAGE_CREATE",
      s: 2,
      d: { id: "m", content: "krill ".repeat(40) },
    });
    const ready = Buffer.concat([Buffer.from(SWITCHED), frame(READY), message.subarray(0, 9)]);
    const log = [heard(ready), heard(message.subarray(9))];
    assert.deepEqual(readWire(log, PORTS).heard, [
      { at: 1, sessionId: "s1", seq: 2, messageId: "m" },
    ]);
  });
});
