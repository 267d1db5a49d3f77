/**
 * Parses a client's gateway payloads, and names the close codes for wrong ones.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway}
 */

import { z } from "zod";

export const MAX_CLIENT_PAYLOAD_BYTES = 4096;

/** Discord's close codes and their reasons. */
export const CLOSE = {
  unknownOpcode: [4001, "Unknown opcode."],
  decodeError: [4002, "Error while decoding payload."],
  notAuthenticated: [4003, "Not authenticated."],
  authenticationFailed: [4004, "Authentication failed."],
  alreadyAuthenticated: [4005, "Already authenticated."],
  invalidSeq: [4007, "Invalid seq."],
  rateLimited: [4008, "Rate limited."],
  sessionTimedOut: [4009, "Session timed out."],
  invalidVersion: [4012, "Invalid API version."],
  invalidIntents: [4013, "Invalid intent(s)."],
  disallowedIntents: [4014, "Disallowed intent(s)."],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type CloseName = keyof typeof CLOSE;

const activity = z.looseObject({ name: z.string(), type: z.int() });

const presence = z.strictObject({
  since: z.int().nullish(),
  activities: z.array(activity).nullish(),
  status: z.enum(["online", "dnd", "idle", "invisible", "offline"]),
  afk: z.boolean().nullish(),
});

const identify = z.strictObject({
  token: z.string(),
  properties: z.looseObject({ os: z.string(), browser: z.string(), device: z.string() }),
  compress: z.boolean().nullish(),
  large_threshold: z.int().min(50).max(250).nullish(),
  presence: presence.nullish(),
  shard: z.tuple([z.literal(0), z.literal(1)]).nullish(), // the only one
  intents: z.number().optional(),
});

const resume = z.strictObject({ token: z.string(), session_id: z.string(), seq: z.int().min(0) });

const requestMembers = z.strictObject({
  guild_id: z.string(),
  query: z.string().optional(),
  limit: z.int().min(0).optional(),
  presences: z.boolean().nullish(),
  user_ids: z.union([z.string(), z.array(z.string())]).nullish(),
  nonce: z.string().max(32).nullish(),
});

const voiceState = z.strictObject({
  guild_id: z.string(),
  channel_id: z.string().nullable(),
  self_mute: z.boolean(),
  self_deaf: z.boolean(),
});

const frame = z.discriminatedUnion("op", [
  z.object({ op: z.literal(1), d: z.int().nullable() }),
  z.object({ op: z.literal(2), d: identify }),
  z.object({ op: z.literal(3), d: presence }),
  z.object({ op: z.literal(4), d: voiceState }),
  z.object({ op: z.literal(6), d: resume }),
  z.object({ op: z.literal(8), d: requestMembers }),
]);

/** A client's payload; `d` has the type of its opcode. */
export type ClientFrame = z.infer<typeof frame>;
export type Identify = z.infer<typeof identify>;
export type Presence = z.infer<typeof presence>;
export type Resume = z.infer<typeof resume>;
export type RequestMembers = z.infer<typeof requestMembers>;

const CLIENT_OPCODES = [1, 2, 3, 4, 6, 8];

/** Parses a client's payload, or names the close code that ends the connection. */
export function parseFrame(text: string): ClientFrame | CloseName {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "decodeError"; // not JSON: the close code says so
  }
  const parsed = frame.safeParse(json);
  if (parsed.success) return parsed.data;
  const op = z.looseObject({ op: z.int() }).safeParse(json);
  return op.success && !CLIENT_OPCODES.includes(op.data.op) ? "unknownOpcode" : "decodeError";
}
