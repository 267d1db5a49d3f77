/**
 * Reads the messages of a voice server, in JSON or, for some of end-to-end encryption, in bytes.
 *
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice}
 */

import { readSnowflake, type UserId } from "../../../../core/discord/ids.ts";
import { isRecord, parseForeignJson } from "../../../../lib/text/json.ts";

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

/** Types of fields, by names. They are checked without a library, which would take 8 MB of the thread. */
export interface Kinds {
  /** A finite one. */
  readonly number: number;
  /** A number that servers without end-to-end encryption leave out. */
  readonly maybe: number | undefined;
  readonly text: string;
  readonly user: UserId;
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  readonly users: readonly UserId[];
}

const isUser = (value: unknown) => readSnowflake(value) !== undefined;
const listOf = (is: (item: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(is);
const CHECKS: Readonly<Record<keyof Kinds, (value: unknown) => boolean>> = {
  number: Number.isFinite,
  maybe: (value) => value === undefined || Number.isFinite(value),
  text: (value) => typeof value === "string",
  user: isUser,
  numbers: listOf(Number.isInteger),
  texts: listOf((item) => typeof item === "string"),
  users: listOf(isUser),
};

/** The fields of each message's `d` that we use. */
const SHAPES = {
  [OP.ready]: { ssrc: "number", ip: "text", port: "number", modes: "texts" },
  [OP.session]: { mode: "text", secret_key: "numbers", dave_protocol_version: "maybe" },
  [OP.speaking]: { user_id: "user", ssrc: "number" },
  [OP.acked]: {},
  [OP.hello]: { heartbeat_interval: "number" },
  [OP.resumed]: {},
  [OP.joined]: { user_ids: "users" },
  [OP.gone]: { user_id: "user" },
  [OP.prepareTransition]: { transition_id: "number", protocol_version: "number" },
  [OP.executeTransition]: { transition_id: "number" },
  [OP.prepareEpoch]: { epoch: "number", protocol_version: "number" },
} as const satisfies Readonly<Record<number, Readonly<Record<string, keyof Kinds>>>>;

/** A message of the voice server in JSON. */
export type JsonMessage = {
  [Op in keyof typeof SHAPES]: {
    readonly op: Op;
    readonly d: {
      readonly [Field in keyof (typeof SHAPES)[Op]]:
        Kinds[(typeof SHAPES)[Op][Field] & keyof Kinds];
    };
  };
}[keyof typeof SHAPES];

/** A message in bytes, after its number and operation. */
export interface BinaryMessage {
  readonly op:
    | typeof OP.externalSender
    | typeof OP.proposals
    | typeof OP.commit
    | typeof OP.welcome;
  readonly content: Uint8Array;
}

export type ServerMessage = JsonMessage | BinaryMessage;

const BINARY: readonly BinaryMessage["op"][] = [
  OP.externalSender,
  OP.proposals,
  OP.commit,
  OP.welcome,
];

function isJsonMessage(value: unknown): value is JsonMessage {
  if (!isRecord(value)) return false;
  const { op, d } = value;
  const shape = new Map(Object.entries(SHAPES)).get(String(op));
  const fields = isRecord(d) ? d : {};
  return shape !== undefined &&
    Object.entries(shape).every(([name, kind]) => CHECKS[kind](fields[name]));
}

/** A message as it came. */
export interface ReadMessage {
  /** Its number, which a RESUME names. */
  readonly seq?: number | undefined;
  /** Absent: it is unknown, or does not fit. */
  readonly message?: ServerMessage | undefined;
}

export function readServerMessage(data: string | Uint8Array): ReadMessage {
  if (typeof data === "string") {
    const value = parseForeignJson(data);
    const seq = isRecord(value) && typeof value["seq"] === "number" ? value["seq"] : undefined;
    return { seq, message: isJsonMessage(value) ? value : undefined };
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 5) return {};
  const seq = view.getUint16(0);
  const op = BINARY.find((known) => known === view.getUint8(2));
  return { seq, message: op && { op, content: data.subarray(3) } };
}
