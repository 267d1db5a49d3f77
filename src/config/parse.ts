/**
 * Parses the text of a config file to settings, or to every problem in it.
 *
 * All problems of one kind come at once, in the order of the file (C2): first those of the syntax,
 * then those of the values, and those that need valid values last.
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import type { z } from "zod";
import { withAccounts } from "./schema/accounts.ts";
import { audit } from "./audit/audit.ts";
import {
  blankedText,
  isSecret,
  likelySecretsIn,
  mayBeSecret,
  schemaAt,
  secretsIn,
} from "./schema/parts/key.ts";
import { IGNORED_KEYS, remarksOf } from "./checks/issues.ts";
import { pathText, quoted } from "../lib/text/quoted.ts";
import { createLines, type Lines, type Problem, type Severity, type Span } from "./text/problem.ts";
import { configSchema, type Settings } from "./schema/root.ts";
import {
  entriesAt,
  keyNodeAt,
  readTree,
  type Remark,
  type Segment,
  valueAt,
  withStraightQuotes,
} from "./text/edit.ts";

export interface ConfigText {
  /** Path as the operator would write it, for messages. */
  readonly file: string;
  readonly text: string;
}

/** A parsed config file. It is valid only if no problem is an error. */
export interface Parsed {
  /** Absent if the schema refuses a value, or after a syntax error. */
  readonly settings?: Settings;
  /** The file's own values, before defaults; absent with `settings`. */
  readonly written?: Readonly<Record<string, unknown>>;
  /** The text without its secrets; absent without a file, or if it is not valid. */
  readonly blanked?: string;
  readonly problems: readonly Problem[];
  /** Makes a problem at a key of this file, for checks that run later. */
  readonly problemAt: ProblemAt;
}

export type ProblemAt = (
  severity: Severity,
  path: readonly Segment[],
  message: string,
  hint?: string,
) => Problem;

/** Settings without a file: defaults only. */
export function noFile(): Parsed {
  return {
    settings: configSchema.parse({}, { jitless: true }),
    written: {},
    problems: [],
    problemAt: (severity, path, message, hint) => ({
      severity,
      path: pathText(path),
      message,
      hint,
    }),
  };
}

/** Parses a config file. Never rejects. */
export async function parseConfig({ file, text }: ConfigText): Promise<Parsed> {
  const tree = readTree(text);
  if (tree.kind === "faults") {
    const toProblem = unparsed(file, text);
    const problems = tree.faults.map((fault) => toProblem({ severity: "error", ...fault }));
    return { problems, problemAt: atNodes(undefined, toProblem) };
  }
  const { root } = tree;
  const toProblem = locator(file, text, () => secretsIn(root, configSchema));
  const problemAt = atNodes(root, toProblem);
  const { value, remarks } = withoutIgnored(tree.value, root);
  const refused = async (issues: readonly z.core.$ZodIssue[]): Promise<Parsed> => {
    const errors = await remarksOf(issues, {
      schema: configSchema,
      root,
      text,
      isSecret: isSecretAt,
    });
    const others = audit(root, value).filter(({ path, severity }) =>
      severity === "error" && !errors.some((error) => isWithin(path, error.path))
    );
    const all = [...errors, ...others, ...remarks].sort(byOffset);
    return { problems: all.map(toProblem), problemAt };
  };

  const checked = configSchema.safeParse(value, { jitless: true });
  if (!checked.success) return await refused(checked.error.issues);
  const { settings, issues } = withAccounts(checked.data, value);
  if (issues.length > 0) return await refused(issues);
  return {
    settings,
    written: value,
    blanked: blankedText(text, secretsIn(root, configSchema), tree.comments),
    problems: [...remarks, ...audit(root, value)].sort(byOffset)
      .map(toProblem),
    problemAt,
  };
}

/** Whether one path is a part of another, in either direction. */
function isWithin(path: readonly Segment[], other: readonly Segment[]): boolean {
  const depth = Math.min(path.length, other.length);
  return pathText(path.slice(0, depth)) === pathText(other.slice(0, depth));
}

function isSecretAt(path: readonly Segment[]): boolean {
  if (mayBeSecret(schemaAt(configSchema, path))) return true;
  const above = schemaAt(configSchema, path.slice(0, -1));
  return above !== undefined && isSecret(above); // a token in place of a variable's name
}

function byOffset(one: Span, other: Span): number {
  return one.offset - other.offset;
}

/** Locates problems of a text that does not parse; what may be a secret is blanked. */
export function unparsed(file: string, text: string): ToProblem {
  return locator(file, text, () => likelySecretsIn(withStraightQuotes(text)));
}

type ToProblem = (remark: Remark) => Problem;

function locator(file: string, text: string, secretsOf: () => readonly Span[]): ToProblem {
  let lines: Lines | undefined;
  return ({ severity, path, message, hint, offset, length }) => {
    lines ??= createLines(text, secretsOf());
    return {
      severity,
      file,
      ...lines.positionOf(offset),
      path: pathText(path),
      message,
      hint,
      excerpt: lines.excerptOf({ offset, length }),
    };
  };
}

function atNodes(root: Node | undefined, toProblem: ToProblem): ProblemAt {
  return (severity, path, message, hint) => {
    let node: Node | undefined;
    for (let depth = path.length; root && !node && depth >= 0; depth -= 1) {
      node = findNodeAtLocation(root, path.slice(0, depth));
    }
    if (node?.type === "object") node = node.parent?.children?.[0] ?? node; // the entry's key
    const { offset, length } = node === root || !node ? { offset: 0, length: 1 } : node;
    return toProblem({ severity, path, message, hint, offset, length });
  };
}

/** The value without ignored keys (C3), and a remark for each of them. */
function withoutIgnored(
  value: Readonly<Record<string, unknown>>,
  root: Node,
): { readonly value: Readonly<Record<string, unknown>>; readonly remarks: readonly Remark[] } {
  const discord = ["channels", "discord"];
  const accounts = entriesAt(value, [...discord, "accounts"])
    .map(([name]) => [...discord, "accounts", name]);
  const remarks = [discord, ...accounts].flatMap((section) =>
    entriesAt(value, section).flatMap(([name]): readonly Remark[] => {
      const hint = Object.hasOwn(IGNORED_KEYS, name) ? IGNORED_KEYS[name] : undefined;
      if (hint === undefined) return [];
      const path = [...section, name];
      const { offset, length } = keyNodeAt(root, path);
      const message = `${quoted(name)} has no effect here`;
      return [{ severity: "warning", path, message, hint, offset, length }];
    })
  );
  if (remarks.length === 0) return { value, remarks };
  const kept = structuredClone(value);
  for (const { path } of remarks) {
    Reflect.deleteProperty(Object(valueAt(kept, path.slice(0, -1))), String(path.at(-1)));
  }
  return { value: kept, remarks };
}
