/**
 * Reads tokens and API keys of the config, in a type that never prints them.
 *
 * Only `reveal()` returns the text of a secret. Log lines, errors and dumps of the config print
 * `[redacted]`.
 */

import { z } from "zod";
import { REDACTED } from "../../../lib/text/redactor.ts";
import { type Env, withHome } from "../../../lib/env.ts";
import { SHAPE_WORDS, shapeOfToken } from "../../../core/discord/ids.ts";
import { codeOf } from "../../../lib/errors.ts";

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, for the request that needs it. */
  reveal(): string {
    return this.#text;
  }

  /** A placeholder, never the text. */
  toString(): string {
    return REDACTED;
  }

  /** A placeholder, never the text. */
  toJSON(): string {
    return REDACTED;
  }

  /** A placeholder, never the text. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

/** A secret in an environment variable: `"${NAME}"`. */
export class EnvReference {
  readonly env: string;

  constructor(env: string) {
    this.env = env;
  }

  toJSON(): string {
    return `\${${this.env}}`;
  }
}

export interface FileReference {
  /** As written. C5 says where a relative path is looked for. */
  readonly file: string;
}

/** The place of a secret, as the config names it. */
export type SecretSource = Secret | EnvReference | FileReference;

interface SecretProblem {
  readonly kind: "problem";
  readonly why: string;
  readonly hint: string;
  /** Set if there is no text, or none that this user may read: no fault of the config. */
  readonly isAbsent?: true;
}

export interface SecretPlaces {
  readonly env: Env;
  /** Path of the config file; `undefined` if there is none. */
  readonly configFile: string | undefined;
  /**
   * The text of a file.
   *
   * @returns `undefined` if there is no such file; rejects if it cannot be read.
   */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /**
   * Whether the bot runs elsewhere, or later. Then secrets of its environment may be missing, and
   * placeholders are only warnings.
   */
  readonly isElsewhere?: boolean;
}

const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/** Visible ASCII, which headers can carry. */
const SENDABLE = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

const FILE = z.strictObject({ file: z.string().min(1) });

/** The schemas of `secret()`, by which a walk over the schema finds secrets. */
const secretSchemas = new WeakSet<z.core.$ZodType>();

export function isSecretSchema(schema: z.core.$ZodType): boolean {
  return secretSchemas.has(schema);
}

/** Whether a text only refers to an environment variable. */
export function isReference(written: string): boolean {
  return REFERENCE.test(written.trim());
}

/** The reference that a value of the file is; `undefined` for a literal secret or another value. */
export function referenceIn(written: unknown): EnvReference | FileReference | undefined {
  if (typeof written !== "string") return FILE.safeParse(written, { jitless: true }).data;
  const name = REFERENCE.exec(written.trim())?.[1];
  return name === undefined ? undefined : new EnvReference(name);
}

/**
 * A secret in the config: literal, `"${NAME}"`, or `{ "file": "path" }`.
 *
 * Parsing cannot read it: its output is a {@link SecretSource}, which `resolveSecrets` replaces
 * before the program sees it.
 */
export function secret(): z.ZodType<Secret> {
  const schema = z.union([z.string().min(1), FILE]).transform(toSource);
  secretSchemas.add(schema);
  return schema as z.ZodType<SecretSource> as z.ZodType<Secret>;
}

/** The same as {@link secret}, but a blank text counts as not set. */
export function secretOrBlank(): z.ZodType<Secret | undefined> {
  const schema = z.union([z.string(), FILE]).transform((written, context) =>
    typeof written === "string" && written.trim() === "" ? undefined : toSource(written, context)
  );
  secretSchemas.add(schema);
  return schema as z.ZodType<SecretSource | undefined> as z.ZodType<Secret | undefined>;
}

function toSource(written: string | FileReference, context: z.core.$RefinementCtx): SecretSource {
  const reference = referenceIn(written);
  if (reference || typeof written !== "string") return reference ?? z.NEVER;
  if (written.includes("${")) {
    context.addIssue({
      code: "custom",
      message: "A reference to the environment must be the whole value",
      params: { hint: 'write "${NAME}", with letters, digits and _ in the name' },
    });
    return z.NEVER;
  }
  return new Secret(written);
}

/**
 * Reads a secret.
 *
 * Never rejects: a missing or unreadable file is a problem for the operator.
 *
 * @returns The secret, trimmed, or why there is none. No problem contains any part of the secret.
 */
export async function resolveSecret(
  source: SecretSource,
  places: SecretPlaces,
): Promise<Secret | SecretProblem> {
  if (source instanceof Secret) return checked(source.reveal(), "The value");
  if (source instanceof EnvReference) return fromEnv(source.env, places.env);
  return await fromFile(source.file, places);
}

/**
 * Removes the `Bot ` that operators copy with a token, and names a text of another form.
 *
 * @param env With another server in Discord's place, a token may have any form.
 * @param what The place of the token, to begin a sentence.
 */
