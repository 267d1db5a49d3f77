/**
 * Documents the config's keys with descriptions, units and examples, and finds by the schema which
 * values are secret.
 *
 * The documents are in a registry of ours. zod's `.meta()` copies the schema of each key, and
 * Barnacle builds the whole schema whenever it starts.
 */

import { getNodeValue, type Node } from "jsonc-parser";
import { z } from "zod";
import { oncePer } from "../../../lib/cache.ts";
import { isPrivateHost } from "../../../lib/network/addresses.ts";
import { type Span, withoutSecrets } from "../../text/problem.ts";
import { isList, type Segment } from "../../text/edit.ts";
import { DEFAULTS } from "./defaults.ts";
import { isReference, isSecretSchema, referenceIn } from "./secrets.ts";
import { isRecord } from "../../../lib/text/quoted.ts";

/**
 * When a change of a key takes effect (C9).
 *
 * - `now`: with the next message; running turns keep the config with which they began.
 * - `reconnect`: the account reconnects by itself, and resumes its gateway session.
 * - `restart`: with the next start of the process.
 */
export type TakesEffect = "now" | "reconnect" | "restart";

/** The page of `docs/configuration/` that has a key. */
export type ReferencePart =
  | "access"
  | "replies"
  | "models"
  | "agents"
  | "connection"
  | "operating";

export interface KeyDoc {
  /** One to three sentences for the operator: first what the key does. */
  readonly description: string;
  /** That of the section if absent. */
  readonly task?: ReferencePart;
  /** The default, in words, of a key for which the schema has none. */
  readonly unset?: string;
  /** Unit of a number, in the plural: `"seconds"`. */
  readonly unit?: string;
  /** A valid value other than the default. Booleans and single words need none. */
  readonly example?: unknown;
  /** Whether it is one of the keys that people change most. */
  readonly isCommon?: true;
  /** Placeholder for the names in a record: `"<guild>"`. */
  readonly entry?: string;
  /** Config path of the keys that each entry takes, too; so they are documented only there. */
  readonly repeats?: string;
  /** That of the section if absent; at the top, `now`. */
  readonly takesEffect?: TakesEffect;
}

/** When a change takes effect, as a sentence; `undefined` for `now`. */
function effectText({ takesEffect = "now" }: KeyDoc): string | undefined {
  switch (takesEffect) {
    case "now":
      return undefined;
    case "reconnect":
      return "A change makes the account reconnect.";
    case "restart":
      return "A change takes effect at the next start.";
  }
}

/** A key's document as sentences: description, default in words, and effect of a change. */
export function docText(doc: KeyDoc): string {
  const unset = doc.unset === undefined ? undefined : `Default: ${doc.unset}.`;
  return [doc.description, unset, effectText(doc)].filter((part) => part !== undefined).join(" ");
}

export const docs: z.core.$ZodRegistry<KeyDoc> = z.registry<KeyDoc>();

/** Documents a key, and returns its schema unchanged. */
export function key<S extends z.ZodType>(
  schema: S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): S {
  const doc: KeyDoc = { description, ...details };
  docs.add<z.ZodType>(schema, doc);
  return schema;
}

/**
 * Documents a key whose absence counts, and whose schema is built on first use. That saves half of
 * all keys at a start.
 *
 * zod would build it to look for a default, so `optin` says that there is none.
 */
export function lazyKey<S extends z.ZodType>(
  build: () => S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): z.ZodOptional<z.ZodLazy<S>> {
  const section = z.lazy(build);
  Object.defineProperty(section._zod, "optin", { value: undefined });
  return key(section.optional(), description, details);
}

/** Builds each section, by the name of its defaults. */
export const sections: Map<string, () => z.ZodType> = new Map();

/**
 * Documents a section that is built on first use, too. A config without it has its defaults, which are
 * generated so that they do not need the schema.
 *
 * @param name Of the generated defaults.
 */
export function lazySection<S extends z.ZodType>(
  name: string,
  build: () => S,
  description: string,
  details: Omit<KeyDoc, "description"> = {},
): z.ZodDefault<z.ZodLazy<S>> {
  sections.set(name, build);
  const absent = (): unknown => DEFAULTS[name] ?? build().parse({});
  return key(
    z.lazy(build).default(absent as () => z.util.NoUndefined<z.output<S>>),
    description,
    details,
  );
}

