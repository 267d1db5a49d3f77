/**
 * Lists the methods of the store that a command may ask of the process that has the store open, and
 * carries them out there.
 *
 * A bot has much of its data in memory, so no other process may write beside it. A command calls the
 * same methods with and without a bot (`store_access.ts`). Arguments come from another process, so
 * each method has a schema for them. Errors keep their kind, their cause and their next step.
 */

import { z } from "zod";
import { toAccountId, type UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { Store } from "../../store/store.ts";
import type { SocketHandler, SocketRequest } from "../../host/bot_socket.ts";
import { StoreError } from "../../store/database/database_files.ts";
import { storedMessage } from "../../store/outbox/outbox.ts";
import { EXIT, StartError } from "./exit_code.ts";
import { toStartError } from "./start_error.ts";

/**
 * Calls that the process itself carries out, by name: they ask for no part of the store. Each checks its
 * arguments, which come from another process.
 */
export interface OwnMethods {
  /** Makes a login link. */
  readonly "dashboard.login"?: (args: unknown) => unknown;
}

/** A namespace of the store with methods that a command may ask for. */
type AskedNamespace =
  | "outbox"
  | "pairing"
  | "questions"
  | "schedules"
  | "sessions"
  | "settings"
  | "notes"
  | "forgetting";

type MethodName = {
  [Name in AskedNamespace]: `${Name}.${Extract<keyof Store[Name], string>}`;
}[AskedNamespace];

type ArgsOf<Name> = Name extends `${infer Of extends AskedNamespace}.${infer Method}`
  ? Method extends keyof Store[Of]
    ? Store[Of][Method] extends (...args: infer Args) => unknown ? Args : never
  : never
  : never;

type Schemas = { readonly [Name in MethodName]?: z.ZodType<ArgsOf<Name>> };

/** Milliseconds for an answer. The file is written anew to forget a person, which takes longest. */
export const ANSWER_MS = 120_000;

const account = z.string().min(1).transform(toAccountId);
const row = z.int().positive();
const time = z.int().nonnegative().max(8.64e15); // the last moment of a `Date`
const code = z.strictObject({ code: z.string() });
const by = z.string().min(1);

/** The same check that the store makes of a message that it reads. */
const message = z.unknown().transform((value, context) => {
  try {
    return storedMessage().read(JSON.stringify(value));
  } catch {
    context.addIssue({ code: "custom", message: "Not a message" });
    return z.NEVER;
  }
});
const file = z.strictObject({
  name: z.string(),
  alt: z.string().optional(),
  contentType: z.string().optional(),
  bytes: z.instanceof<typeof Uint8Array<ArrayBuffer>>(Uint8Array),
});
const frozen: z.ZodType<readonly Frozen[]> = z.array(z.strictObject({
  message,
  files: z.array(file),
  whole: z.string().optional(),
}));

function notUnderstood(): StartError {
  return new StartError(
    "the running bot is of another version; restart it with this one, or use its command",
    EXIT.tryAgain,
  );
}

/** Reads JSON of the other process. Text that is none would otherwise look like a damaged row. */
function parseJson(text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    throw notUnderstood();
  }
}

/** Methods that change nothing, and of which the bot knows more than the file. */
const READS = { "outbox.sendResultsOf": z.tuple([z.array(row)]) } satisfies Schemas;

const WRITES = {
  "outbox.addAll": z.tuple([frozen, time]),
  "outbox.release": z.tuple([row, z.enum(["resend", "drop"])]),
  "pairing.decide": z.tuple([z.strictObject({
    accountId: account,
    by: code,
    how: z.enum(["approve", "deny"]),
    decidedBy: by,
    now: time,
    notify: frozen,
  })]),
  "pairing.revoke": z.tuple([account, snowflakeSchema<"user">()]),
  "questions.decide": z.tuple([
    z.strictObject({ by: code, answer: z.strictObject({ choice: z.string() }), now: time }),
  ]),
  "questions.removeRule": z.tuple([row]),
  "schedules.pause": z.tuple([row, z.literal("operator")]),
  "schedules.resume": z.tuple([row, time.optional()]),
  "schedules.remove": z.tuple([row]),
  "sessions.reset": z.tuple([z.string(), z.literal("command"), time]),
  "settings.changePause": z.tuple([account, z.strictObject({ to: z.boolean(), by }), time]),
  "settings.recordBackup": z.tuple([
    z.strictObject({
      kind: z.literal("made"),
      at: time,
      path: z.string(),
      bytes: z.int().nonnegative(),
      isElsewhere: z.boolean(),
    }),
  ]),
  "notes.remove": z.tuple([row]),
  "forgetting.forget": z.tuple([snowflakeSchema<"user">(), z.boolean()]),
  "forgetting.vacuum": z.tuple([]),
} satisfies Schemas;

const CALLS: ReadonlyMap<string, z.ZodType<readonly unknown[]>> = new Map(
  Object.entries({ ...READS, ...WRITES }),
);