export function botToken(token: Secret, env: Env = {}, what = "The token"): Secret | SecretProblem {
  const found = checked(token.reveal().replace(/^Bot(?:\s+|$)/i, ""), what);
  if (!(found instanceof Secret) || env["DISCORD_API_URL"]?.trim()) return found;
  const words = SHAPE_WORDS[shapeOfToken(found.reveal())];
  if (words === undefined) return found;
  return {
    kind: "problem",
    why: `${what} is ${words}, and no bot token`,
    hint:
      "get the bot token in Discord's developer portal, under your application, Bot, Reset Token",
  };
}

/** Quotes around a whole value, which `docker --env-file` keeps, and a shell does not. */
const IN_QUOTES = /^\s*(["'])(.*)\1\s*$/s;

/** The variable of the environment, trimmed and without such quotes, if it is set and not blank. */
export function envText(env: Env, name: string): string | undefined {
  const value = env[name];
  return (IN_QUOTES.exec(value ?? "")?.[2] ?? value)?.trim() || undefined;
}

export function envSecret(env: Env, name: string): Secret | undefined {
  const value = envText(env, name);
  return value === undefined ? undefined : new Secret(value);
}

export function fromEnv(name: string, env: Env): Secret | SecretProblem {
  const value = envText(env, name);
  if (value === undefined) {
    return {
      kind: "problem",
      why: `The variable ${name} is ${env[name] === undefined ? "not set" : "empty"}`,
      hint: `set ${name} in the environment of Barnacle`,
      isAbsent: true,
    };
  }
  return checked(value, `The variable ${name}`);
}

async function fromFile(
  written: string,
  { env, configFile, readFile }: SecretPlaces,
): Promise<Secret | SecretProblem> {
  const path = withHome(written, env["HOME"] ?? env["USERPROFILE"]);
  const candidates = candidatesOf(path, env["CREDENTIALS_DIRECTORY"], configFile);
  for (const candidate of candidates) {
    let content: string | undefined;
    try {
      content = await readFile(candidate);
    } catch (cause) {
      return {
        kind: "problem",
        why: `The file ${candidate} cannot be read (${reasonOf(cause)})`,
        hint:
          "make it readable by Barnacle's user only; beside a service, run the command with sudo",
        isAbsent: true,
      };
    }
    if (content !== undefined) return checked(content, `The file ${candidate}`);
  }
  return {
    kind: "problem",
    why: `There is no file ${candidates.join(" or ")}`,
    hint: toWrite(path),
    isAbsent: true,
  };
}

/** How to write a secret into its place. */
export function hintToWrite(source: SecretSource): string {
  return "file" in source ? toWrite(source.file) : "write the secret itself there";
}

function toWrite(file: string): string {
  return isSecretName(file)
    ? `run \`barnacle secret set ${file}\``
    : "write the secret into it, readable by Barnacle's user only";
}

/** The codes by which `readFile` refuses a file; any other is the system's. */
const REFUSALS: Readonly<Record<string, string>> = {
  EISDIR: "it is a folder",
  EFBIG: "it is too large for a secret",
  ENODEV: "it is no regular file",
};

function reasonOf(cause: unknown): string {
  const code = codeOf(cause) ?? "unknown reason";
  return REFUSALS[code] ?? code;
}

/** The folder beside the config in which `barnacle secret set` writes. */
export const CREDENTIALS = "credentials";

/** Whether a text can be the name of a file of that folder. */
export function isSecretName(text: string): boolean {
  return /^[\w-][\w.-]*$/.test(text) && text.length <= 64;
}

/** Paths to try, in order (C5). */
function candidatesOf(
  path: string,
  credentials: string | undefined,
  configFile: string | undefined,
): readonly string[] {
  if (/^(?:\/|\\|[A-Za-z]:[\\/])/.test(path)) return [path];
  const folder = /^(.*[\\/])[^\\/]*$/.exec(configFile ?? "")?.[1] ?? "";
  return [
    ...credentials ? [`${credentials}/${path}`] : [],
    `${folder}${CREDENTIALS}/${path}`,
    `${folder}${path}`,
  ];
}

export function checked(value: string, what: string): Secret | SecretProblem {
  const trimmed = value.replace(/^\uFEFF/, "").trim();
  if (trimmed === "") {
    return {
      kind: "problem",
      why: `${what} is empty`,
      hint: "write the secret there",
      isAbsent: true,
    };
  }
  if (!SENDABLE.test(trimmed)) {
    return {
      kind: "problem",
      why: `${what} contains a character that no token or key has, such as a line break`,
      hint: "copy the secret again, on one line",
    };
  }
  return new Secret(trimmed);
}

/** The values of headers or variables, by name. */
export function revealed(
  secrets: Readonly<Record<string, Secret>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]),
  );
}
