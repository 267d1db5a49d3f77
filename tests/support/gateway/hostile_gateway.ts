/**
 * Data of a gateway that wants to fill the bot's memory: the cases, each for a ready connection.
 */

import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import type { FakeConnection } from "./fake_gateway.ts";

export interface HostileCase {
  readonly name: string;
  /** Whether the shard must leave the server; otherwise it passes over the data. */
  readonly leaves: boolean;
  readonly compress?: true;
  readonly strike: (connection: FakeConnection) => void;
}

const MIB = 1 << 20;
const CONTINUATION = 0x00;
const TEXT = 0x01;
const BINARY = 0x02;
const PING = 0x09;
const FINAL = 0x80;

/** The head of a frame. Its length may be a lie. */
function frameHead(opcode: number, length: number | bigint): Buffer {
  const head = Buffer.alloc(10);
  head[0] = opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

function frame(opcode: number, bytes: Buffer): Buffer {
  return Buffer.concat([frameHead(opcode, bytes.length), bytes]);
}

/** Blocks that continue any zlib stream, and end a message. */
function deflated(bytes: Buffer): Buffer {
  return zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

function times(count: number, bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(count).fill(bytes));
}

/** A block with one byte, which ends no message; and an empty one, which does. */
const BLOCK = Buffer.from([0, 1, 0, 0xfe, 0xff, 0x78]);
const EMPTY = Buffer.from([0, 0, 0, 0xff, 0xff]);

const letters = (size: number) => Buffer.alloc(size, "x");
const announces = (length: number | bigint): HostileCase["strike"] => (connection) =>
  connection.sendBytes(Buffer.concat([frameHead(FINAL | TEXT, length), letters(MIB)]));
const dispatch = (d: string) => Buffer.from(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":${d}}`);

export const HOSTILE: readonly HostileCase[] = [
  { name: "a frame of one byte too many", leaves: true, strike: announces(16 * MIB + 1) },
  { name: "a frame of 1 GiB", leaves: true, strike: announces(1024 * MIB) },
  { name: "a frame of 2^62 bytes", leaves: true, strike: announces(2n ** 62n) },
  {
    name: "a message of 20 MiB in frames of 1 MiB",
    leaves: true,
    strike(connection) {
      connection.sendBytes(frame(TEXT, letters(MIB)));
      for (let part = 1; part < 20; part += 1) {
        connection.sendBytes(frame(CONTINUATION, letters(MIB)));
      }
    },
  },
  {
    name: "a message in 200,000 frames of one byte",
    leaves: true,
    strike(connection) {
      connection.sendBytes(Buffer.from([TEXT, 1, 0x78]));
      connection.sendBytes(times(200_000, Buffer.from([CONTINUATION, 1, 0x78])));
    },
  },
  {
    name: "a message in 200,000 empty frames",
    leaves: true,
    strike(connection) {
      connection.sendBytes(Buffer.from([TEXT, 1, 0x78]));
      connection.sendBytes(times(200_000, Buffer.from([CONTINUATION, 0])));
    },
  },
  {
    name: "15 MiB of no JSON",
    leaves: false,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, letters(15 * MIB))),
  },
  {
    name: "8 MiB of brackets",
    leaves: false,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, Buffer.alloc(8 * MIB, "["))),
  },
  {
    name: "a dispatch of 15 MiB, five times",
    leaves: false,
    strike(connection) {
      const text = frame(FINAL | TEXT, dispatch(`"${letters(15 * MIB)}"`));
      for (let time = 0; time < 5; time += 1) connection.sendBytes(text);
    },
  },
  {
    name: "100,000 dispatches",
    leaves: false,
    strike: (connection) =>
      connection.sendBytes(times(100_000, frame(FINAL | TEXT, dispatch(`"${letters(100)}"`)))),
  },
  {
    name: "a million pings, and no reading",
    leaves: false,
    strike(connection) {
      connection.goDeaf();
      for (let time = 0; time < 10; time += 1) {
        connection.sendBytes(times(100_000, Buffer.from([FINAL | PING, 0])));
      }
    },
  },
  {
    name: "200,000 requests for a heartbeat, and no reading",
    leaves: false,
    strike(connection) {
      connection.goDeaf();
      const asked = frame(FINAL | TEXT, Buffer.from('{"t":null,"s":null,"op":1,"d":null}'));
      connection.sendBytes(times(200_000, asked));
    },
  },
  {
    name: "a bomb of 1 GiB",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = deflated(Buffer.alloc(16 * MIB));
      connection.sendBytes(frame(FINAL | BINARY, times(64, part)));
    },
  },
  {
    name: "a bomb of 1 GiB in many frames",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = Buffer.concat([deflated(Buffer.alloc(MIB)), BLOCK]);
      for (let time = 0; time < 1_024; time += 1) {
        connection.sendBytes(frame(FINAL | BINARY, part));
      }
    },
  },
  {
    name: "a compressed message of 17 MiB",
    leaves: true,
    compress: true,
    strike: (connection) =>
      connection.sendBytes(frame(FINAL | BINARY, deflated(dispatch(`"${letters(17 * MIB)}"`)))),
  },
  {
    name: "20,000 compressed frames that end no message",
    leaves: true,
    compress: true,
    strike: (connection) => connection.sendBytes(times(20_000, frame(FINAL | BINARY, BLOCK))),
  },
  {
    name: "20 MiB of blocks without content",
    leaves: true,
    compress: true,
    strike(connection) {
      const part = Buffer.concat([times(200_000, EMPTY), BLOCK]);
      for (let time = 0; time < 21; time += 1) {
        connection.sendBytes(frame(FINAL | BINARY, part));
      }
    },
  },
  {
    name: "a text of 15 MiB on a compressed connection",
    leaves: false,
    compress: true,
    strike: (connection) => connection.sendBytes(frame(FINAL | TEXT, letters(15 * MIB))),
  },
];