export function whole(least: number, most: number): z.ZodInt {
  return z.int().check(z.gte(least), z.lte(most)); // a chain of methods would make four copies
}

export function amount(least: number, most: number): z.ZodNumber {
  return z.number().check(z.gte(least), z.lte(most));
}

/** Texts of at least one character. */
export function text(): z.ZodString {
  return z.string().min(1);
}

/**
 * Addresses on the web. Barnacle may show them, so they must not hold a password.
 *
 * @param hint Where to write the password.
 */
export function address(hint: string): z.ZodURL {
  return z.url({ protocol: /^https?$/ }).check(withoutPassword(hint));
}

/** The same for a base address, to which paths are added, as {@link completeAddress} makes it. */
export function baseAddress(hint: string): z.ZodString {
  return z.string().check(
    z.overwrite(completeAddress),
    z.url({ protocol: /^https?$/ }),
    withoutPassword(hint),
  );
}

/** A host of an address without a scheme: `localhost`, `[::1]`, `ai.example` or `ollama:11434`. */
const BARE_HOST = /^(?:localhost\b|\[|[\w-]+(?:\.[\w-]+)+|[\w-]+:\d)/;

/** The ends of addresses to which requests go, as their makers' examples show them. */
const ENDPOINT =
  /\/(?:chat\/completions|completions|responses|messages|models(?:\/.*)?|api\/(?:chat|generate|tags))$/;

/**
 * Completes an address that a person has copied. It adds the scheme, which is `http` on a private
 * network only, and removes a slash or an endpoint at its end. A query stays.
 *
 * @returns The text as it is, if it is no address.
 */
export function completeAddress(text: string): string {
  const bare = BARE_HOST.test(text) ? URL.parse(`http://${text}`) : undefined;
  const scheme = bare && (isPrivateHost(bare.hostname) ? "http://" : "https://");
  const [, address = "", query = ""] = /^([^?#]*)(\?[^#]*)?/.exec((scheme ?? "") + text) ?? [];
  return withoutSlash(withoutSlash(address).replace(ENDPOINT, "")) + query;
}

/** An address without slashes at its end. */
export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function withoutPassword(hint: string): z.core.$ZodCheck<string> {
  return z.refine((url: string) => !/^https?:\/\/[^/?#]*@/i.test(url), {
    error: "The address must not contain a password",
    params: { hint },
  });
}

export type Schema = z.core.$ZodType;

/** The document of a key; looks through the wrappers around its schema. */
export function docOf(schema: Schema): KeyDoc | undefined {
  return viewOf(schema).doc;
}

/** A schema and the schemas within it, the outermost first. */
export function layersOf(schema: Schema): readonly Schema[] {
  const inner = innerOf(schema);
  return inner ? [schema, ...layersOf(inner)] : [schema];
}

/** The schema within defaults, options and transforms. */
export function coreSchema(schema: Schema): Schema {
  return viewOf(schema).core;
}

/** Whether a value is a token or API key. */
export function isSecret(schema: Schema): boolean {
  return viewOf(schema).isSecret;
}

/** Whether a text there may be a secret: of a secret, of an unknown key, or of a section that has one. */
export function mayBeSecret(schema: Schema | undefined): boolean {
  if (schema === undefined || isSecret(schema)) return true;
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodRecord) return mayBeSecret(plain.def.valueType);
  if (plain instanceof z.ZodUnion) return plain.options.every((one) => mayBeSecret(one));
  return plain instanceof z.ZodObject && Object.values<Schema>(plain.shape).some(mayBeSecret);
}

/** Cached facts of a schema, which every key of a file needs. */
interface SchemaView {
  readonly core: Schema;
  readonly doc: KeyDoc | undefined;
  readonly isSecret: boolean;
}

const viewOf = oncePer((schema: Schema): SchemaView => {
  const layers = layersOf(schema);
  return {
    core: layers.at(-1) ?? schema,
    doc: layers.map((layer) => docs.get(layer)).find((doc) => doc !== undefined),
    isSecret: layers.some(isSecretSchema),
  };
});

function innerOf(schema: Schema): Schema | undefined {
  if (
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) return schema.def.innerType;
  if (schema instanceof z.ZodPipe) return schema.def.in;
  if (schema instanceof z.ZodLazy) return schema._zod.innerType; // built once
  return undefined;
}

/** The keys of an object, by name; for a union, those of its object option. */
export function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodObject) return plain.shape;
  if (!(plain instanceof z.ZodUnion)) return undefined;
  return plain.options.map(shapeOf).find((shape) => shape !== undefined);
}

