/**
 * Parses a client's messages on the voice gateway, and names the close codes for wrong ones.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice}
 */

import { z } from "zod";

/** Discord's close codes and their reasons. */
export const VOICE_CLOSE = {
  unknownOpcode: [4001, "Unknown opcode."],
  decodeError: [4002, "Failed to decode payload."],
  notAuthenticated: [4003, "Not authenticated."],
  authenticationFailed: [4004, "Authentication failed."],
  alreadyAuthenticated: [4005, "Already authenticated."],
  invalidSession: [4006, "Session is no longer valid."],
  sessionTimeout: [4009, "Session timeout."],
  serverNotFound: [4011, "Server not found."],
  unknownProtocol: [4012, "Unknown protocol."],
  disconnected: [4014, "Disconnected."],
  crashed: [4015, "Voice server crashed."],
  unknownMode: [4016, "Unknown encryption mode."],
  needsEncryption: [4017, "E2EE/DAVE protocol required."],
  badRequest: [4020, "Bad request."],
  callTerminated: [4022, "Disconnected: Call Terminated."],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type VoiceCloseName = keyof typeof VOICE_CLOSE;

const seqAck = z.int().min(-1).max(0xffff).optional();
const session = { server_id: z.string(), session_id: z.string(), token: z.string() };
const transition = z.object({ transition_id: z.int().min(0).max(0xffff) });

const frame = z.discriminatedUnion("op", [
  z.object({
    op: z.literal(0),
    d: z.looseObject({
      ...session,
      user_id: z.string(),
      max_dave_protocol_version: z.int().min(0).optional(),
    }),
  }),
  z.object({
    op: z.literal(1),
    d: z.looseObject({
      protocol: z.string(),
      data: z.looseObject({
        address: z.string(),
        port: z.int().min(1).max(0xffff),
        mode: z.string(),
      }),
    }),
  }),
  z.object({ op: z.literal(3), d: z.object({ t: z.int(), seq_ack: seqAck }) }),
  z.object({
    op: z.literal(5),
    d: z.object({ speaking: z.int().min(0).max(7), delay: z.int(), ssrc: z.int() }),
  }),
  z.object({ op: z.literal(7), d: z.object({ ...session, seq_ack: seqAck }) }),
  z.object({ op: z.literal(23), d: transition }),
  z.object({ op: z.literal(31), d: transition }),
]);

export type VoiceFrame = z.infer<typeof frame>;
export type VoiceIdentify = Extract<VoiceFrame, { op: 0 }>["d"];
export type VoiceResume = Extract<VoiceFrame, { op: 7 }>["d"];
export type SelectProtocol = Extract<VoiceFrame, { op: 1 }>["d"];

/** Parses a client's text message, or names the close code that ends the connection. */
export function parseVoiceFrame(text: string): VoiceFrame | VoiceCloseName {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "decodeError"; // not JSON: the close code says so
  }
  const parsed = frame.safeParse(json);
  if (parsed.success) return parsed.data;
  const op = z.looseObject({ op: z.int() }).safeParse(json);
  const isKnown = frame.options.some(({ shape }) => shape.op.value === op.data?.op);
  return op.success && !isKnown ? "unknownOpcode" : "decodeError";
}
