/** Sends what no client of a call knows. */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { OPUS_PAYLOAD_TYPE, sealPacket } from "../../../simulator/voice/packets.ts";
import type { VoiceControl } from "../../../simulator/voice/voice.ts";

/** Messages and datagrams of no known kind, and packets of no member, to each client. */
export function sendUnknown({ sessions, faults }: VoiceControl): void {
  const packet = { ssrc: 7, sequence: 1, timestamp: 1, payload: Buffer.alloc(40, 7) };
  const stranger = { ...packet, payloadType: OPUS_PAYLOAD_TYPE };
  for (const session of sessions()) {
    session.tell(99, { simulated: true });
    session.tellBinary(99, Buffer.from("unknown"));
    session.credential.room.group?.greet(session); // names the sender of proposals again
    for (const op of [27, 29, 30]) {
      for (const bytes of [0, 1, 9, 70_000]) session.tellBinary(op, Buffer.alloc(bytes, 0xbf));
    }
    session.hear(session.userId, stranger);
    session.hear(session.userId, { ...packet, payloadType: 96 });
  }
  faults.sendDatagrams([
    sealPacket("aead_aes256_gcm_rtpsize", randomBytes(32), 1, stranger),
    Buffer.concat([Buffer.from([0x80, 200, 0, 6]), randomBytes(48)]), // a report of RTCP
    randomBytes(200),
    Buffer.alloc(1),
  ]);
}
