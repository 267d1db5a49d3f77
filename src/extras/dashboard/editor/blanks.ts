/**
 * Blanks the secrets of a config for an editor, and puts them back into the edited text.
 *
 * A blank is put back only at the config path of its secret. At another path, its value could leave
 * the machine: as the name of an agent, for example, or with requests to another server.
 */

import { findNodeAtLocation, getLocation, type Node } from "jsonc-parser";
import { pathText } from "../../../core/config_file.ts";
import { configSchema } from "../../../config/schema/root.ts";
import { blankedText, likelySecretsIn, secretsIn } from "../../../config/schema/parts/blank.ts";
import {
  createLines,
  type Problem,
  type Span,
  withoutSecrets,
} from "../../../config/text/problem.ts";
import { readTree, type Tree } from "../../../config/text/tree.ts";

type WholeTree = Extract<Tree, { readonly kind: "tree" }>;

export function blankSecrets(text: string): {
  /** The text with a star for each letter of a secret. */
  readonly text: string;
  /** Whether {@link restoreSecrets} can put the secrets back. */
  readonly isRestorable: boolean;
} {
  const tree = readTree(text);
  if (tree.kind === "tree") return { text: blankedIn(text, tree), isRestorable: true };
  // Without keys, a secret has no path.
  const blanked = withoutSecrets(blankedText(text, likelySecretsIn(text), []));
  return { text: blanked, isRestorable: blanked === text };
}

function blankedIn(text: string, tree: WholeTree): string {
  return blankedText(text, secretTextsIn(text, tree.root), tree.comments);
}

/** The secrets in quotes. Stars in place of a number would be no JSON, and no number is a secret. */
function secretTextsIn(text: string, root: Node): readonly Span[] {
  return secretsIn(root, configSchema).filter(({ offset }) => text[offset - 1] === '"');
}

/**
 * Puts the secrets of a file back into an edited text. A comment gets its secret back if it has not
 * been edited.
 *
 * @param edited A text without syntax errors gets its secrets; another one stays as it is.
 * @param original The text of the file.
 */
export function restoreSecrets(edited: string, original: string, file: string):
  | { readonly kind: "restored"; readonly text: string }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] } {
  const text = withLineEndsOf(original, edited);
  const [now, old] = [readTree(text), readTree(original)];
  if (now.kind !== "tree" || old.kind !== "tree") return { kind: "restored", text };
  const parts: { readonly span: Span; readonly secret: string }[] = [];
  const problems: Problem[] = [];
  const lines = createLines(text, []);
  for (const span of secretTextsIn(text, now.root)) {
    const blank = sliceOf(text, span);
    if (!/^\*+$/.test(blank)) continue;
    const { path } = getLocation(text, span.offset);
    const node = findNodeAtLocation(old.root, path);
    const secret = node?.type === "string"
      ? sliceOf(original, { offset: node.offset + 1, length: node.length - 2 })
      : undefined;
    if (secret?.length === blank.length) parts.push({ span, secret });
    else {
      problems.push({
        severity: "error",
        file,
        ...lines.positionOf(span.offset),
        path: pathText(path),
        message: "This secret is blank, and the file has no such secret here",
        hint: 'write the secret itself or "${NAME}"; a secret that is moved loses its value',
        excerpt: lines.excerptOf(span),
      });
    }
  }
  if (problems.length > 0) return { kind: "refused", problems };
  parts.push(...commentsOf(text, now, original, old));
  return { kind: "restored", text: withParts(text, parts) };
}

/** The comments of the edited text that stand for blanked comments of the file. */
function commentsOf(text: string, now: WholeTree, original: string, old: WholeTree) {
  const blanked = blankedIn(original, old);
  const known = new Map<string, string[]>();
  for (const span of old.comments) {
    const [shown, secret] = [sliceOf(blanked, span), sliceOf(original, span)];
    if (shown !== secret) known.set(shown, [...known.get(shown) ?? [], secret]);
  }
  return now.comments.flatMap((span) => {
    const secret = known.get(sliceOf(text, span))?.shift();
    return secret === undefined ? [] : [{ span, secret }];
  });
}

function withParts(
  text: string,
  parts: readonly { readonly span: Span; readonly secret: string }[],
): string {
  let restored = text;
  for (const { span, secret } of parts.toSorted((a, b) => b.span.offset - a.span.offset)) {
    const { offset, length } = span;
    restored = restored.slice(0, offset) + secret + restored.slice(offset + length);
  }
  return restored;
}

/** Forms send their own line ends. */
function withLineEndsOf(original: string, edited: string): string {
  const plain = edited.replace(/\r\n?/g, "\n");
  return original.includes("\r\n") ? plain.replaceAll("\n", "\r\n") : plain;
}

function sliceOf(text: string, { offset, length }: Span): string {
  return text.slice(offset, offset + length);
}