export type SocketMethod = keyof typeof READS | keyof typeof WRITES | keyof OwnMethods;

/** Finds a method by its name: `"outbox.release"`. */
function methodOf(store: Store, name: string): (...args: readonly unknown[]) => unknown {
  const [namespace = "", method = ""] = name.split(".");
  return Reflect.get(Reflect.get(store, namespace), method);
}

/** The same store, with another function for some methods. */
function withMethods(
  store: Store,
  names: Iterable<string>,
  made: (name: string) => (...args: readonly unknown[]) => unknown,
): Store {
  const changed: Record<string, object> = { ...store };
  for (const name of names) {
    const [namespace = "", method = ""] = name.split(".");
    changed[namespace] = { ...changed[namespace], [method]: made(name) };
  }
  return changed as unknown as Store; // the same methods as the store's
}

/** Asks the process that has the store open. */
export type AskStore = (name: SocketMethod, args: readonly unknown[]) => Promise<unknown>;

/** A store whose listed methods go to another process. All others read the file. */
export function askedStore(reader: Store, ask: AskStore): Store {
  return withMethods(reader, CALLS.keys(), (name) => (...args) => ask(name as SocketMethod, args));
}

const requestSchema = z.strictObject({ call: z.string(), args: z.unknown() });

/** The key that stands for a file's place among the frames. */
const FILE = "$file";

export function toRequest(name: SocketMethod, given: readonly unknown[]): SocketRequest {
  const files: Uint8Array<ArrayBuffer>[] = [];
  // JSON has no `undefined`, which stands for an argument that is left out.
  const args = given.slice(0, given.findLastIndex((value) => value !== undefined) + 1);
  const text = JSON.stringify({ call: name, args }, function (this: object, key, value: unknown) {
    const original: unknown = Reflect.get(this, key); // a buffer has become an object in `value`
    if (!(original instanceof Uint8Array)) return value;
    return { [FILE]: files.push(new Uint8Array(original)) - 1 };
  });
  return { text, files };
}

function fromRequest({ text, files }: SocketRequest): z.infer<typeof requestSchema> {
  const value = parseJson(text, (_, value: unknown) => {
    const place = typeof value === "object" && value !== null && FILE in value && value[FILE];
    return typeof place === "number" ? files[place] : value;
  });
  const { data } = requestSchema.safeParse(value);
  if (!data) throw notUnderstood();
  return data;
}

/** A failure, for the process that asked. The other fields are those of a {@link StoreError}. */
const failureSchema = z.strictObject({
  message: z.string(),
  code: z.enum(EXIT),
  kind: z.enum(["damaged", "newer", "unwritable", "full", "gone", "unavailable"]).optional(),
  path: z.string().optional(),
  cause: z.string().optional(),
});

const answerSchema = z.strictObject({
  result: z.unknown().optional(),
  failure: failureSchema.optional(),
});

function failureOf(error: unknown): z.input<typeof failureSchema> {
  const said = toStartError(error);
  if (!(error instanceof StoreError)) return { message: said.message, code: said.code };
  const { kind, path, message, cause } = error;
  return {
    message,
    code: said.code,
    kind,
    path,
    cause: cause === undefined ? undefined : String(cause),
  };
}

/**
 * Reads the answer to a call.
 *
 * @throws {StartError} If the call has failed.
 * @throws {StoreError} If the disk or the file has refused it.
 */
export function readMethodAnswer(text: string): unknown {
  const { data } = answerSchema.safeParse(parseJson(text));
  if (!data) throw notUnderstood();
  const { result, failure } = data;
  if (!failure) return result;
  const { message, code, kind, path, cause } = failure;
  if (kind && path !== undefined) throw new StoreError(message, { kind, path, cause });
  throw new StartError(message, code, cause);
}

/**
 * Carries out calls.
 *
 * @param onWritten Gets the namespace of each call that has succeeded, and the person whom it forgot.
 * @param own Calls of the process itself.
 */
export function createCallHandler(
  store: Store,
  onWritten: (namespace: AskedNamespace, forgotten?: UserId) => void,
  own?: OwnMethods,
): SocketHandler {
  return async (request) => {
    try {
      const { call: name, args } = fromRequest(request);
      const ownCall = own && Object.entries(own).find(([one]) => one === name)?.[1];
      if (ownCall) return JSON.stringify({ result: await ownCall(args) });
      const { data } = CALLS.get(name)?.safeParse(args) ?? {};
      if (!data) throw notUnderstood();
      const result = await methodOf(store, name)(...data);
      if (name in WRITES) {
        const forgotten = name === "forgetting.forget" ? data[0] as UserId : undefined; // as its schema says
        onWritten(name.split(".")[0] as AskedNamespace, forgotten);
      }
      return JSON.stringify({ result });
    } catch (error) {
      return JSON.stringify({ failure: failureOf(error) });
    }
  };
}
