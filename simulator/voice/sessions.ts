/**
 * Voice sessions, which outlive their WebSocket: the numbered messages for RESUME, and the keys and
 * the address of the voice packets.
 */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { GuildId, UserId } from "../../src/core/discord/ids.ts";
import { type Media, type Mode, openPacket, sealPacket } from "./packets.ts";
import type { Participant } from "./group.ts";
import type { Room } from "./room.ts";

/** Where a VOICE_SERVER_UPDATE permits to connect, and as whom. */
export interface Credential {
  readonly token: string;
  readonly guildId: GuildId;
  readonly userId: UserId;
  readonly sessionId: string;
  readonly room: Room;
}

export interface VoiceSession extends Participant {
  readonly credential: Credential;
  /** Sends to its connection; `undefined` if there is none. */
  connection: {
    send(data: string | Uint8Array): void;
    close(code: number, reason: string): void;
    cut(): void;
  } | undefined;
  /** Chosen by SELECT PROTOCOL. */
  transport: { readonly mode: Mode; readonly address: string; readonly port: number } | undefined;
  readonly key: Uint8Array;
  /** Whether it has sent SPEAKING, without which Discord takes no sound. */
  hasSpoken: boolean;
  /** @returns The messages after a sequence number; `undefined` if one is forgotten. */
  missedSince(seq: number): readonly (string | Uint8Array)[] | undefined;
  open(packet: Buffer): Media | undefined;
}

/** Messages that a session keeps for RESUME. */
const KEPT_MESSAGES = 500;

export function createVoiceSession(
  credential: Credential,
  ssrc: number,
  sendUdp: (packet: Buffer, port: number, address: string) => void,
): VoiceSession {
  const kept: { readonly seq: number; readonly data: string | Uint8Array }[] = [];
  let seq = -1;
  let counter = 0;
  const keep = (write: (seq: number) => string | Uint8Array) => {
    seq = (seq + 1) & 0xffff;
    const data = write(seq);
    kept.push({ seq, data });
    if (kept.length > KEPT_MESSAGES) kept.shift();
    session.connection?.send(data);
  };
  const session: VoiceSession = {
    credential,
    userId: credential.userId,
    ssrc,
    connection: undefined,
    transport: undefined,
    key: randomBytes(32),
    hasSpoken: false,
    tell: (op, d) => keep((seq) => JSON.stringify({ op, d, seq })),
    tellBinary: (op, body) =>
      keep((seq) => Buffer.concat([Buffer.from([seq >> 8, seq & 0xff, op]), body])),
    hear(_from, media) {
      const { transport, key } = session;
      if (!transport) return;
      counter += 1;
      sendUdp(sealPacket(transport.mode, key, counter, media), transport.port, transport.address);
    },
    missedSince(last) {
      if (last === seq) return [];
      const at = last === -1 ? 0 : kept.findIndex((message) => message.seq === last) + 1;
      const isForgotten = last === -1 ? kept.length > 0 && kept[0]?.seq !== 0 : at === 0;
      return isForgotten ? undefined : kept.slice(at).map(({ data }) => data);
    },
    open(packet) {
      return session.transport && openPacket(session.transport.mode, session.key, packet);
    },
  };
  return session;
}
