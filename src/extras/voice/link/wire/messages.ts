/**
 * Reads the messages of a voice server, in JSON or, for some of end-to-end encryption, in bytes.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice}
 */

import { z } from "zod";
import { snowflakeSchema } from "../../../../core/discord/snowflake_schema.ts";
import { parseForeignJson } from "../../../../lib/text/json.ts";

/** Discord's numbers of the messages that either side sends. */
export const OP = {
  identify: 0,
  selectProtocol: 1,
  ready: 2,
  heartbeat: 3,
  session: 4,
  speaking: 5,
  acked: 6,
  resume: 7,
  hello: 8,
  resumed: 9,
  joined: 11,
  gone: 13,
  prepareTransition: 21,
  executeTransition: 22,
  transitionReady: 23,
  prepareEpoch: 24,
  externalSender: 25,
  keyPackage: 26,
  proposals: 27,
  commitWelcome: 28,
  commit: 29,
  welcome: 30,
  invalidCommit: 31,
} as const;

const user = snowflakeSchema<"user">();
const whole = z.number().int();
const message = <Op extends number, D extends z.ZodType>(op: Op, d: D) =>
  z.object({ op: z.literal(op), d, seq: whole.optional() });

const jsonSchema = z.discriminatedUnion("op", [
  message(
    OP.ready,
    z.object({ ssrc: whole, ip: z.string(), port: whole, modes: z.array(z.string()) }),
  ),
  message(
    OP.session,
    z.object({
      mode: z.string(),
      secret_key: z.array(whole).length(32),
      dave_protocol_version: whole.default(0),
    }),
  ),
  message(OP.speaking, z.object({ user_id: user, ssrc: whole })),
  message(OP.acked, z.unknown()),
  message(OP.hello, z.object({ heartbeat_interval: z.number().min(100) })),
  message(OP.resumed, z.unknown()),
  message(OP.joined, z.object({ user_ids: z.array(user) })),
  message(OP.gone, z.object({ user_id: user })),
  message(OP.prepareTransition, z.object({ transition_id: whole, protocol_version: whole })),
  message(OP.executeTransition, z.object({ transition_id: whole })),
  message(OP.prepareEpoch, z.object({ epoch: whole, protocol_version: whole })),
]);

/** A message in bytes, after its number and operation. */
interface BinaryMessage {
  readonly op:
    | typeof OP.externalSender
    | typeof OP.proposals
    | typeof OP.commit
    | typeof OP.welcome;
  readonly seq: number;
  readonly content: Uint8Array;
}

/** `seq` is the number of a message that a RESUME repeats. */
export type ServerMessage = z.infer<typeof jsonSchema> | BinaryMessage;

const BINARY: readonly BinaryMessage["op"][] = [
  OP.externalSender,
  OP.proposals,
  OP.commit,
  OP.welcome,
];

/** Reads a message; `undefined` for one that we do not know, or that does not fit. */
export function readServerMessage(data: string | Uint8Array): ServerMessage | undefined {
  if (typeof data === "string") return jsonSchema.safeParse(parseForeignJson(data)).data;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const op = BINARY.find((known) => data.length >= 5 && known === view.getUint8(2));
  return op && { op, seq: view.getUint16(0), content: data.subarray(3) };
}

/** The number of any message, also of one that we do not know. */
export function sequenceOf(data: string | Uint8Array): number | undefined {
  if (typeof data !== "string") {
    return data.length < 3 ? undefined : (data[0] ?? 0) << 8 | (data[1] ?? 0);
  }
  return z.object({ seq: whole }).safeParse(parseForeignJson(data)).data?.seq;
}
