/**
 * Parses the text of a config file to settings, or to every problem in it.
 *
 * Syntax errors come alone, since the rest of a broken file means nothing. All other problems come
 * at once, in the order of the file (C2).
 *
 * @module
 */

import { findNodeAtLocation, type Node } from "jsonc-parser";
import type { z } from "zod";
import { withAccounts } from "./schema/accounts.ts";
import { audit, type Remark } from "./audit.ts";
import { blankedText, holdsSecret, likelySecretsIn, secretsIn } from "./schema/blank.ts";
import { findingsOf } from "./checks/issues.ts";
import { ignoredKey } from "./checks/misplaced.ts";
import { pathText } from "../core/config_path.ts";
import { quoted } from "../lib/text/quoted.ts";
import { createLines, type Lines, type Problem, type Severity, type Span } from "./text/problem.ts";
import { configSchema, type Settings } from "./schema/root.ts";
import { isSecret, schemaAt } from "./schema/shape.ts";
import { isRecord, readTree, type Segment } from "./text/tree.ts";

/** A config file. */
export interface ConfigText {
  /** Path as the operator would write it, for messages. */
  readonly file: string;
  /** The file's text. */
  readonly text: string;
}

/** A parsed config file. It is valid only if no problem is an error. */
export interface Parsed {
  /** Absent if the schema refuses a value. */
  readonly settings?: Settings;
  /** The file's own values, before defaults; absent with `settings`. */
  readonly written?: Readonly<Record<string, unknown>>;
  /** The text without its secrets; absent without a file, or if it is not valid. */
  readonly blanked?: string;
  /** Every problem, in the order of the file. */
  readonly problems: readonly Problem[];
  /** Makes a problem at a key of this file, for checks that run later. */
  readonly problemAt: ProblemAt;
}

/** Makes a problem at a key of the file. */
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
      ...(hint !== undefined && { hint }),
    }),
  };
}

/** Parses a config file. Never rejects. */
export async function parseConfig({ file, text }: ConfigText): Promise<Parsed> {
  const tree = readTree(text);
  if (tree.kind === "faults") {
    const toProblem = locator(file, text, () => likelySecretsIn(text));
    return {
      problems: tree.faults.map((fault) => toProblem({ severity: "error", ...fault })),
      problemAt: atNodes(() => undefined, toProblem),
    };
  }

  const rootOf = (): Node => tree.root; // this costs more than all other steps, and valid files rarely need it
  const toProblem = locator(file, text, () => secretsIn(tree.root, configSchema));
  const problemAt = atNodes(rootOf, toProblem);
  const { value, remarks } = withoutIgnored(tree.value, rootOf);
  const refused = async (issues: readonly z.core.$ZodIssue[]): Promise<Parsed> => {
    const context = { schema: configSchema, root: tree.root, text, isSecret: isSecretAt };
    const errors = (await findingsOf(issues, context))
      .map((finding): Remark => ({ severity: "error", ...finding }));
    return { problems: [...errors, ...remarks].sort(byOffset).map(toProblem), problemAt };
  };

  const checked = configSchema.safeParse(value, { jitless: true });
  if (!checked.success) return await refused(checked.error.issues);
  const { settings, issues } = withAccounts(checked.data, value);
  if (issues.length > 0) return await refused(issues);
  const secrets = holdsSecret(value, configSchema) ? secretsIn(tree.root, configSchema) : [];
  return {
    settings,
    written: value,
    blanked: blankedText(text, secrets, tree.comments),
    problems: [...remarks, ...audit(rootOf, value, configSchema)].sort(byOffset).map(toProblem),
    problemAt,
  };
}

function isSecretAt(path: readonly Segment[]): boolean {
  const schema = schemaAt(configSchema, path);
  return schema === undefined || isSecret(schema);
}

function byOffset(one: Span, other: Span): number {
  return one.offset - other.offset;
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
      ...(hint !== undefined && { hint }),
      excerpt: lines.excerptOf({ offset, length }),
    };
  };
}

function atNodes(rootOf: () => Node | undefined, toProblem: ToProblem): ProblemAt {
  return (severity, path, message, hint) => {
    const root = rootOf();
    let node: Node | undefined;
    for (let depth = path.length; root && !node && depth >= 0; depth -= 1) {
      node = findNodeAtLocation(root, path.slice(0, depth));
    }
    if (node?.type === "object") node = node.parent?.children?.[0] ?? node; // the entry's key
    const { offset, length } = node === root || !node ? { offset: 0, length: 1 } : node;
    return toProblem({
      severity,
      path,
      message,
      ...(hint !== undefined && { hint }),
      offset,
      length,
    });
  };
}

/** The value without misplaced keys (C3), and a remark for each of them. */
function withoutIgnored(
  value: Readonly<Record<string, unknown>>,
  rootOf: () => Node,
): { readonly value: Readonly<Record<string, unknown>>; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  const copy = (part: unknown, path: readonly Segment[]): unknown => {
    if (!isRecord(part) || path.length > 4) return part; // no such key is deeper
    const kept: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(part)) {
      const here = [...path, name];
      const belongs = ignoredKey(here);
      if (belongs === undefined) {
        kept[name] = copy(child, here);
        continue;
      }
      const keyNode = findNodeAtLocation(rootOf(), here)?.parent?.children?.[0] ?? rootOf();
      remarks.push({
        severity: "warning",
        path: here,
        message: `${quoted(name)} has no effect here`,
        hint: belongs,
        offset: keyNode.offset,
        length: keyNode.length,
      });
    }
    return kept;
  };
  const kept = copy(value, []);
  return { value: isRecord(kept) ? kept : {}, remarks };
}