/** The schema of a key or of a list entry. */
export function childOf(schema: Schema, segment: Segment): Schema | undefined {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodRecord) return plain.def.valueType;
  if (plain instanceof z.ZodArray) return plain.def.element;
  if (plain instanceof z.ZodUnion) {
    return plain.options.map((option) => childOf(option, segment)).find((found) => found);
  }
  const shape = shapeOf(plain);
  return shape && Object.hasOwn(shape, segment) ? shape[segment] : undefined;
}

export function schemaAt(root: Schema, path: readonly Segment[]): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const segment of path) schema = schema && childOf(schema, segment);
  return schema;
}

/** Whether a key may be left out. */
export function isOptional(schema: Schema): boolean {
  return schema._zod.optin !== undefined;
}

/**
 * The allowed values of a key, in words: `a whole number from 1 to 2000`.
 *
 * @param most Maximum number of words to list; of more, only the first four are listed.
 */
export function allowedBy(schema: Schema, most = 8): string {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodUnion) {
    return plain.options.map((option) => allowedBy(option, most)).join(" or ");
  }
  if (plain instanceof z.ZodEnum) return oneOf(plain.options, most);
  if (plain instanceof z.ZodLiteral) return oneOf([...plain.values], most);
  if (plain instanceof z.ZodBoolean) return "true or false";
  if (plain instanceof z.ZodNumber) return numbers(plain);
  if (plain instanceof z.ZodArray) return `a list of ${plural(plain.def.element, most)}`;
  if (plain instanceof z.ZodURL) return "a web address in quotes";
  if (plain instanceof z.ZodString) {
    return plain.format === "url" ? "a web address in quotes" : textOf(plain);
  }
  const shape = shapeOf(plain);
  if (!shape) return "an object in braces";
  const keys = Object.entries(shape).filter(([, value]) => !isOptional(value)).map(([name]) =>
    name
  );
  return keys.length === 0
    ? "an object in braces"
    : `{ ${keys.map((name) => `"${name}": …`).join(", ")} }`;
}

function textOf({ minLength, maxLength }: z.ZodString): string {
  if (maxLength !== null) return `a text in quotes of ${minLength ?? 0} to ${maxLength} characters`;
  return minLength ? "a text in quotes, not empty" : "a text in quotes";
}

function numbers(schema: z.ZodNumber): string {
  const { minValue, maxValue, isInt } = schema;
  return `a ${isInt ? "whole number" : "number"} from ${minValue} to ${maxValue}`;
}

function plural(schema: Schema, most: number): string {
  const plain = coreSchema(schema);
  if (plain instanceof z.ZodString) return "texts in quotes";
  if (plain instanceof z.ZodEnum) return oneOf(plain.options, most);
  if (plain instanceof z.ZodArray) return `lists of ${plural(plain.def.element, most)}`;
  return "objects in braces";
}

function oneOf(values: readonly unknown[], most: number): string {
  const words = values.map((value) => JSON.stringify(value));
  if (words.length > most) return `one of ${words.slice(0, 4).join(", ")}, …`;
  const last = words.pop() ?? "";
  return words.length === 0 ? last : `${words.join(", ")} or ${last}`;
}

/**
 * A text with its secrets blanked. It keeps all lines and columns, and still parses: each letter
 * becomes a star.
 *
 * No schema describes comments. So everything in them that looks like a token or key is blanked,
 * and each secret of the file itself: operators who try another token often keep the old line.
 *
 * @param secrets See {@link secretsIn}.
 * @param comments In the order of the file, as `secrets` are.
 */
export function blankedText(
  text: string,
  secrets: readonly Span[],
  comments: readonly Span[],
): string {
  const stars = replaced(text, secrets, starsOf);
  const secretTexts = new Set(
    secrets.map(({ offset, length }) => text.slice(offset, offset + length))
      .filter(({ length }) => length >= MIN_KNOWN),
  );
  return replaced(stars, comments, (comment) => {
    let blanked = comment;
    for (const secret of secretTexts) blanked = blanked.replaceAll(secret, starsOf(secret));
    blanked = withoutSecrets(blanked);
    // A star before a slash would end the comment too early.
    return blanked.startsWith("/*")
      ? `/*${blanked.slice(2, -2).replaceAll("*/", "**")}*/`
      : blanked;
  });
}

