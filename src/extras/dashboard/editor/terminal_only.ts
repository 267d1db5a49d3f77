/**
 * Finds changes that an operator may make on the terminal only: with them, a stolen session of the
 * dashboard could take over the machine, or send secrets elsewhere (SEC-R31).
 */

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { pathText } from "../../../core/config_file.ts";
import { ownerToolsOf } from "../../../core/tool_names.ts";
import { shellWord } from "../../../lib/text/quoted.ts";
import { configSchema } from "../../../config/schema/root.ts";
import { addressCheckOf, referenceIn } from "../../../config/schema/parts/secrets.ts";
import {
  coreSchema,
  isSecret,
  layersOf,
  type Schema,
  schemaAt,
} from "../../../config/schema/parts/shape.ts";
import { isList, isRecord, type Segment } from "../../../config/text/tree.ts";

export interface TerminalChange {
  /** Config path of the key. */
  readonly path: string;
  /** What it is about: `"Owners"`. */
  readonly why: string;
  readonly command: string;
}

/** Sections by the beginning of their paths; `*` stands for any key. */
const SECTIONS: readonly { readonly at: readonly string[]; readonly why: string }[] = [
  { at: ["commands", "ownerAllowFrom"], why: "Owners" },
  { at: ["exec"], why: "Commands on the host" },
  { at: ["approvals"], why: "Approvals" },
  { at: ["channels", "discord", "execApprovals"], why: "Approvers of commands" },
  {
    at: ["channels", "discord", "accounts", "*", "execApprovals"],
    why: "Approvers of commands",
  },
  { at: ["mcp"], why: "MCP servers" },
  { at: ["models", "providers", "*", "kind"], why: "The API of a provider" },
  { at: ["http"], why: "The HTTP server" },
  { at: ["api"], why: "Programs that may ask the bot" },
  // The owner of another application would own this bot.
  { at: ["channels", "discord", "token"], why: "Tokens of bots" },
  { at: ["channels", "discord", "accounts", "*", "token"], why: "Tokens of bots" },
  // A shell may read these files as commands, and an agent may read and write all of a folder.
  { at: ["log", "file"], why: "Files and folders of the machine" },
  { at: ["skills"], why: "Skills, and the hosts of their tools" },
  { at: ["agents", "defaults", "workspace"], why: "Files and folders of the machine" },
  { at: ["files"], why: "Files and folders of the machine" },
  { at: ["agents", "list", "*", "workspace"], why: "Files and folders of the machine" },
];

/**
 * Compares two files.
 *
 * @param before The file's own values, before defaults.
 */
export function terminalOnly(before: unknown, after: unknown): readonly TerminalChange[] {
  return changedPaths(before, after, []).flatMap(({ path, from, to }) => {
    const why = reasonFor(path, from, to);
    if (why === undefined) return [];
    const name = pathText(path);
    const command = to === undefined
      ? `barnacle config unset ${shellWord(name)}`
      : `barnacle config set ${shellWord(name)} …`;
    return [{ path: name, why, command }];
  });
}

/**
 * The deepest parts that differ; a secret is one part. An absent object or list counts as an empty
 * one, so its keys and entries are found.
 */
function changedPaths(
  from: unknown,
  to: unknown,
  path: readonly Segment[],
): readonly { readonly path: readonly Segment[]; readonly from: unknown; readonly to: unknown }[] {
  if (isDeepStrictEqual(from, to)) return [];
  const names = [...new Set([from, to].flatMap((side) => isRecord(side) ? Object.keys(side) : []))];
  const isObject = [from, to].every((side) => side === undefined || isRecord(side));
  if (isObject && names.length > 0 && !isSecretAt(path)) {
    return names.flatMap((name) =>
      changedPaths(ownOf(from, name), ownOf(to, name), [...path, name])
    );
  }
  const [old, now] = [from ?? [], to ?? []];
  if (isList(old) && isList(now) && [...old, ...now].every(isRecord)) {
    const length = Math.max(old.length, now.length);
    const entries = Array.from(
      { length },
      (_, at) => changedPaths(old[at], now[at], [...path, at]),
    );
    if (length > 0) return entries.flat();
  }
  return [{ path, from, to }];
}

function isSecretAt(path: readonly Segment[]): boolean {
  const schema = schemaAt(configSchema, path);
  return schema !== undefined && isSecret(schema);
}

function ownOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function reasonFor(path: readonly Segment[], from: unknown, to: unknown): string | undefined {
  // A text or a list in place of an object removes all that was below.
  const isReplaced = [from, to].some((side) => side !== undefined && !isRecord(side));
  const section = SECTIONS.find(({ at }) =>
    (path.length >= at.length || isReplaced) &&
    path.every((segment, depth) => depth >= at.length || isAt(at[depth], segment))
  );
  if (section) return section.why;
  const schema = schemaAt(configSchema, path);
  if (schema && isAddress(schema)) return "Addresses of servers";
  if (isSecretAt(path) && referenceIn(to) !== undefined) return "Files and variables with secrets";
  return givesOwnerTools(path, from, to) ? "Tools that only owners have" : undefined;
}

const isAt = (name: string | undefined, segment: Segment) => name === "*" || name === segment;

/** Whether a value is an address, also one that is a secret, such as that of a webhook. */
function isAddress(schema: Schema): boolean {
  const core = coreSchema(schema);
  return core instanceof z.ZodString && core.format === "url" || core instanceof z.ZodURL ||
    layersOf(schema).some((layer) => addressCheckOf(layer) !== undefined);
}

/** Whether a change of a list of tools gives others a tool that only owners have by default. */
function givesOwnerTools(path: readonly Segment[], from: unknown, to: unknown): boolean {
  const name = path.at(-1);
  const isOfTools = path.some((segment) => segment === "tools" || segment === "toolsBySender");
  if (!isOfTools) return false;
  const [more, fewer] = name === "deny" ? [from, to] : [to, from];
  if (name !== "deny" && name !== "allow" && name !== "alsoAllow") return false;
  const kept = new Set(entriesOf(fewer));
  return entriesOf(more).some((entry) => !kept.has(entry) && ownerToolsOf(entry).length > 0);
}

function entriesOf(list: unknown): readonly string[] {
  return isList(list) ? list.filter((entry) => typeof entry === "string") : [];
}