/** Shorter secrets are parts of many words. */
const MIN_KNOWN = 4;

function starsOf(secret: string): string {
  return "*".repeat(secret.length);
}

/**
 * @param replace Returns a text of the same length.
 */
function replaced(text: string, spans: readonly Span[], replace: (part: string) => string): string {
  const parts: string[] = [];
  let done = 0;
  for (const { offset, length } of spans) {
    parts.push(text.slice(done, offset), replace(text.slice(offset, offset + length)));
    done = offset + length;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/** Paths of the values that are secrets or refer to one, in the order of the file. */
export function secretPathsIn(
  value: unknown,
  schema: Schema,
  path: readonly Segment[] = [],
): readonly (readonly Segment[])[] {
  if (isSecret(schema)) return [path];
  const entries: readonly (readonly [Segment, unknown])[] = isList(value)
    ? [...value.entries()]
    : isRecord(value)
    ? Object.entries(value)
    : [];
  return entries.flatMap(([segment, part]) => {
    const child = childOf(schema, segment);
    return child === undefined ? [] : secretPathsIn(part, child, [...path, segment]);
  });
}

/**
 * The parts of a file that are, or may be, secrets: every value of an unknown key may be one.
 *
 * @returns In the order of the file.
 */
export function secretsIn(root: Node, schema: Schema): readonly Span[] {
  const spans: Span[] = [];
  const visit = (node: Node, at: Schema | undefined): void => {
    const hidden = at === undefined || isSecret(at);
    if (node.type === "object") {
      for (const { children } of node.children ?? []) {
        const [keyNode, child] = children ?? [];
        if (!keyNode || !child) continue;
        // A reference's own key ("file") contains no secret; the schema does not know unknown
        // keys.
        const isFault = hidden && referenceIn(getNodeValue(node)) === undefined;
        visit(child, isFault ? undefined : at && childOf(at, String(keyNode.value)));
      }
      return;
    }
    if (node.type === "array") {
      for (const [index, child] of (node.children ?? []).entries()) {
        visit(child, hidden ? undefined : at && childOf(at, index));
      }
      return;
    }
    if (node.type !== "string" && node.type !== "number" || !mayBeSecret(at)) return;
    if (isReference(String(node.value))) return;
    const inner = node.type === "string" ? 1 : 0; // the quotes stay
    spans.push({ offset: node.offset + inner, length: Math.max(0, node.length - 2 * inner) });
  };
  visit(root, schema);
  return spans;
}

/** A key with a secret, by its name, and the beginning of its value. */
const LIKELY =
  /(?:token|api_?key|secret|password)["']?[ \t]*:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*|[^\s"',{}[\]]+)/gid;

/** All values of these are secrets, under any key. */
const LIKELY_ALL = /(?:headers|env)["']?\s*:\s*\{([^}]*)/gid;

const TEXT_VALUE = /:[ \t]*("(?:[^"\\\r\n]|\\.)*|'(?:[^'\\\r\n]|\\.)*)/gid;

/**
 * Parts of a text that may be secrets, if the text does not parse. The faulty line may have one:
 * operators paste tokens more than anything else.
 *
 * @returns In the order of the file.
 */
export function likelySecretsIn(text: string): readonly Span[] {
  const values = [
    ...spansOf(text, LIKELY),
    ...spansOf(text, LIKELY_ALL).flatMap(({ offset, length }) =>
      spansOf(text.slice(offset, offset + length), TEXT_VALUE).map((inner) => ({
        offset: offset + inner.offset,
        length: inner.length,
      }))
    ),
  ];
  return values.flatMap(({ offset, length }): readonly Span[] => {
    const inner = /^["']/.test(text.slice(offset, offset + 1)) ? 1 : 0; // the quotes stay
    const span = { offset: offset + inner, length: length - inner };
    return isReference(text.slice(span.offset, span.offset + span.length)) ? [] : [span];
  }).sort((one, other) => one.offset - other.offset);
}

/** The first group of each match. */
function spansOf(text: string, pattern: RegExp): readonly Span[] {
  return Array.from(text.matchAll(pattern)).flatMap(({ indices }): readonly Span[] => {
    const [from, to] = indices?.[1] ?? [0, 0];
    return from === to ? [] : [{ offset: from, length: to - from }];
  });
}
